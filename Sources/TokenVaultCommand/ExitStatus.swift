// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProviderCatalog
import TokenVault

/// What the command's exit code says: the numbers of sysexits.h, and one of our own.
enum ExitStatus: Int32, CaseIterable {
    case success = 0
    case usage = 64
    case badData = 65
    case missing = 66
    case providerUnavailable = 69
    case internalFault = 70
    case cannotCreate = 73
    case inputOutput = 74
    case temporaryFailure = 75
    case refused = 77
    case misconfigured = 78
    case connectAgain = 79

    /// What it means, for the help.
    var meaning: String {
        switch self {
        case .success: "done"
        case .usage: "the command line is wrong"
        case .badData: "a file, a callback or a record is damaged or not what it should be"
        case .missing: "no such vault, connection, application, file or folder"
        case .providerUnavailable:
            "the provider cannot be reached, is in trouble or did not revoke"
        case .internalFault: "a fault of this program or of the system"
        case .cannotCreate: "something is there already, or an address is taken"
        case .inputOutput: "reading or writing failed, or the disk is full"
        case .temporaryFailure: "busy or locked: try again"
        case .refused: "wrong key, unsafe permissions, or a secret that would be shown"
        case .misconfigured:
            "the application, its provider's settings, --ca-file or the file of serve is wrong"
        case .connectAgain: "there is no usable grant: send the user through connect"
        }
    }

    /// All of them, for the help.
    static let table = allCases.map { "  \($0.rawValue)".padded(to: 6) + $0.meaning }
        .joined(separator: "\n")
}

/// An end of the command other than success: its exit status and one line for people.
struct CommandFailure: Error, Hashable {
    let status: ExitStatus
    let message: String

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// A call of the system that failed.
    init(_ status: ExitStatus, _ message: String, errno number: Int32) {
        self.init(status, "\(message): \(SystemMessage.of(number))")
    }
}

extension CommandFailure {
    /// What an error means to somebody at a terminal; nil where it has a text of its own.
    init?(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as VaultError: self = error.failure
        case let error as DefinitionError:
            self.init(error.number == ENOENT ? .missing : .badData, error.description)
        case let error as DiscoveryError: self.init(error.status, error.description)
        case is CancellationError: self.init(.temporaryFailure, "cancelled")
        default: return nil
        }
    }
}

extension DiscoveryError {
    fileprivate var status: ExitStatus {
        switch kind {
        case .issuerMalformed: .usage
        case .notFound: .missing
        case .unreachable: .providerUnavailable
        case .busy: .temporaryFailure
        case .unreadable: .badData
        default: .misconfigured
        }
    }
}
