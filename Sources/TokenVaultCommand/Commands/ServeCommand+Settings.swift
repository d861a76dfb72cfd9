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
        if let api { settings.api = try APIAddress(api) }
        if let drain { settings.drainSeconds = drain }
        if requireLockedMemory { settings.requiresLockedMemory = true }
        if reading.readUnverified { settings.readsUnverified = true }
        if let metrics = try watching.address() { settings.metrics = metrics }
        if let format = watching.logFormat { settings.logFormatName = format.rawValue }
        settings.network = options.filled(from: settings).network.values
        guard settings.front.publicURL == nil || settings.front.listen != nil || file != nil else {
            throw CommandFailure(.usage, "--public-url needs --listen")
        }
        try file?.refuse(settings.faults())
        return settings
    }

    /// How browsers are answered; nil where nobody asked for that.
    static func callbackFront(
        _ settings: FrontSettings, _ log: ServiceLog, _ isListening: @escaping @Sendable () -> Void
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
        configuration.logger = log.logger("front")
        configuration.onServerRunning = { _ in isListening() }
        return configuration
    }
}
