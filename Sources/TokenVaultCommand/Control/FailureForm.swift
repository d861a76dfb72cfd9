// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// An error on its way through the control socket: codes and numbers, or a line that was made for
/// people; never a secret.
struct FailureForm: Codable, Sendable {
    var code: String?
    var stage: String?
    var connection: String?
    var number: Int?
    var detail: DetailForm?
    var retryTime: Moment?
    var status: Int32?
    var message: String?

    init(_ error: any Error) {
        switch error {
        case let error as VaultError:
            code = error.code.description
            stage = error.stage.rawValue
            connection = error.connection?.text
            number = error.number
            detail = DetailForm(error.detail)
            retryTime = error.retryTime.map(Moment.init)
        case is CommandFailure, is DiscoveryError:
            let failure = CommandFailure(error)
            status = failure?.status.rawValue
            message = failure?.message
        default:
            status = ExitStatus.internalFault.rawValue
            message = "a fault of the serving process"
        }
    }

    var error: any Error {
        if let code, let stage = stage.flatMap(VaultError.Stage.init(rawValue:)),
            let found = VaultError.advice.first(where: { $0.code.description == code })
        {
            return VaultError(
                found.code, stage, connection: connection.flatMap { try? ConnectionID($0) },
                number: number ?? 0, detail: detail?.detail ?? FailureDetail(),
                retryTime: retryTime?.time)
        }
        return CommandFailure(
            status.flatMap(ExitStatus.init(rawValue:)) ?? .internalFault,
            message ?? "an unknown fault of the serving process")
    }
}
