// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// One connection to the control socket, at every moment in one of three stages. Each step takes
/// what there is, and none waits.
final class ControlPeer {
    enum Stage {
        /// Its request arrives.
        case asking
        /// Its request is answered by an errand.
        case waiting
        /// Its answer is sent.
        case told
        case gone
    }

    /// How soon a secret that has arrived in part is looked at again, in milliseconds.
    static let lookMilliseconds: Int64 = 20

    let wire: Wire
    private(set) var stage = Stage.asking
    /// When it is let go of; nil while it waits.
    private(set) var deadline: Int64? = Deadline.after(milliseconds: Wire.requestMilliseconds)
    /// Until when its socket is not looked at.
    private(set) var rest: Int64?
    private var incoming = IncomingRequest()
    private var errand: Errand?
    private var frames: [UInt8] = []
    private var sent = 0

    init(_ wire: Wire) { self.wire = wire }

    /// What its socket is waited for. That somebody hung up is told either way.
    var events: Int32 {
        switch stage {
        case .asking: POLLIN
        case .told: POLLOUT
        case .waiting, .gone: 0
        }
    }

    /// Whether its socket is looked at now: not once its other end has closed.
    func isWatched(_ now: Int64) -> Bool {
        stage != .gone && rest.map { $0 <= now } ?? true
    }

    /// Whether nothing is left of it, nor of what it asked for.
    var isOver: Bool { stage == .gone && errand?.isDone ?? true }

    /// What it asked for, where it is gone and that goes on without it and takes up no place: there
    /// are no more of these than connections.
    var errandLeft: Errand? {
        guard stage == .gone, let errand, errand.isOnePerConnection, !errand.isDone else {
            return nil
        }
        return errand
    }

    /// Its socket is ready, or its rest is over.
    func proceed(_ begin: (Errand, Wire) -> Void) {
        rest = nil
        switch stage {
        case .asking: receive(begin)
        case .told: send()
        // The other end has closed.
        case .waiting: leave()
        case .gone: break
        }
    }

    private func receive(_ begin: (Errand, Wire) -> Void) {
        do {
            switch try incoming.receive(wire) {
            case .incomplete: break
            case .later: rest = Deadline.after(milliseconds: Self.lookMilliseconds)
            case .whole(.ping, _): tell(Wire.head(.end, count: 0))
            case .whole(let request, let secret):
                let errand = Errand(request, secret)
                self.errand = errand
                (stage, deadline) = (.waiting, nil)
                begin(errand, wire)
            }
        } catch {
            guard incoming.hasBegun else { return leave() }
            refuse(error)
        }
    }

    /// Tells of a failure, and that is all.
    func refuse(_ error: any Error) {
        tell((try? Wire.frame(FailureForm(error), as: .failure)) ?? [])
    }

    /// Looks whether there is an answer.
    func look() {
        guard stage == .waiting, let frames = errand?.takeFrames() else { return }
        tell(frames)
    }

    private func tell(_ frames: [UInt8]) {
        self.frames = frames
        stage = .told
        send()
    }

    private func send() {
        do {
            let put = try unsafe frames.withUnsafeBytes { (bytes) throws(CommandFailure) in
                try unsafe wire.sendAtOnce(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
            }
            sent += put
            if put > 0 || deadline == nil {
                deadline = Deadline.after(milliseconds: Wire.requestMilliseconds)
            }
            if sent == frames.count { leave() }
        } catch {
            leave()
        }
    }

    /// Lets go of it.
    func leave() {
        // What the errand holds of the socket is of no use to anybody from now on.
        shutdown(wire.socket, Int32(SHUT_RDWR))
        if stage == .waiting { errand?.abandon() }
        (stage, deadline, frames) = (.gone, nil, [])
    }
}
