// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// One request on its way through the virtual network, and what the provider makes of it.
final class Exchange {
    enum Kind {
        case refresh, code, revocation
    }

    /// What comes back.
    enum Answer {
        case failure(TransportReply.Failure)
        case status(Int, retryAfterSeconds: Int64?)
        case error(Int, String)
        /// A refusal in words of the provider's own.
        case text(Int, String)
        case tokens(access: TokenText, refresh: TokenText?)
        /// Tokens that nobody can use.
        case unusable(access: TokenText, refresh: TokenText?)
        /// A success that holds nothing.
        case page
        case done

        /// Whether it shows that the provider lives.
        var isDefinite: Bool {
            switch self {
            case .failure, .status: false
            default: true
            }
        }

        /// Whether the provider may have acted, as far as anybody can tell from it.
        var leavesDoubt: Bool {
            switch self {
            case .failure(.lost), .failure(.deadlineExceeded), .status(500, _), .page, .unusable:
                true
            default: false
            }
        }
    }

    /// What a refusal means, whatever its words are.
    enum Meaning {
        case nothing
        /// The grant is over.
        case loss
        /// The client secret is wrong.
        case rejection
    }

    let request: TransportRequest
    let kind: Kind
    let provider: VirtualProvider
    let form: TokenText.Form
    let subject: Int
    let started: Int64
    /// Which process sent it.
    let process: Int
    var meaning = Meaning.nothing
    /// Whether its refusal is nothing that anybody learns from.
    var isExpected = false
    /// When its first byte left.
    var admitted: Int64?
    /// Its deadline passed, and its answer is still listened for.
    var isOverdue = false
    /// The process that sent it still waits for the answer.
    var isOpen = true
    /// That process ended before it was answered.
    var isCutOff = false
    /// The provider did what it was asked.
    var hasActed = false

    init(
        _ request: TransportRequest, _ kind: Kind, _ provider: VirtualProvider,
        _ form: TokenText.Form, subject: Int, started: Int64,
        process: Int
    ) {
        self.request = request
        self.kind = kind
        self.provider = provider
        self.form = form
        self.subject = subject
        self.started = started
        self.process = process
    }

    /// The moment from which on nobody waits for an answer, though it may be listened for.
    var deadline: Int64 { started + Int64(request.deadlineMilliseconds) }
    /// The last moment at which an answer is heard.
    var listenEnd: Int64 {
        started + Int64(max(request.deadlineMilliseconds, request.listenMilliseconds))
    }

    static func reply(
        _ answer: Answer, _ temper: Temper, hurriedBy divisor: Int64
    ) -> TransportReply {
        switch answer {
        case .failure(let failure): return TransportReply(failure: failure)
        case .status(let status, let seconds):
            return TransportReply(
                status: status, body: nil, retryAfterSeconds: seconds.map { $0 / divisor })
        case .done: return TransportReply(status: 200, body: nil)
        case .error(let status, let code):
            return TransportReply(status: status, body: secret("{\"error\":\"\(code)\"}"))
        case .text(let status, let text):
            return TransportReply(status: status, body: text.isEmpty ? nil : secret(text))
        case .page: return TransportReply(status: 200, body: secret("<html></html>"))
        case .unusable(let access, let refresh):
            // It wants proof of possession, which nobody here can give.
            var text = "{\"access_token\":\"\(access.text)\",\"token_type\":\"DPoP\""
            if let refresh { text += ",\"refresh_token\":\"\(refresh.text)\"" }
            return TransportReply(status: 200, body: secret(text + "}"))
        case .tokens(let access, let refresh):
            var text = "{\"access_token\":\"\(access.text)\",\"token_type\":\"Bearer\""
            if let refresh { text += ",\"refresh_token\":\"\(refresh.text)\"" }
            if temper.saysLifetime {
                text += ",\"expires_in\":\(temper.lifetimeMilliseconds / 1000)"
            }
            if temper.saysRefreshLifetime, let idle = temper.idleMilliseconds {
                text += ",\"refresh_token_expires_in\":\(idle / 1000)"
            }
            return TransportReply(status: 200, body: secret(text + "}"))
        }
    }

    private static func secret(_ text: String) -> Secret? {
        guard var secret = Secret(roomFor: text.utf8.count), secret.append(text) else {
            return nil
        }
        return consume secret
    }
}
