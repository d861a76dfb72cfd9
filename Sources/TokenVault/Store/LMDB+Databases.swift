// SPDX-License-Identifier: Apache-2.0

import Glibc

// What there is in LMDB's file, and how much of it.
extension LMDB {
    enum Database: Int, CaseIterable {
        case records, meta, flows, events
    }

    static let pageBytes = 4096
    /// Is lent every key and value; says whether to go on.
    typealias Visitor = (RawSpan, RawSpan) throws(VaultError) -> Bool

    /// How long the data file is; its blocks may be fewer.
    func fileBytes() throws(VaultError) -> Int {
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw Descriptor.failure(.store) }
        return Int(status.st_size)
    }
}
