// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// Blocks of the arena, held for as long as the box lives.
package final class BlockHoard {
    private let secret: Secret
    private var next: BlockHoard?

    private init(_ secret: consuming Secret, _ next: BlockHoard?) {
        self.secret = secret
        self.next = next
    }

    /// One after the other: a chain as long as the arena would end the stack.
    deinit {
        var rest = next.take()
        while let box = rest, isKnownUniquelyReferenced(&rest) { rest = box.next.take() }
    }

    /// Takes every block of these size classes that is free.
    package static func take(allOf byteCounts: [Int]) -> BlockHoard? {
        var hoard: BlockHoard?
        for byteCount in byteCounts {
            while let secret = Secret(roomFor: byteCount) { hoard = BlockHoard(secret, hoard) }
        }
        return hoard
    }

    /// Gives some of them back.
    package static func give(_ count: Int, of hoard: inout BlockHoard?) {
        for _ in 0..<count {
            let rest = hoard?.next
            hoard?.next = nil
            hoard = rest
        }
    }
}
