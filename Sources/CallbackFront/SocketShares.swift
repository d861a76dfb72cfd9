// SPDX-License-Identifier: Apache-2.0

import Glibc
package import NIOCore
import Synchronization

/// The sockets that browsers hold, and how many of them one address may have: those of others find
/// room whatever one does. Where an address has its share, or all have theirs, the socket that has
/// been without a request for the longest time gives way to the newest.
package final class SocketShares: Sendable {
    /// Who holds a socket: an IPv4 address, or the half of an IPv6 address that a site is given.
    typealias Address = [UInt8]

    private let socketsMax: Int
    private let shareMax: Int
    private let state = Mutex(State())

    private struct State {
        var next = 0
        var sockets: [Int: Socket] = [:]
    }

    private struct Socket {
        let address: Address
        var isBusy = false
        let close: @Sendable () -> Void
    }

    package init(socketsMax: Int, shareMax: Int) {
        self.socketsMax = socketsMax
        self.shareMax = shareMax
    }

    /// Counts a socket in; returns its number. Nil where every other one is being answered: it is
    /// to be closed.
    func admit(_ address: Address, close: @escaping @Sendable () -> Void) -> Int? {
        let (number, gone) = state.withLock { state -> (Int?, Socket?) in
            let isShareFull =
                state.sockets.values.count { $0.address == address } >= shareMax
            var gone: Socket?
            if isShareFull || state.sockets.count >= socketsMax {
                let oldest = state.sockets
                    .filter { !$0.value.isBusy && (!isShareFull || $0.value.address == address) }
                    .keys.min()
                guard let oldest else { return (nil, nil) }
                gone = state.sockets.removeValue(forKey: oldest)
            }
            defer { state.next += 1 }
            state.sockets[state.next] = Socket(address: address, close: close)
            return (state.next, gone)
        }
        gone?.close()
        return number
    }

    /// Whether it has a request that is not answered.
    func set(_ number: Int, isBusy: Bool) {
        state.withLock { $0.sockets[number]?.isBusy = isBusy }
    }

    func leave(_ number: Int) {
        state.withLock { _ = $0.sockets.removeValue(forKey: number) }
    }

    static func address(_ text: String?) -> Address {
        guard let text else { return [] }
        var bytes: [UInt8] = Array(repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return unsafe inet_pton(AF_INET6, text, &bytes) == 1 ? shortened(bytes) : []
    }

    /// An IPv4 address that a socket for both shows as one of the other (RFC 4291 section 2.5.5.2)
    /// is what it is; else the first half.
    private static func shortened(_ bytes: [UInt8]) -> Address {
        let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]
        return Array(bytes.starts(with: mapped) ? bytes.dropFirst(12) : bytes.prefix(8))
    }
}

/// Has a socket counted, from its opening to its end.
package final class SocketCounter: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = Any
    package typealias OutboundIn = Any

    private let shares: SocketShares
    private var number: Int?

    package init(_ shares: SocketShares) { self.shares = shares }

    package func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        number = shares.admit(SocketShares.address(channel.remoteAddress?.ipAddress)) {
            channel.close(promise: nil)
        }
        guard let number else { return channel.close(promise: nil) }
        channel.closeFuture.whenComplete { [shares] _ in shares.leave(number) }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let number { shares.set(number, isBusy: true) }
        context.fireChannelRead(data)
    }

    /// An answer is written when it is complete.
    package func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        if let number { shares.set(number, isBusy: false) }
        context.write(data, promise: promise)
    }
}
