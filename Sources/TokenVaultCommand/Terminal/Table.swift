// SPDX-License-Identifier: Apache-2.0

/// Rows of text in columns as wide as their widest cell.
struct Table {
    private let rows: [[String]]

    /// Makes every cell printable.
    init(_ head: [String], _ rows: [[String]]) {
        self.rows = ([head] + rows).map { $0.map(\.printable) }
    }

    func write() throws {
        let columns = rows.first?.count ?? 0
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        for row in rows {
            let line = zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
            try Outlet.output.line(String(line.reversed().drop { $0 == " " }.reversed()))
        }
    }
}
