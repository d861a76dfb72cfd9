// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// Listens on an application's own redirect URI for one callback (RFC 8252 section 7.3).
///
/// It is not a web server: it accepts from this machine only, reads the head of a request, answers,
/// and hangs up. Browsers open connections that they may never use, so several are held at a time.
final class LoopbackListener {
    /// How long a callback is waited for, in milliseconds: as long as a flow lives.
    static let waitMilliseconds: Int64 = 600_000
    /// The most connections held at a time; then the oldest is closed.
    static let visitorsMax = 8
    /// How often a callback that belongs to no flow is refused before the listener gives up.
    static let refusalsMax = 100

    private let address: LoopbackAddress
    private let socket: Int32
    private var visitors: [Visitor] = []
    private var refusals = 0

    /// - Throws: `usage` where the URI is no loopback address, `cannotCreate` where its port is
    ///   taken.
    init(redirectURI: String) throws(CommandFailure) {
        guard let address = LoopbackAddress(redirectURI) else {
            throw CommandFailure(
                .usage,
                "the redirect URI \(redirectURI) is not http on 127.0.0.1 or [::1]: use --paste")
        }
        self.address = address
        socket = try address.listen()
    }

    deinit { close(socket) }

    /// Waits for the callback and answers it with what `complete` makes of its query. A callback
    /// that belongs to no open flow is refused, and the right one is still waited for: any process
    /// of this machine could have sent it.
    func run(_ complete: (consuming Secret) async throws -> Void) async throws {
        let deadline = Deadline.after(milliseconds: Self.waitMilliseconds)
        while Deadline.remaining(until: deadline) > 0 {
            for visitor in try await readyVisitors(by: deadline) {
                if try await serve(visitor, complete) { return }
            }
        }
        throw CommandFailure(
            .temporaryFailure, "nobody came back within ten minutes: run connect again")
    }

    /// What somebody is told who waits while another callback came.
    private static func told(_ error: VaultError) -> String {
        let what =
            switch error.detail.cause {
            case _ where error.code == .callbackOfAnother:
                "A callback of another connection's flow"
            case .noState where error.detail.error == .accessDenied:
                "A callback without state that says access_denied (was it you who refused? Then "
                    + "end this with Ctrl-C, and run connect again)"
            case .noState:
                "A callback without state\(error.detail.error.map { " (\($0.name))" } ?? "")"
            case .neitherCodeNorError:
                "A callback with neither code nor error (if the provider calls them otherwise, say "
                    + "so in callback_parameter_names)"
            case .parameterTwice, .codeAndError: "A callback that says one thing twice"
            case .malformedQuery: "A callback that is cut off or no query"
            default: "A callback of no open flow"
            }
        return "\(what) was refused; still waiting."
    }

    /// Waits until something arrives; accepts new visitors and closes those that are late.
    private func readyVisitors(by deadline: Int64) async throws -> [Visitor] {
        let next = visitors.map(\.deadline).min().map { min($0, deadline) } ?? deadline
        var polls = [pollfd(fd: socket, events: Int16(POLLIN), revents: 0)]
        polls += visitors.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
        let rest = Int32(clamping: Deadline.remaining(until: next))
        let count = nfds_t(polls.count)
        let result = unsafe poll(&polls, count, rest)
        guard result >= 0 || errno == EINTR else {
            throw CommandFailure(.inputOutput, "cannot wait for the callback", errno: errno)
        }
        let ready = zip(visitors, polls.dropFirst()).filter { $1.revents != 0 }.map(\.0)
        visitors.removeAll { Deadline.remaining(until: $0.deadline) == 0 }
        if polls[0].revents != 0 { try admit() }
        return result > 0 ? ready : []
    }

    private func admit() throws {
        let accepted = VaultFolder.acceptNext(socket)
        guard accepted >= 0 else { return }
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        if visitors.count >= Self.visitorsMax { visitors.removeFirst() }
        visitors.append(try Visitor(accepted))
    }

    /// True where the flow is over.
    private func serve(
        _ visitor: Visitor, _ complete: (consuming Secret) async throws -> Void
    ) async throws -> Bool {
        let request = try visitor.receive(path: address.path)
        switch consume request {
        case .incomplete: return false
        case .gone: break
        case .other(let status): visitor.answer(.other(status))
        case .callback(let query):
            do {
                try await complete(query)
                visitor.answer(.completed)
                return true
            } catch let error as VaultError where error.code.isOfNoFlowHere {
                visitor.answer(.failed)
                refusals += 1
                guard refusals < Self.refusalsMax else { throw error }
                try Outlet.errors.line(Self.told(error))
            } catch {
                visitor.answer(.failed)
                throw error
            }
        }
        visitors.removeAll { $0 === visitor }
        return false
    }
}

extension VaultError.Code {
    /// Whether a callback was of another flow than the one that is waited for, or of none.
    fileprivate var isOfNoFlowHere: Bool { self == .callbackRejected || self == .callbackOfAnother }
}
