// SPDX-License-Identifier: Apache-2.0

/// One consent of one user at one provider, as the provider knows it.
struct Grant {
    /// Why a grant is over.
    enum End: String {
        /// A refresh token was presented after its successor had been issued.
        case reuse
        /// The user withdrew it at the provider.
        case user
        /// The refresh token was not used for too long.
        case idle
        /// The grant reached its absolute age.
        case age
        /// The vault revoked it.
        case revoked
        /// It was presented with a wrong client secret, and used up over that.
        case burnt
    }

    let subject: Int
    let provider: Int
    let issued: Int64
    var used: Int64
    var end: End?
    /// The refresh token that is valid; the one before it may be, for the provider's grace.
    var refreshSerial: Int64 = 1
    var replaced: Int64 = 0
    /// Refresh tokens up to this one were in a request for revocation.
    var revocationSerial: Int64 = 0
    /// Refresh tokens up to this one have reached the process that asked for them.
    var arrivedSerial: Int64 = 0
    /// When the process last heard that it is over.
    var refused: Int64 = .min
    /// When it was asked for again sooner, because somebody else had succeeded.
    var reprieved: Int64 = .min
    /// The refresh token whose answer nobody can use, from the moment that it was heard.
    var unreadSerial: Int64 = 0
    /// The connection that held it was disconnected, durably.
    var isDisconnected = false

    /// What a process left behind that ended: the refresh token that was presented last, until when
    /// its request may be out, and what the process's clock was wrong by.
    var cutOff: (serial: Int64, end: Int64, offset: Int64) = (0, .min, 0)
    /// Which of its refresh tokens are in requests that are out.
    private var out: [Int64] = []

    init(subject: Int, provider: Int, issued: Int64, used: Int64) {
        (self.subject, self.provider, self.issued, self.used) = (subject, provider, issued, used)
    }

    /// One of its refresh tokens is in a request: in how many by now.
    mutating func begin(_ serial: Int64) -> Int {
        out.append(serial)
        return out.count { $0 == serial }
    }

    /// A request with one of them has ended.
    mutating func end(_ serial: Int64) {
        if let place = out.firstIndex(of: serial) { out.remove(at: place) }
    }

    /// A new process: nothing of the last one is out, and what it was told is gone.
    mutating func forget(durable serial: Int64) {
        out = []
        arrivedSerial = min(arrivedSerial, serial)
    }

    var isAlive: Bool { end == nil }
}
