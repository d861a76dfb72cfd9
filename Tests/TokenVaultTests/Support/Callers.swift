// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// Callers by number, for tests that ask who is told.
final class Callers {
    private var callers: [Int: Caller] = [:]

    subscript(number: Int) -> Caller {
        if let caller = callers[number] { return caller }
        let caller = Caller()
        callers[number] = caller
        return caller
    }

    func numbers(_ told: [Caller]) -> [Int] {
        told.map { caller in callers.first { $0.value === caller }?.key ?? -1 }
    }
}
