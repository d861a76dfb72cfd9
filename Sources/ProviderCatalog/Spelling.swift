// SPDX-License-Identifier: Apache-2.0

/// What somebody may have meant who misspelt a word.
package enum Spelling {
    /// How far a word may be from what was meant: more is another word.
    private static let distanceMax = 2

    /// The nearest of the known words; nil where none is near.
    package static func nearest(to word: String, among known: some Sequence<String>) -> String? {
        let nearest = known.min { distance($0, word) < distance($1, word) }
        return nearest.flatMap { distance($0, word) <= distanceMax ? $0 : nil }
    }

    /// How many characters have to be changed, put in or taken out to make one of the other.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (line, character) in left.enumerated() {
            var corner = row[0]
            row[0] = line + 1
            for index in right.indices {
                let changed = corner + (right[index] == character ? 0 : 1)
                corner = row[index + 1]
                row[index + 1] = min(changed, row[index] + 1, row[index + 1] + 1)
            }
        }
        return row[right.count]
    }
}
