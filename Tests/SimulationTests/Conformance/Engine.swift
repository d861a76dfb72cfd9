// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What stands behind the seam of the store. A new engine is a case here, and the suites of this
/// folder say what it must do.
enum Engine: CaseIterable, Sendable {
    case lmdb, simulator

    /// - Parameter isRoomy: whether it has room for everything; else it is full soon.
    func make(isRoomy: Bool) throws -> any TestedEngine {
        switch self {
        case .lmdb: try LMDBEngine(mapBytes: isRoomy ? 1 << 30 : 1 << 20)
        case .simulator: SimulatorEngine()
        }
    }
}

/// A store, and the process that has it open.
protocol TestedEngine: AnyObject {
    var reading: any Reading { get }
    var committing: any Committing { get }

    /// Opens the store as the next process does, which is not verified yet.
    func start() throws
    /// An orderly end of the process: what was submitted is made durable, and no more is taken.
    func end()
    /// Goes on until `isDone`, for some seconds at most.
    func work(until isDone: @escaping () -> Bool)
    /// From now on nothing finds room but what may use the reserve.
    ///
    /// - Parameter put: writes one more record, and says whether it found room.
    func fill(_ put: (Int) throws -> Bool) throws
}
