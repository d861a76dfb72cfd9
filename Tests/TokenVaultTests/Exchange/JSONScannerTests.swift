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
        // A byte order mark before it, and whatever follows.
        "\u{FEFF}{}", "\u{FEFF} {\"a\":1}", #"{"a":1}x"#, "{}{}", "{}\0", "{}//", "{}<p>Notice</p>",
    ]) func takes(_ text: String) { #expect(isWhole(text)) }

    /// What is wrong inside a value or a name says nothing about where it ends.
    @Test(arguments: [
        #""\ud800""#, #""\udc00x""#, #""\ud800\u0041""#, #""\ud83d\ude0""#, #""\x41""#, #""\'""#,
        #""\u12""#, #""\u+123""#, "\"\n\"", "\"\u{1F}\"", "\"\0\"", "01", "-", "+1", "1.", ".5",
        "1e", "0x1", "NaN", "Infinity", "-Infinity", "1_000", "--1", "00", "tru", "True", "nul",
        "undefined", "None", "2026-11-24", "[1,]", "[,1]", "[1 2]", #"{"b":1,"b":2}"#, "{b:1}",
        "{'b':1}", #"{"b"}"#, #"["\ud800"]"#, #"{"\ud800":"\"}]["}"#, #"["\\"]"#, #"["[","{"]"#,
    ]) func findsWhereItEnds(_ value: String) {
        #expect(names(#"{"x":\#(value),"access_token":"a"}"#) == ["x", "access_token"])
        #expect(names(#"{"x": \#(value) }"#) == ["x"])
    }

    @Test(arguments: [
        "", " ", "[]", "1", "null", "\"a\"", "{", "}", "{]", #"{"a"}"#, #"{"a":}"#, #"{"a" 1}"#,
        #"{"a":1,}"#, #"{,"a":1}"#, #"{"a":1 "b":2}"#, #"{"a":1;"b":2"#, "{a:1}", "{'a':1}",
        "\u{A0}{}", "{\u{0B}}", "/**/{}", "x{}", "\u{FEFF}\u{FEFF}{}", "\u{FEFF}",
        #"{"a":[1}"#, #"{"a":{"b":1]}"#, #"{"a":]}"#, #"{"a":[[1]}"#, #"{"a":"b"c":1}"#,
        #"{"a":1"b":2}"#, #"{"a"::1}"#, #"{"a":tru"#, #"{"a":12"#, #"{"a":""#, #"{"a":"\"#,
        #"{"a":"\"}"#, #"{"a":"\\\"}"#, #"{"a":["\"]}"#,
    ]) func refuses(_ text: String) { #expect(!isWhole(text)) }

    @Test func takesBytesThatAreNoUTF8() {
        let bad: [[UInt8]] = [
            [0x80], [0xC0, 0x80], [0xC3], [0xC3, 0x28], [0xE9], [0xED, 0xA0, 0x80],
            [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xFE], [0xFF],
        ]
        for padding in 0..<9 {
            for bytes in bad {
                let plain = Array(repeating: UInt8(ascii: "x"), count: padding)
                #expect(isWhole(Array("{\"a\":\"".utf8) + plain + bytes + Array("\"}".utf8)))
                #expect(!isWhole(Array("{\"a\":\"".utf8) + plain + bytes))
                #expect(isWhole(Array("{\"".utf8) + plain + bytes + Array("\":1}".utf8)))
            }
        }
    }

    /// A quote and a backslash, at each place of a word and behind each other byte.
    @Test func findsTheFirstQuoteOrBackslash() {
        for stop in [0x22, 0x5C] as [UInt8] {
            for place in 0..<24 {
                for later in [0x01, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80] as [UInt8] {
                    var bytes = Array(repeating: UInt8(0x20), count: 24)
                    bytes[place] = stop
                    if place + 1 < 24 { bytes[place + 1] = later }
                    #expect(stopOffset(bytes) == place)
                }
            }
        }
        for plain in UInt8.min...UInt8.max where plain != 0x22 && plain != 0x5C {
            let bytes = Array(repeating: plain, count: 19)
            #expect(stopOffset(bytes) == 19)
        }
    }

    /// Neither depth nor number nor length of what nobody reads is a limit; all is looked at once.
    @Test func whatNobodyReadsHasNoLimits() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let levels = 60_000 / (open.utf8.count + 1)
            let deep =
                "{\"a\":" + String(repeating: open, count: levels) + (open == "[" ? "" : "1")
                + String(repeating: close, count: levels) + ",\"b\":1}"
            #expect(names(deep) == ["a", "b"])
            #expect(!isWhole("{\"a\":" + String(repeating: open, count: levels)))
        }
        let members = "{" + (0..<3000).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
        #expect(names(members).count == 3000)
        let name = String(repeating: "n", count: 60_000)
        #expect(names("{\"\(name)\":1}") == [name])
        func padded(_ count: Int) -> String { "{}" + String(repeating: " ", count: count - 2) }
        #expect(isWhole(padded(JSONScanner.byteCountMax)))
        #expect(!isWhole(padded(JSONScanner.byteCountMax + 1)))
    }

    /// The same value in two pieces, cut at each place: it ends where it ends.
    @Test(arguments: [
        #""plain""#, #""\"\\""#, #""\u0022""#, "12.5", "null", #"{"a":["}","\"]"],"b":{}}"#,
        "[[],[{}]]", "[\"\\\\\"]",
    ]) func skipsInPieces(_ value: String) throws {
        let text = Array((value + ",").utf8)
        for cut in 0...text.count {
            var skip = JSONSkip()
            let first = try Array(text[..<cut]).lend { (span) throws(VaultError) in
                try skip.end(in: span, from: 0)
            }
            let second = try Array(text[cut...]).lend { (span) throws(VaultError) in
                first == nil ? try skip.end(in: span, from: 0) : nil
            }
            #expect(first ?? (second ?? -1) + cut == value.utf8.count, "cut at \(cut)")
        }
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

    /// Whoever reads a string is strict about it.
    @Test(arguments: [
        #"\ud800"#, #"\udc00"#, #"\ud800\u0041"#, #"\ud83d\ude0"#, #"\x41"#, #"\'"#, #"\u12"#,
        #"a\u123g"#, #"\u+123"#, #"\U0041"#,
    ]) func resolvesNoEscapeThatIsNone(_ written: String) throws {
        try "{\"a\":\"\(written)\"}".lend { (span) throws(VaultError) in
            var scanner = try JSONScanner(span)
            guard let value = try scanner.next()?.value else { throw JSONScanner.unreadable }
            #expect(scanner.publicText(value) == nil)
            #expect(scanner.visibleByteCount(value) == nil)
            #expect(!scanner.isText(value, "") && !scanner.isText(value, "a"))
        }
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

private func isWhole(_ text: String) -> Bool { isWhole(Array(text.utf8)) }

private func isWhole(_ bytes: [UInt8]) -> Bool { bytes.lend { JSONScanner.isWholeObject($0) } }

/// The names of the members; none where the object is not whole.
private func names(_ text: String) -> [String] {
    do {
        return try Array(text.utf8).lend { (span) throws(VaultError) in
            var scanner = try JSONScanner(span)
            var names: [String] = []
            while let member = try scanner.next() {
                names.append(scanner.publicText(member.name) ?? "?")
            }
            return names
        }
    } catch {
        #expect(error == VaultError(.providerAnswerUnreadable, .exchange))
        return []
    }
}

private func stopOffset(_ bytes: [UInt8]) -> Int {
    bytes.lend { JSONText.quoteOrBackslash($0, from: 0) }
}
