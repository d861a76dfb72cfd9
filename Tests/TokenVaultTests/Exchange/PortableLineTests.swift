// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a line of an import may be, and what is said of one that is not.
@Suite struct PortableLineTests {
    /// Why a line is refused; nil where it is taken.
    static func fault(_ bytes: [UInt8]) throws -> LineFault? {
        var line = try Secret(zeroes: bytes.count)
        for (offset, byte) in bytes.enumerated() { line.store(byte, at: offset) }
        do {
            _ = try PortableConnection.read(line: line)
            return nil
        } catch let fault as LineFault {
            return fault
        }
    }

    static func fault(_ line: String) throws -> LineFault? { try fault(Array(line.utf8)) }

    struct BadLine: Sendable, CustomTestStringConvertible {
        let text: String
        let member: String?
        let problem: LineFault.Problem

        init(_ text: String, _ member: String?, _ problem: LineFault.Problem) {
            self.text = text
            self.member = member
            self.problem = problem
        }

        var testDescription: String { "\(text.prefix(90)) \(problem)" }
    }

    /// A line that is right but for what is added.
    static func line(_ more: String) -> String {
        #"{"id":"a","application":"crm","access_token":"at",\#(more)}"#
    }

    static func members(_ names: [String], _ value: String) -> [String] {
        names.map { line("\"\($0)\":\(value)") }
    }

    static let texts = ["grant", "token_type", "scope", "requested_scope", "account", "client_id"]
    static let times = [
        "expires_at", "issued_at", "refresh_token_expires_at", "created_at", "connected_at",
        "refreshed_at", "used_at", "grant_lost_at",
    ]
    static let numbers = ["refresh_count", "earlier_grants"]

    static func bad(
        _ names: [String], _ value: String, _ problem: LineFault.Problem
    ) -> [BadLine] {
        names.map { BadLine(line("\"\($0)\":\(value)"), $0, problem) }
    }

    static let table: [BadLine] =
        [
            BadLine("x", nil, .notAnObject),
            BadLine("[]", nil, .notAnObject),
            BadLine("\"a\"", nil, .notAnObject),
            BadLine("null", nil, .notAnObject),
            BadLine(#"{"id":"a""#, nil, .notAnObject),
            BadLine(#"{"id":"a",}"#, nil, .notAnObject),
            BadLine(#"{id:"a"}"#, nil, .notAnObject),
            BadLine(#"{'id':'a'}"#, nil, .notAnObject),
            BadLine(#"{"id":"a"} {"id":"b"}"#, nil, .trailingText),
            BadLine(#"{"id":"a"},"#, nil, .trailingText),
            BadLine("{}", "id", .missing),
            BadLine(#"{"id":null,"access_token":"at"}"#, "id", .missing),
            BadLine(#"{"id":"a"}"#, "access_token", .missing),
            BadLine(#"{"id":"a","access_token":null}"#, "access_token", .missing),
            BadLine(#"{"id":"a","refresh_token":"r"}"#, "access_token", .missing),
            BadLine(#"{"id":7,"access_token":"at"}"#, "id", .wrongType),
            BadLine(#"{"id":"","access_token":"at"}"#, "id", .empty),
            BadLine(#"{"id":"a\u0000","access_token":"at"}"#, "id", .wrongCharacter),
            BadLine(#"{"id":"a\ud800","access_token":"at"}"#, "id", .wrongCharacter),
            BadLine(
                "{\"id\":\"" + String(repeating: "a", count: 256) + "\",\"access_token\":\"at\"}",
                "id", .tooLong),
            BadLine(#"{"id":"a","id":"b","access_token":"at"}"#, "id", .twice),
            BadLine(#"{"id":"a","access_token":"at","access_token":"at"}"#, "access_token", .twice),
            BadLine(#"{"id":"a","access_token":7}"#, "access_token", .wrongType),
            BadLine(#"{"id":"a","access_token":""}"#, "access_token", .empty),
            BadLine(#"{"id":"a","access_token":"a\tb"}"#, "access_token", .wrongCharacter),
            BadLine(#"{"id":"a","access_token":"ä"}"#, "access_token", .wrongCharacter),
            BadLine(#"{"id":"a","access_token":["at"]}"#, "access_token", .wrongType),
            BadLine(
                "{\"id\":\"a\",\"access_token\":\"" + String(repeating: "a", count: 16385) + "\"}",
                "access_token", .tooLong),
            BadLine(
                #"{"id":"a","access_token":"t","application":"c r"}"#, "application",
                .wrongCharacter),
            BadLine(
                "{\"id\":\"a\",\"access_token\":\"t\",\"application\":\""
                    + String(repeating: "a", count: 65) + "\"}", "application", .tooLong),
            BadLine(
                #"{"id":"a","access_token":"t","variables":{"a":"b"}}"#, "application",
                .needsApplication),
            BadLine(line(#""refresh_token":"""#), "refresh_token", .empty),
            BadLine(line(#""refresh_token":true"#), "refresh_token", .wrongType),
            BadLine(line(#""refresh_token":"é""#), "refresh_token", .wrongCharacter),
            BadLine(line(#""expires_in":3600"#), "expires_in", .needsIssuedAt),
            BadLine(
                line(#""expires_in":3600,"expires_at":1,"issued_at":1"#), "expires_in", .conflict),
            BadLine(line(#""expires_in":"3600","issued_at":1"#), "expires_in", .wrongType),
            BadLine(line(#""expires_in":-1,"issued_at":1"#), "expires_in", .wrongType),
            BadLine(line(#""expires_in":1e30,"issued_at":1"#), "expires_in", .outOfRange),
            BadLine(line(#""expiry_source":"later""#), "expiry_source", .outOfRange),
            BadLine(line(#""client_secret":"s""#), "client_secret", .needsClientID),
            BadLine(
                line(#""client_id":"c","client_secret":"é""#), "client_secret",
                .wrongCharacter),
            BadLine(line(#""grant_lost_status":400"#), "grant_lost_status", .needsGrantLostAt),
            BadLine(
                line(#""grant_lost_at":1,"grant_lost_status":1000"#), "grant_lost_status",
                .outOfRange),
            BadLine(line(#""grant":"password""#), "grant", .outOfRange),
            BadLine(
                line(#""grant":"client_credentials","refresh_token":"r""#), "refresh_token",
                .notOfGrant),
            BadLine(
                line(#""grant":"client_credentials","refresh_token_expires_at":1"#),
                "refresh_token_expires_at", .notOfGrant),
            BadLine(
                #"{"id":"a","access_token":"t","grant":"client_credentials"}"#, "application",
                .needsApplication),
            BadLine(
                line("\"scope\":\"" + String(repeating: "s", count: 16385) + "\""), "scope",
                .tooLong),
            BadLine(line(#""v":2"#), "v", .newerVersion),
            BadLine(line(#""v":0"#), "v", .outOfRange),
            BadLine(line(#""v":"1""#), "v", .wrongType),
            BadLine(line(#""expires":1"#), "expires", .unknownMember),
            BadLine(line(#""Scope":"a""#), "Scope", .unknownMember),
            BadLine(line(#""ya29.a0Af_byC":1"#), nil, .unknownMember),
            BadLine(line(#""captured":[]"#), "captured", .wrongType),
            BadLine(line(#""captured":{"a":1}"#), "captured", .wrongType),
            BadLine(line(#""captured":{"a":"1","a":"1"}"#), "captured", .twice),
            BadLine(line(#""captured":{"a b":"1"}"#), "captured", .wrongCharacter),
            BadLine(line(#""captured":{"a":""}"#), "captured", .empty),
            BadLine(
                line("\"captured\":{\"a\":\"" + String(repeating: "b", count: 1025) + "\"}"),
                "captured", .tooLong),
            BadLine(line(#""variables":"shop""#), "variables", .wrongType),
            BadLine(line(#""variables":{"a":null}"#), "variables", .wrongType),
            BadLine(
                line(
                    "\"variables\":{" + (0..<65).map { "\"a\($0)\":\"b\"" }.joined(separator: ",")
                        + "}"), "variables", .tooMany),
            BadLine(line(#""hidden":{}"#), "hidden", .wrongType),
            BadLine(line(#""hidden":[1]"#), "hidden", .wrongType),
            BadLine(line(#""hidden":["a","a"]"#), "hidden", .twice),
        ] + bad(texts, "7", .wrongType) + bad(texts, "\"\"", .empty)
        + bad(texts.dropFirst().dropLast(), #""a\u0007""#, .wrongCharacter)
        + bad(times, "true", .wrongType) + bad(times, "\"tomorrow\"", .notATime)
        + bad(times, "\"2026-11-30T12:00:00\"", .notATime)
        + bad(times, "\"2026-02-30T12:00:00Z\"", .notATime)
        + bad(times, "-5", .notATime) + bad(times, "0", .outOfRange)
        + bad(times, "1764504000000", .milliseconds)
        + bad(times, "1764504000000000000", .outOfRange)
        + bad(numbers, "\"1\"", .wrongType) + bad(numbers, "-1", .wrongType)
        + bad(["earlier_grants"], "4294967296", .outOfRange)

    @Test("A line that is wrong is refused, by member and rule", arguments: table)
    func refused(_ bad: BadLine) throws {
        let fault = try Self.fault(bad.text)
        #expect(fault?.member == bad.member)
        #expect(fault?.problem == bad.problem)
    }

    @Test func theTableIsLongEnough() { #expect(Self.table.count >= 100) }

    @Test func bytesThatAreNoTextAreRefused() throws {
        let whole = Array(#"{"id":"a","access_token":"at"}"#.utf8)
        #expect(try Self.fault(whole) == nil)
        // A byte order mark, and the line end of another system.
        #expect(try Self.fault([0xEF, 0xBB, 0xBF] + whole) == nil)
        #expect(try Self.fault(whole + [0x0D]) == nil)
        #expect(try Self.fault(whole + [0]) == LineFault(nil, .trailingText))
        var latin = whole
        latin[7] = 0xE4
        #expect(try Self.fault(latin) == LineFault(nil, .notUTF8))
        // UTF-16.
        #expect(try Self.fault([0xFF, 0xFE] + whole.flatMap { [$0, 0] })?.problem == .notUTF8)
        #expect(try Self.fault(whole.flatMap { [$0, 0] })?.problem == .notAnObject)
        let long = String(repeating: " ", count: PortableConnection.lineBytesMax)
        let fault = try Self.fault(String(decoding: whole, as: UTF8.self) + long)
        #expect(fault == LineFault(nil, .tooLong, limit: PortableConnection.lineBytesMax))
    }

    @Test func allMembersAreRead() throws {
        let line = try Secret(
            text: """
                {"v":1,"id":"a \\u00e4","application":"crm","grant":"authorization_code",\
                "access_token":"a\\/\\"t",\
                "refresh_token":"rt","token_type":"Bearer","scope":"a b","requested_scope":"a",\
                "expires_at":"2026-11-30T12:00:00.250Z","expiry_source":"jwt",\
                "issued_at":1764500400.125,"refresh_token_expires_at":"1800000000",\
                "created_at":1,"connected_at":2,"refreshed_at":3,"used_at":4,"refresh_count":5,\
                "earlier_grants":6,"account":"anna","variables":{"shop":"x"},\
                "captured":{"realmId":"9"},"hidden":["shop"],"client_id":"c",\
                "client_secret":"s\\u0041","grant_lost_at":7,"grant_lost_status":400}
                """)
        let connection = try PortableConnection.read(line: line)
        #expect(connection.id.text == "a ä")
        #expect(connection.application?.text == "crm")
        #expect(connection.grant == .authorizationCode)
        #expect(connection.tokens.accessToken.exposed == "a/\"t")
        #expect(connection.tokens.scope == "a b")
        #expect(connection.tokens.accessTokenExpiry?.milliseconds == 1_796_040_000_250)
        #expect(connection.tokens.expirySource == .jwt)
        #expect(connection.tokens.refreshTokenExpiry?.seconds == 1_800_000_000)
        let history = connection.history
        #expect(history.issued?.milliseconds == 1_764_500_400_125)
        #expect(history.created?.seconds == 1 && history.connected?.seconds == 2)
        #expect(history.refreshed?.seconds == 3 && history.used?.seconds == 4)
        #expect(history.refreshCount == 5 && history.earlierGrants == 6)
        #expect(history.requestedScope == "a" && history.account == "anna")
        #expect(history.captured == ["realmId": "9"])
        #expect(history.grantLost?.seconds == 7 && history.grantLostStatus == 400)
        #expect(connection.settings.values == ["shop": "x"])
        #expect(connection.settings.hiddenNames == ["shop"])
        switch connection.settings.client {
        case .own(let id, .some(let secret)):
            #expect(id == "c")
            #expect(secret.exposed == "sA")
        default: Issue.record("no client of its own")
        }
    }

    @Test func aLifetimeCountsFromItsBeginning() throws {
        let line = try Secret(text: Self.line(#""issued_at":1000,"expires_in":3600"#))
        let connection = try PortableConnection.read(line: line)
        #expect(connection.tokens.accessTokenExpiry?.seconds == 4600)
    }
}
