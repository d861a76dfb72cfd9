// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What `serve` is told to do, by its file and by its options. Each property is the default of its
/// row in `ServeSetting.all`.
struct ServeSettings: Sendable {
    /// How long answers may be waited for at the end, in seconds.
    static let drainSecondsRange: ClosedRange<Int64> = 0...3600
    /// How long before its end a connection's is told, in days; 0 for never.
    static let endNoticeDaysRange: ClosedRange<Int64> = 0...90

    /// The vault's directory; nil where the file does not say it.
    var vault: String?
    /// The file with the root key; nil where the key comes another way.
    var keyFile: String?
    var front = FrontSettings()
    var drainSeconds: Int64 = 60
    var network = NetworkSettings()
    var readsUnverified = false
    var requiresLockedMemory = false
    /// Where the JSON API is; nil where it is not.
    var api: APIAddress?
    /// Where the process is watched; nil where it is not.
    var metrics: ListenAddress?
    var logFormatName = ServiceLog.Format.text.rawValue
    var logsRefreshes = false
    var endNoticeDays: Int64 = 7

    /// How what happens is written.
    var logFormat: ServiceLog.Format { ServiceLog.Format(rawValue: logFormatName) ?? .text }
}

extension ServeSettings {
    /// What does not go together, each by the key of the setting that has to be mended.
    func faults() -> [(key: String, message: String)] {
        var faults: [(key: String, message: String)] = []
        func refuse(_ isWrong: Bool, _ key: String, _ message: String) {
            if isWrong { faults.append((key, "\(key) \(message)")) }
        }
        let listens = front.listen != nil
        refuse(front.publicURL != nil && !listens, "public_url", "needs listen: add it")
        refuse(!front.hosts.all.isEmpty && !listens, "hosts", "needs listen: add it")
        refuse(
            front.isPublicURLOfHosts, "public_url",
            "is one of hosts already: take it out of one of them")
        refuse(
            front.backLabel != nil && front.backURL == nil, "back_label",
            "needs back_url, where it leads: add it")
        refuse(
            !network.resolve.isEmpty && !network.allowsLoopbackHTTP, "resolve",
            "is for practice servers: set allow_loopback_http to true as well, or take it out")
        refuse(
            network.proxyCredentialsFile != nil && network.proxy == nil,
            "proxy_credentials_file", "needs proxy: add it")
        if let listen = front.listen, front.publicURL == nil, front.hosts.all.isEmpty {
            refuse(
                !ListenAddress.loopbackHosts.contains(listen.host), "listen",
                "is not an address of this machine alone, and nothing says where browsers reach "
                    + "it: add hosts or public_url, or listen on 127.0.0.1")
        }
        return faults
    }
}
