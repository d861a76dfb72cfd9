// SPDX-License-Identifier: Apache-2.0

import Synchronization
import TokenVault
import UnixSignals

/// Shows the codes of a device authorization, and waits until the user has entered it somewhere.
struct DeviceWait {
    private let door: any VaultDoor
    private let id: String

    /// How often the vault, which polls the provider at its own pace, is asked how it stands.
    private static let lookInterval = Duration.milliseconds(500)

    init(_ door: any VaultDoor, _ id: String) { (self.door, self.id) = (door, id) }

    /// Returns when the connection has tokens. Where the person gives up, the codes are erased.
    func connect(_ request: Request, secret: consuming Secret?) async throws {
        let isOver = Flag()
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        let watcher = Task {
            for await _ in signals {
                isOver.set()
                break
            }
        }
        defer { watcher.cancel() }
        var shown: DeviceForm?
        try await door.ask(request, secret: secret) { reply in
            if case .device(let device) = reply { shown = device }
        }
        guard let shown else { throw ServedVault.unexpected }
        try show(shown)
        while try await !isConnected() {
            guard !isOver.isSet else { return try await giveUp() }
            try await Task.sleep(for: Self.lookInterval)
        }
    }

    /// Where to go stands alone on its line, so that a program can take it.
    private func show(_ device: DeviceForm) throws {
        try Outlet.errors.line("Open this address in a browser anywhere:")
        try Outlet.output.line(device.verificationURI.printable)
        try Outlet.errors.line("Enter this code there:")
        try Outlet.output.line(device.userCode.printable)
        if let complete = device.verificationURIComplete, complete != device.verificationURI {
            try Outlet.errors.line("Or open this one, which has the code in it, and compare:")
            try Outlet.errors.line("  " + complete.printable)
        }
        try Outlet.errors.line(
            "Waiting until \(device.expires.time.timeOfDay). Ctrl-C gives up.")
    }

    private func isConnected() async throws -> Bool {
        var isConnected = false
        do {
            try await door.ask(.device(id: id)) { reply in
                if case .connected = reply { isConnected = true }
            }
        } catch let error as VaultError where error.code == .flowExpired {
            throw CommandFailure(
                .connectAgain,
                "\(id.printable): the code has expired, and nobody has entered it: run connect "
                    + "--device again")
        }
        return isConnected
    }

    private func giveUp() async throws {
        do {
            try await door.ask(.cancelDevice(id: id))
        } catch let error as VaultError {
            guard error.code == .flowEnded else { throw error }
            // The user has decided at this very moment.
            if try await isConnected() { return }
        }
        throw CommandFailure(
            .temporaryFailure, "\(id.printable): given up; the code is of no use any more")
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .acquiring) }
        func set() { value.store(true, ordering: .releasing) }
    }
}
