// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Where browsers reach the front, and which callbacks it answers there.
struct FrontReach: Codable, Sendable {
    /// Scheme and host, and a port where needed, each without a final slash.
    var origins: [String]
    /// Applications that are served at the plain `/callback` although their provider does not say
    /// in its answer who it is.
    var plainCallbackApplications: [String]

    enum CodingKeys: String, CodingKey {
        case origins
        case plainCallbackApplications = "plain_callback_applications"
    }

    /// Where the front answers an application's redirect URI; nil where it does not. Compared byte
    /// by byte.
    func origin(of callback: CallbackURI) -> String? {
        origins.first { origin in
            callback.isOwn(at: origin) || callback.isPlain(at: origin) && allowsPlain(callback)
        }
    }

    /// Whether the plain `/callback` takes the application's answers: the provider says in them who
    /// it is (`iss`, RFC 9207), or the operator takes it upon themselves.
    func allowsPlain(_ callback: CallbackURI) -> Bool {
        callback.sendsIssuer || plainCallbackApplications.contains(callback.application)
    }
}
