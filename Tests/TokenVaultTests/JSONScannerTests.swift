// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

@Suite struct JSONScannerTests {
    @Test(arguments: [
        "{}", " \t\r\n{ \t\r\n} \t\r\n", #"{"a":1}"#, #"{"":""}"#,
        #"{"a":-0,"b":0.5,"c":1e5,"d":1E+5,"e":12.50e-05,"f":9007199254740993}"#,
        #"{"a":[],"b":[1,[2,{"c":[{}]}]],"c":{"d":null,"e":true,"f":false}}"#,
        #"{"\"\\\/\b\f\n\r\t":"\u0000\uFFFF\ud83d\ude00"}"#,
        "{\"\u{7F}ü€😀\u{10FFFF}\u{D7FF}\u{E000}\":1}", #"{"a":{"b":1,"b":2}}"#,
    ]) func takes(_ text: String) { #expect(isValid(text)) }

    @Test(arguments: [
        "", " ", "[]", "1", "null", "\"a\"", "{", "}", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a" 1}"#,
        #"{"a":1,}"#, #"{,"a":1}"#, #"{"a":1 "b":2}"#, #"{"a":1;"b":2}"#, "{a:1}", "{'a':1}",
        #"{"a":1}x"#, "{}{}", "{}\0", "\u{FEFF}{}", "\u{A0}{}", "{\u{0B}}", "{}//", "/**/{}",
        #"{"a":[1,]}"#, #"{"a":[,1]}"#, #"{"a":[1 2]}"#, #"{"a":[1}"#, #"{"a":{"b":1]}"#,
        #"{"a":01}"#, #"{"a":-}"#, #"{"a":+1}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":1e}"#,
        #"{"a":1e+}"#, #"{"a":0x1}"#, #"{"a":NaN}"#, #"{"a":Infinity}"#, #"{"a":-Infinity}"#,
        #"{"a":1_000}"#, #"{"a":--1}"#, #"{"a":-01}"#, #"{"a":00}"#,
        #"{"a":tru}"#, #"{"a":True}"#, #"{"a":nul"#, #"{"a":falsee}"#, #"{"a":undefined}"#,
        #"{"a":""#, #"{"a":"\"#, #"{"a":"\"}"#, #"{"a":"\x41"}"#, #"{"a":"\'"}"#, #"{"a":"\a"}"#,
        #"{"a":"\u12"}"#, #"{"a":"\u123g"}"#, #"{"a":"\u+123"}"#, #"{"a":"\U0041"}"#,
        #"{"a":"\ud800"}"#, #"{"a":"\udc00"}"#, #"{"a":"\ud800\u0041"}"#, #"{"a":"\ud800\ud800"}"#,
        #"{"a":"\ud83d\n"}"#, #"{"a":"\ud83d\ude0"}"#, "{\"a\":\"\n\"}", "{\"a\":\"\u{1F}\"}",
        "{\"a\":\"\0\"}", "{\"a\n\":1}",
    ]) func refuses(_ text: String) { #expect(!isValid(text)) }

    @Test(arguments: [
        #"{"access_token":"a","access_token":"a"}"#, #"{"a":1,"b":2,"a":{}}"#,
        #"{"access_token":"a","access_\u0074oken":"b"}"#, #"{"\u0061":1,"\u0061":1}"#,
        #"{"\/":1,"/":2}"#, #"{"😀":1,"\ud83d\ude00":2}"#, #"{"":1,"":1}"#,
    ]) func refusesTheSameNameTwice(_ text: String) { #expect(!isValid(text)) }

    @Test(arguments: [
        #"{"access_token":"a","Access_token":"a"}"#, #"{"a":1,"aa":2,"":3}"#,
        #"{"\u0061":1,"b":1}"#, #"{"\u0061":1,"ab":1}"#, #"{"ab":1,"\u0061":1}"#,
    ]) func takesNamesThatDiffer(_ text: String) { #expect(isValid(text)) }

    @Test func refusesBytesThatAreNoUTF8() {
        let bad: [[UInt8]] = [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF],
            [0xE2, 0x28, 0xA1], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ]
        for padding in 0..<9 {
            for bytes in bad {
                let plain = Array(repeating: UInt8(ascii: "x"), count: padding)
                #expect(!isValid(Array("{\"a\":\"".utf8) + plain + bytes + Array("\"}".utf8)))
                #expect(!isValid(Array("{\"a\":\"".utf8) + plain + bytes))
                #expect(!isValid(Array("{\"".utf8) + plain + bytes + Array("\":1}".utf8)))
            }
            #expect(!isValid([0xEF, 0xBB, 0xBF] + Array("{}".utf8)))
        }
    }

    /// Each byte that stops the eight-at-a-time loop, at each place of a word and behind each
    /// other.
    @Test func plainEndFindsTheFirstByteThatNeedsALook() {
        for stop in [0x00, 0x1F, 0x22, 0x5C, 0x80, 0xFF] as [UInt8] {
            for place in 0..<24 {
                for later in [0x01, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80] as [UInt8]
                {
                    var bytes = Array(repeating: UInt8(0x20), count: 24)
                    bytes[place] = stop
                    if place + 1 < 24 { bytes[place + 1] = later }
                    #expect(plainEnd(bytes) == place)
                }
            }
        }
        for plain in UInt8(0x20)..<0x80 where plain != 0x22 && plain != 0x5C {
            let bytes = Array(repeating: plain, count: 19)
            #expect(plainEnd(bytes) == 19)
        }
    }

    @Test func nestsToItsLimitAndNoFurther() {
        func nested(_ levels: Int, _ open: String, _ close: String) -> String {
            let inner = levels - 1
            return "{\"a\":" + String(repeating: open, count: inner)
                + (open == "[" ? "" : "1") + String(repeating: close, count: inner) + "}"
        }
        #expect(isValid(nested(JSONScanner.depthMax, "[", "]")))
        #expect(!isValid(nested(JSONScanner.depthMax + 1, "[", "]")))
        #expect(isValid(nested(JSONScanner.depthMax, "{\"a\":", "}")))
        #expect(!isValid(nested(JSONScanner.depthMax + 1, "{\"a\":", "}")))
        #expect(!isValid(nested(65, "[", "]")))
        #expect(!isValid("{\"a\":" + String(repeating: "[", count: 60000)))
    }

    @Test func holdsItsLimits() {
        func members(_ count: Int) -> String {
            "{" + (0..<count).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
        }
        #expect(isValid(members(JSONScanner.membersMax)))
        #expect(!isValid(members(JSONScanner.membersMax + 1)))
        #expect(isValid("{\"a\":" + members(1000) + "}"))
        func name(_ count: Int) -> String { "{\"" + String(repeating: "n", count: count) + "\":1}" }
        #expect(isValid(name(JSONScanner.nameBytesMax)))
        #expect(!isValid(name(JSONScanner.nameBytesMax + 1)))
        func padded(_ count: Int) -> String { "{}" + String(repeating: " ", count: count - 2) }
        #expect(isValid(padded(JSONScanner.byteCountMax)))
        #expect(!isValid(padded(JSONScanner.byteCountMax + 1)))
    }

    @Test(arguments: [
        (#"plain"#, "plain"), (#""#, ""), (#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#"\u0041\u00fc\u20AC\uFFFF"#, "Aü€\u{FFFF}"), (#"\u0000"#, "\0"),
        (#"\ud83d\ude00"#, "😀"), (#"\uD800\uDC00\udbff\udfff"#, "\u{10000}\u{10FFFF}"),
        (#"ü\u00fc😀\/tail"#, "üü😀/tail"), (#"1\/\/0gABC-_~"#, "1//0gABC-_~"),
    ]) func unescapes(_ written: String, _ meant: String) throws {
        let wasRead = try "{\"a\":\"\(written)\"}".lend { span in
            var scanner = try JSONScanner(span)
            let member = try scanner.next()
            guard let member else { return false }
            #expect(scanner.publicText(member.value) == meant)
            let isVisible = meant.utf8.allSatisfy { (0x20...0x7E).contains($0) }
            let count = scanner.visibleByteCount(member.value)
            #expect(count == (isVisible ? meant.utf8.count : nil))
            let isNamed = scanner.isText(member.name, "a") && !scanner.isText(member.name, "aa")
            let end = try scanner.next()
            let stillEnd = try scanner.next()
            return isNamed && end == nil && stillEnd == nil
        }
        #expect(wasRead)
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", nil), ("3600", 3600), ("3600.5", 3600), ("3599.999", 3599), ("0.9", 0),
            ("3.6e3", 3600), ("36E+2", 3600), ("36000e-1", 3600), ("36009e-1", 3600), ("1e-1", 0),
            ("1e-99999999999999999999", 0), ("0e99999999999999999999", 0), ("1e999", .max),
            ("0.00000000000000000036e22", 3600), ("1e99999999999999999999", .max),
            ("9223372036854775807", .max), ("9223372036854775806", .max - 1),
            ("9223372036854775808", .max), ("99999999999999999999999999", .max), ("-1", nil),
            ("", nil), ("01", nil), ("00", nil), ("+1", nil), (" 1", nil), ("1 ", nil), ("1.", nil),
            (".5", nil), ("1e", nil), ("1e+", nil), ("NaN", nil), ("Infinity", nil), ("0x10", nil),
            ("1,000", nil), ("1.2.3", nil), ("1e1e1", nil), ("e", nil), ("1h", nil),
        ] as [(String, Int64?)]) func readsNumbers(_ text: String, _ value: Int64?)
    {
        #expect(text.lend { JSONNumber.roundedDown($0) } == value)
    }
}

private func isValid(_ text: String) -> Bool { isValid(Array(text.utf8)) }

private func isValid(_ bytes: [UInt8]) -> Bool {
    do {
        return try bytes.lend { (span) throws(VaultError) in
            var scanner = try JSONScanner(span)
            while try scanner.next() != nil {}
            return true
        }
    } catch {
        #expect(error == VaultError(.providerAnswerUnreadable, .exchange))
        return false
    }
}

private func plainEnd(_ bytes: [UInt8]) -> Int { bytes.lend { JSONText.plainEnd($0, from: 0) } }
