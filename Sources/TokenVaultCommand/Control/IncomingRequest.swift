// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import TokenVault

/// A request while it arrives, piece by piece: nobody waits for the next one.
///
/// A secret that goes with it takes its place in the arena when all of it has arrived, and not
/// before: whoever announces one and says nothing more holds nothing.
struct IncomingRequest: ~Copyable {
    enum Progress: ~Copyable {
        /// More has to arrive.
        case incomplete
        /// The rest of a secret has to arrive. What has is left where it is, so that the socket
        /// stays readable: to be looked at again in a while.
        case later
        case whole(Request, Secret?)
    }

    private var head: [UInt8] = []
    private var message: [UInt8] = []
    private var request: Request?
    private var secret: Secret?
    private var hasSecret = false

    /// Whether anything has arrived: else whoever hangs up only looked whether somebody serves.
    private(set) var hasBegun = false

    /// Takes what has arrived.
    ///
    /// - Throws: where it is not the protocol, is longer than it may be, or the other end hung up.
    mutating func receive(_ wire: Wire) throws -> Progress {
        while true {
            while head.count < Wire.headBytes {
                guard let bytes = try wire.receiveAtOnce(atMost: Wire.headBytes - head.count) else {
                    return .incomplete
                }
                hasBegun = true
                head += bytes
            }
            let (kind, count) = try Wire.head(head)
            switch (kind, request) {
            case (.message, .none):
                guard count > 0, count <= Wire.requestBytesMax else { throw Wire.garbled }
                while message.count < count {
                    guard let bytes = try wire.receiveAtOnce(atMost: count - message.count) else {
                        return .incomplete
                    }
                    message += bytes
                }
                request = try Self.request(message)
                message = []
            case (.secret, .some) where !hasSecret:
                guard count <= SecretArena.secretBytesMax else { throw Wire.garbled }
                guard wire.arrivedCount >= count else { return .later }
                secret = try wire.receiveSecret(count: count, by: Deadline.after(milliseconds: 0))
                hasSecret = true
            case (.end, .some(let request)): return .whole(request, secret.take())
            default: throw Wire.garbled
            }
            head = []
        }
    }

    private static func request(_ message: [UInt8]) throws(CommandFailure) -> Request {
        do {
            return try JSONDecoder().decode(Request.self, from: Data(message))
        } catch {
            throw Wire.garbled
        }
    }
}
