// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import TokenVault

extension ServeCommand {
    /// What the file says, where there is one, but for what the options say themselves.
    func settings() throws -> ServeSettings {
        let file = try config.map { path throws(CommandFailure) in try ServeFile(path) }
        var settings = try file?.checked() ?? ServeSettings()
        if let listen { settings.front.listen = try ListenAddress(listen) }
        if let publicURL { settings.front.publicURL = publicURL }
        if let drain { settings.drainSeconds = drain }
        if requireLockedMemory { settings.requiresLockedMemory = true }
        if reading.readUnverified { settings.readsUnverified = true }
        settings.network = options.filled(from: settings).network.values
        guard settings.front.publicURL == nil || settings.front.listen != nil || file != nil else {
            throw CommandFailure(.usage, "--public-url needs --listen")
        }
        try file?.refuse(settings.faults())
        try Self.warn(settings.front.plainCallbackApplications)
        return settings
    }

    private static func warn(_ applications: [String]) throws {
        guard !applications.isEmpty else { return }
        try Outlet.errors.line(
            "tokenvault: warning: plain_callback_applications names "
                + applications.map(\.printable).joined(separator: ", ")
                + ": where the provider returns no iss (RFC 9207), another provider's answer could "
                + "be taken for its own; `tokenvault callback list` says what to register instead")
    }

    /// How browsers are answered; nil where nobody asked for that.
    static func callbackFront(
        _ settings: FrontSettings, _ isListening: @escaping @Sendable () -> Void
    ) throws -> CallbackFront.Configuration? {
        guard let listen = settings.listen else { return nil }
        var configuration = CallbackFront.Configuration()
        configuration.host = listen.host
        configuration.port = Int(listen.port)
        configuration.publicBaseURL = settings.publicURL
        configuration.hosts = settings.hosts.callbackHosts
        for id in settings.plainCallbackApplications {
            configuration.plainCallbackApplications.insert(try ApplicationID(id))
        }
        configuration.confirmationURL = settings.confirmationURL
        configuration.name = settings.name
        if let logo = settings.logo {
            configuration.logo = try CallbackFront.Logo(contentsOfFile: logo)
        }
        configuration.wayBack = settings.backURL.map {
            CallbackFront.WayBack(label: settings.backLabel ?? "Back", url: $0)
        }
        configuration.successRedirects = Set(settings.successRedirects)
        configuration.failureRedirects = Set(settings.failureRedirects)
        configuration.onServerRunning = { _ in isListening() }
        return configuration
    }
}
