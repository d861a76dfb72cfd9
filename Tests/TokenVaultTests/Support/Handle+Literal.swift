// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

extension Handle: ExpressibleByIntegerLiteral {
    init(integerLiteral number: UInt32) { self.init(number: number) }
}

extension Sequence<UInt32> {
    /// A handle of each number.
    var handles: [Handle] { map { Handle(number: $0) } }
}
