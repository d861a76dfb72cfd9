// SPDX-License-Identifier: Apache-2.0

import Testing

/// Words that were given up: each told of flying, the sea, traffic, hunger or mourning where the
/// field has a plain word. They are found as words and as parts of identifiers, in code and prose.
enum GivenUpWordRule {
    /// What is said instead of each.
    static let instead: [String: String] = {
        let words = [
            "aloft": "in flight", "board boards boarded boarding": "to prepare",
            "cargo cargoes": "what is sent", "corpse corpses": "what is left",
            "depart departs departed departing departure departures": "to be sent",
            "flight flights": "attempt",
            "harvest harvests harvested harvesting": "to take what has ended",
            "hungry hunger": "to want more", "land lands landed landing landings": "to be stored",
            "lane lanes": "queue", "mourn mourner mourners mourning": "who waits",
            "strand strands stranded": "to keep waiting", "wave waves": "batch",
        ]
        var instead: [String: String] = [:]
        for (forms, meaning) in words {
            for form in forms.split(separator: " ") { instead[String(form)] = meaning }
        }
        return instead
    }()

    /// Sayings that no native reader would say aloud, in small letters.
    static let sayings = [
        "a clock and a chance of the caller's", "is nobody's.", "is nobody's,", "is nobody's;",
        "in ipv6 clothes",
    ]

    /// "In flight" and "single flight" are the field's own.
    static let beforeFlight: Set = ["in", "single"]
    /// Bytes of the format, which stay.
    static let allowed: Set = ["tkv1wave"]
    /// This file names them.
    static let own = "Tests/TidyTests/GivenUpWordTests.swift"

    static func findings(in file: SourceFile) -> [Finding] {
        guard file.path != own else { return [] }
        var findings: [Finding] = []
        var previous = ""
        for (line, word) in words(of: file.text) {
            if let other = instead[word], !(word == "flight" && beforeFlight.contains(previous)) {
                findings.append(Finding(file, line, "\(word) was given up; say: \(other)"))
            }
            previous = word
        }
        for (index, line) in file.text.split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() {
            let small = line.lowercased()
            for saying in sayings where small.contains(saying) {
                findings.append(Finding(file, index + 1, "\"\(saying)\": say what it is"))
            }
        }
        return findings
    }

    /// Folders whose code knows the arena's blocks, and of the key slots no more than handles.
    private static let withoutSlots = ["Atoms", "Exchange", "Upkeep"].map {
        "Sources/TokenVault/\($0)/"
    }

    /// A slot is a key slot.
    static func findings(ofSlotsIn file: SourceFile) -> [Finding] {
        guard withoutSlots.contains(where: { file.path.hasPrefix($0) }) else { return [] }
        var findings: [Finding] = []
        var previous = ""
        for (line, word) in words(of: file.text) {
            if word == "slot" && previous != "key" {
                findings.append(Finding(file, line, "a slot is a key slot; the arena has blocks"))
            }
            previous = word
        }
        return findings
    }

    /// The words in small letters, those inside identifiers too, with their lines.
    static func words(of text: String) -> [(line: Int, word: String)] {
        var words: [(line: Int, word: String)] = []
        var line = 1
        var whole: [UInt8] = []
        func take() {
            let word = String(decoding: whole, as: UTF8.self)
            if !allowed.contains(word) {
                for part in parts(of: whole) { words.append((line, part)) }
            }
            whole.removeAll(keepingCapacity: true)
        }
        for byte in text.utf8 {
            if isLetter(byte) || isDigit(byte) {
                whole.append(byte)
                continue
            }
            if !whole.isEmpty { take() }
            if byte == UInt8(ascii: "\n") { line += 1 }
        }
        take()
        return words
    }

    /// `waveLimit`, `URLWave`, `wave2`: cut where a capital begins a part, and at digits.
    private static func parts(of word: [UInt8]) -> [String] {
        var parts: [String] = []
        var part: [UInt8] = []
        for index in word.indices {
            let byte = word[index]
            let next = index + 1 < word.count ? word[index + 1] : nil
            let endsPart =
                isCapital(byte)
                && (part.last.map { !isCapital($0) } ?? false || (next.map(isSmall) ?? false))
            if endsPart || isDigit(byte) {
                if !part.isEmpty { parts.append(String(decoding: part, as: UTF8.self)) }
                part.removeAll(keepingCapacity: true)
            }
            if !isDigit(byte) { part.append(byte) }
        }
        if !part.isEmpty { parts.append(String(decoding: part, as: UTF8.self)) }
        return parts.map { $0.lowercased() }
    }

    private static func isCapital(_ byte: UInt8) -> Bool { (65...90).contains(byte) }
    private static func isSmall(_ byte: UInt8) -> Bool { (97...122).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { isCapital(byte) || isSmall(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}

@Suite("Words that were given up")
struct GivenUpWordTests {
    @Test("No file says one of them")
    func files() {
        // Harvest and Wave are products, and one of the catalog's sources has a harvester.
        let files = Tree.files.filter { file in
            !file.path.hasPrefix("Sources/ProviderCatalog/Providers/")
                && !file.path.hasSuffix("/ShippedDefinition.swift")
                && !file.path.hasSuffix("/Catalog.md")
        }
        report(files.flatMap(GivenUpWordRule.findings(in:)))
    }

    @Test("A slot is a key slot")
    func slots() {
        report(Tree.library.flatMap(GivenUpWordRule.findings(ofSlotsIn:)))
    }

    @Test(
        "Each is found, in prose and in a name",
        arguments: [
            "the last wave", "let waveLimit = 1", "takeWave()", "NEXT_WAVE", "URLWave", "wave2",
            "Each flight of it", "flights in a row", "inflight flight", "two lanes", "isHungry",
            "mourners", "aloft", "it boards first", "struct Cargo {}", "the tokens land here",
            "it is nobody's.", "an IPv4 address in IPv6 clothes", "harvest()",
            "departures", "stranded", "corpse", "a flight in the\nair",
        ])
    func found(_ text: String) {
        #expect(!GivenUpWordRule.findings(in: SourceFile("a.md", text)).isEmpty)
    }

    @Test(
        "What only looks like one passes",
        arguments: [
            "128 in flight", "In-flight requests", "single flight", "inFlight", "singleFlightTests",
            "IN_FLIGHT_MAX", "so many in\n    /// flight", "kdf(event, 2, \"tkv1wave\")",
            "offboards", "keyboard", "clipboard", "island", "highlands", "plane", "landscape",
            "microwave", "department",
        ])
    func harmless(_ text: String) {
        #expect(GivenUpWordRule.findings(in: SourceFile("a.md", text)).isEmpty)
    }

    @Test("The line of a word is told")
    func line() {
        let file = SourceFile("a.py", "one\ntwo lanes\n")
        #expect(GivenUpWordRule.findings(in: file).map(\.line) == [2])
    }

    @Test(
        "A slot that is no key slot is found where the arena is at home",
        arguments: [("a free slot", 1), ("its key slot", 0), ("case slotsFile", 0)])
    func arena(_ text: String, count: Int) {
        func found(_ folder: String) -> Int {
            let file = SourceFile("Sources/TokenVault/\(folder)/A.swift", text)
            return GivenUpWordRule.findings(ofSlotsIn: file).count
        }
        #expect(found("Atoms") == count && found("Seal") == 0)
    }
}
