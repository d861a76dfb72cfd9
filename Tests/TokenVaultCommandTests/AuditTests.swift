// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `tokenvault audit`, and what it saves of a vault in which nothing can be written any more.
struct AuditTests {
    /// A vault with the connections `anna` and `bert`.
    private func connected(_ body: (Workbench) async throws -> Void) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.connect("bert")
            try await body(bench)
        }
    }

    private static let key = ["--key-file", "v.key"]

    @Test func aWholeVaultIsSaidToBeOne() async throws {
        try await connected { bench in
            let audit = try await bench.expect(["audit"] + Self.key)
            #expect(audit.text.contains("these open: 2 connections and 1 application\n"))
            #expect(audit.text.contains("own count is 3 records, and it matches"))
            let report = try await bench.expect(["audit", "--json"] + Self.key).objects()
            #expect(report.first?["is_whole"] as? Bool == true)
            // Whoever serves it owns it.
            let server = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await server.line { $0 == "ready" }
            for key in [Self.key, []] {
                let refused = try await bench.expect(["audit"] + key, status: 75)
                #expect(refused.errors.contains("process \(server.identifier) serves this vault"))
            }
            server.terminate()
            _ = await server.end()
        }
    }

    @Test func whatOpensIsSavedAndUsed() async throws {
        try await connected { bench in
            let before = try await bench.run(
                ["token", "anna"] + bench.keyOptions, showsToken: true)
            let file = bench.folder.appending(path: "v/SLOTS")
            var slots = try Data(contentsOf: file)
            slots.replaceSubrange(2 * 128..<3 * 128, with: Data(count: 128))
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: slots)
            try handle.close()
            try await bench.expect(["list"] + bench.keyOptions, status: 65)

            let salvage = ["audit", "--salvage", "w/", "--json"] + Self.key
            let output = try await bench.expect(salvage, status: 65)
            let report = try #require(try output.objects().first)
            #expect(report["connections"] as? Int == 1 && report["applications"] as? Int == 1)
            #expect(report["unopened"] as? [String: Int] == ["key_slot_empty": 1])
            #expect(report["expected"] as? Int == 3)
            #expect(report["salvaged_to"] as? String == "w")
            #expect(output.errors.contains("the old vault is damaged"))
            // Never over something that is there.
            try await bench.expect(salvage, status: 73)
            try await bench.expect(["audit", "--salvage", "x", "--key-fd", "0"], status: 77)

            let new = ["--vault", "w"] + bench.keyOptions
            let token = try await bench.run(["token", "anna"] + new, showsToken: true)
            #expect(token.status == 0 && token.text == before.text)
            try await bench.expect(["refresh", "anna"] + new)
            try await bench.expect(["status", "bert"] + new, status: 66)
            try await bench.expect(["disconnect", "anna", "--yes"] + new)
            try await bench.expect(["audit", "--vault", "w"] + Self.key)
        }
    }

    /// What the log of a new vault says, which knows nothing of the old one's.
    @Test func theLogStaysBehindAndThatIsSaid() async throws {
        try await connected { bench in
            try await bench.expect(["audit", "--salvage", "w"] + Self.key)
            let log = try await bench.expect(
                ["log", "anna", "--vault", "w"] + bench.keyOptions, status: 66)
            #expect(log.errors.contains("it was salvaged from another vault"))
        }
    }

    @Test func aMissingFileIsNamedAsByTheOtherCommands() async throws {
        try await connected { bench in
            let vault = bench.folder.appending(path: "v").path
            let files = FileManager.default
            for name in ["HEADER", "SLOTS", "db/data.mdb", "db"] {
                let path = "\(vault)/\(name)"
                try files.moveItem(atPath: path, toPath: "\(vault)-aside")
                let status = try await bench.expect(["list"] + bench.keyOptions, status: 65)
                let text = "the vault's \(name) is missing"
                #expect(status.errors.contains(text))
                for words in [["audit"], ["audit", "--salvage", "w"]] {
                    let audit = try await bench.expect(words + Self.key, status: 65)
                    #expect(audit.errors == status.errors, "\(name)")
                }
                try files.moveItem(atPath: "\(vault)-aside", toPath: path)
            }
            #expect(!files.fileExists(atPath: bench.folder.appending(path: "w").path))
            // It holds nothing, and nobody opens a vault without it.
            try files.removeItem(atPath: "\(vault)/LOCK")
            try await bench.expect(["list"] + bench.keyOptions, status: 65)
            let audit = try await bench.expect(["audit", "--salvage", "w"] + Self.key, status: 65)
            #expect(audit.text.contains("copied to w: 2 connections"))
            #expect(audit.errors.contains("LOCK is missing"))
            try await bench.expect(["audit", "--vault", "w"] + Self.key)
        }
    }

    @Test func aLinkOrAPipeInTheVaultIsNamedAsByTheOtherCommands() async throws {
        try await connected { bench in
            let vault = bench.folder.appending(path: "v").path
            let files = FileManager.default
            for name in ["HEADER", "SLOTS", "LOCK", "db/data.mdb", "db"] {
                let path = "\(vault)/\(name)"
                try files.moveItem(atPath: path, toPath: "\(vault)-aside")
                try files.createSymbolicLink(atPath: path, withDestinationPath: "\(vault)-aside")
                for text in ["is a symbolic link", "is no "] {
                    let list = try await bench.expect(["list"] + bench.keyOptions, status: 77)
                    #expect(list.errors.contains("the vault's \(name) \(text)"), "\(list.errors)")
                    let audit = try await bench.run(["audit"] + Self.key)
                    #expect(audit.status == 65 || audit.status == 77, "\(name)")
                    #expect(
                        audit.errors.contains("the vault's \(name) \(text)"), "\(audit.errors)")
                    try files.removeItem(atPath: path)
                    #expect(unsafe mkfifo(path, 0o600) == 0)
                }
                try files.removeItem(atPath: path)
                try files.moveItem(atPath: "\(vault)-aside", toPath: path)
            }
            try await bench.expect(["audit"] + Self.key)
        }
    }

    @Test func whatOthersCanReachIsNoVaultInOrder() async throws {
        try await connected { bench in
            let files = FileManager.default
            for (name, mode, remedy) in [("v", 0o755, 700), ("v/db/data.mdb", 0o644, 600)] {
                let path = bench.folder.appending(path: name).path
                let before = try files.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                try files.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
                try await bench.expect(["list"] + bench.keyOptions, status: 77)
                let audit = try await bench.expect(["audit"] + Self.key, status: 65)
                #expect(audit.text.contains("these open: 2 connections"))
                #expect(audit.errors.contains("chmod \(remedy)"))
                try files.setAttributes(
                    [.posixPermissions: before ?? 0], ofItemAtPath: path)
            }
            try await bench.expect(["audit"] + Self.key)
        }
    }

    @Test("Where no record can be reached nobody is sent to a salvage", arguments: [0, 2, 3])
    func nothingIsLeft(pages: Int) async throws {
        try await connected { bench in
            let file = bench.folder.appending(path: "v/db/data.mdb")
            let handle = try FileHandle(forWritingTo: file)
            try handle.truncate(atOffset: UInt64(pages) * 4096)
            try handle.close()
            for words in [["list"], ["audit"], ["audit", "--salvage", "w"]] {
                let options = words[0] == "list" ? bench.keyOptions : Self.key
                let output = try await bench.expect(words + options, status: 65)
                #expect(output.errors.contains("nothing is left to salvage"), "\(words)")
                #expect(!output.errors.contains("--salvage DIR"), "\(words)")
            }
            let new = bench.folder.appending(path: "w").path
            #expect(!FileManager.default.fileExists(atPath: new))
        }
    }

    @Test func theKeysGoneNothingOpens() async throws {
        try await connected { bench in
            let file = bench.folder.appending(path: "v/SLOTS")
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: Data(count: 3 * 128))
            try handle.close()
            let audit = try await bench.expect(["audit"] + Self.key, status: 65)
            #expect(audit.errors.contains("nothing can be salvaged"))
            #expect(!audit.errors.contains("--salvage"))
            let salvage = try await bench.expect(
                ["audit", "--salvage", "w"] + Self.key, status: 65)
            #expect(salvage.errors.contains("the new one is empty"))
        }
    }

    @Test func whereANewVaultCannotBe() async throws {
        try await connected { bench in
            for inside in ["v/w", "v/db/w", "v/../v/w", bench.folder.path + "/v/w"] {
                let audit = try await bench.expect(
                    ["audit", "--salvage", inside] + Self.key, status: 64)
                #expect(audit.errors.contains("cannot be made inside another"))
                #expect(!FileManager.default.fileExists(atPath: "\(bench.folder.path)/\(inside)"))
            }
            let nowhere = try await bench.expect(
                ["audit", "--salvage", "nowhere/w"] + Self.key, status: 66)
            #expect(nowhere.errors.contains("there is no folder nowhere"))
        }
    }
}
