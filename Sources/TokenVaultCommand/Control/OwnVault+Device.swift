// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension OwnVault {
    /// Answers what is asked of a device authorization.
    func answer(toDevice request: Request, _ secret: consuming Secret?) async throws -> Reply? {
        switch request {
        case .connectDevice(let id, let application, let scopes, let own):
            let device = try await vault.startDeviceAuthorization(
                ConnectionID(id), application: ApplicationID(application), scopes: scopes,
                settings: (own ?? OwnForm()).settings(clientSecret: secret))
            return .device(DeviceForm(device))
        case .device(let id): return try await device(ConnectionID(id))
        case .cancelDevice(let id):
            try await vault.cancelDeviceAuthorization(ConnectionID(id))
            return nil
        default: throw VaultError(.invalidArgument, .vault)
        }
    }

    /// The vault polls by itself; whoever wants to know how it stands asks again.
    private func device(_ id: ConnectionID) async throws -> Reply {
        if let device = try await vault.deviceAuthorization(id) {
            return .device(DeviceForm(device))
        }
        try await vault.completeDeviceAuthorization(id)
        return .connected(id: id.text)
    }
}
