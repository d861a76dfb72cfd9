// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Synchronization
import Testing
import TokenVault

@testable import CallbackFront

/// What a stranger can use up: sockets, and lines of the log.
@Suite struct SocketTests {
    @Test("C12: one address leaves room for others")
    func oneAddressLeavesRoomForOthers() throws {
        let shares = SocketShares(socketsMax: 8, shareMax: 3)
        let closed = Mutex<[String]>([])
        func admit(_ address: UInt8, _ name: String) -> Int? {
            shares.admit([address]) { closed.withLock { $0.append(name) } }
        }
        let first = (0..<3).map { admit(1, "1.\($0)") }
        #expect(first.allSatisfy { $0 != nil })
        let busy = try #require(first[0])
        shares.set(busy, isBusy: true)
        // Of its own, the one that has been idle for the longest time.
        #expect(admit(1, "1.3") != nil)
        #expect(closed.withLock { $0 } == ["1.1"])
        for number in 0..<3 { #expect(admit(2, "2.\(number)") != nil) }
        for number in 0..<2 { #expect(admit(3, "3.\(number)") != nil) }
        #expect(closed.withLock { $0 } == ["1.1"])
        // All are taken: the oldest idle one of all.
        #expect(admit(4, "4.0") != nil)
        #expect(closed.withLock { $0 } == ["1.1", "1.2"])
        shares.leave(busy)
        #expect(admit(4, "4.1") != nil)
        #expect(closed.withLock { $0 }.count == 2)
    }

    @Test func whereAllAreAnsweredNobodyIsTakenIn() throws {
        let shares = SocketShares(socketsMax: 2, shareMax: 2)
        for _ in 0..<2 {
            let number = try #require(shares.admit([1]) { Issue.record("closed") })
            shares.set(number, isBusy: true)
        }
        #expect(shares.admit([1]) {} == nil)
        #expect(shares.admit([2]) {} == nil)
    }

    @Test func anAddressIsWhatASiteIsGiven() {
        #expect(SocketShares.address("192.0.2.1") == [192, 0, 2, 1])
        #expect(SocketShares.address("::ffff:192.0.2.1") == [192, 0, 2, 1])
        let site: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2]
        #expect(SocketShares.address("2001:db8:1:2::7") == site)
        #expect(SocketShares.address("2001:db8:1:2:ffff::8") == site)
        #expect(SocketShares.address(nil) == [])
    }

    /// More than one address may have, each with a request that does not end; then a browser.
    @Test func slowSocketsGiveWay() async throws {
        try await Site.run { site in
            let slow = try (0..<300).map { _ in try connect(#require(site.front.port)) }
            defer { for socket in slow { close(socket) } }
            for socket in slow {
                let line = Array("GET /health HTTP/1.1\r\n".utf8)
                _ = unsafe send(socket, line, line.count, Int32(MSG_NOSIGNAL))
            }
            let reply = try await Browser().get(site.url + "/health")
            #expect(reply.body == "ok\n")
            // The first has given way, long before it ran out of time; the last has not.
            #expect(hasEnded(slow[0], milliseconds: 2000))
            #expect(!hasEnded(slow[299], milliseconds: 0))
        }
    }

    private func hasEnded(_ socket: Int32, milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poll, 1, milliseconds) == 1
    }

    private func connect(_ port: Int) throws -> Int32 {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.connect(socket, $0, length)
            }
        }
        try #require(result == 0)
        return socket
    }

    @Test("C12: bogus callbacks are counted, and fill no log")
    func bogusCallbacksAreCounted() async throws {
        try await Site.run { site in
            let browser = try Browser()
            for number in 0..<40 {
                let url = site.url + "/callback/demo?code=x&state=\(number)"
                #expect(try await browser.get(url).location == "/failed/callbackRejected")
            }
            #expect(site.log.text.matches(of: /callback\/\{application\}/).count == 1)
        }
    }

    @Test func aMinuteLaterTheOthersAreTold() throws {
        let log = Log()
        let tally = RequestTally(Logger(label: "front") { _ in log })
        let start = ContinuousClock.now
        for _ in 0..<1000 { tally.add("GET /a 200", now: start) }
        tally.add("GET /b 200", now: start)
        tally.tell(now: start + .seconds(59))
        #expect(log.text.split(separator: "\n").count == 2)
        tally.tell(now: start + .seconds(60))
        #expect(log.text.contains("GET /a 200, 999 more"))
        #expect(log.text.split(separator: "\n").count == 3)
        // From then on there is a line at once again.
        for _ in 0..<2 { tally.add("GET /a 200", now: start + .seconds(61)) }
        #expect(log.text.split(separator: "\n").count == 4)
        tally.add("GET /a 200", now: start + .seconds(200))
        #expect(log.text.contains("GET /a 200; before that GET /a 200, 1 more"))
    }

    @Test func aTakenPortIsNamed() async throws {
        try await Site.run { site in
            var configuration = CallbackFront.Configuration()
            configuration.port = try #require(site.front.port)
            configuration.logger = Logger(label: "second") { _ in Log() }
            let second = try CallbackFront(vault: site.vault, configuration: configuration)
            var found: CallbackFrontError?
            do { try await second.run() } catch { found = error as? CallbackFrontError }
            #expect(found?.code == .cannotListen)
            #expect(found?.number == EADDRINUSE)
        }
    }
}
