// SPDX-License-Identifier: Apache-2.0

import Testing

/// A vault whose passphrase is stretched by more than is usual.
struct KeyDerivationTests {
    @Test func moreIsAllowedByWhoeverSaysSo() async throws {
        try await Workbench.run { bench in
            let phrase = ["--passphrase-fd", "0"]
            let more = phrase + ["--passphrase-opslimit", "4", "--passphrase-memlimit", "257"]
            try await bench.expect(["init"] + more, input: "open sesame\n")
            let refused = try await bench.expect(
                ["list"] + phrase, status: 77, input: "open sesame\n")
            #expect(refused.errors.contains("--passphrase-opslimit and --passphrase-memlimit"))
            #expect(refused.errors.contains("257"))
            // One of the two is not enough.
            for half in [["--passphrase-opslimit", "4"], ["--passphrase-memlimit", "257"]] {
                try await bench.expect(
                    ["list"] + phrase + half, status: 77, input: "open sesame\n")
            }
            try await bench.expect(["list"] + more, input: "open sesame\n")
        }
    }

    @Test(arguments: [
        ["--passphrase-opslimit", "2"], ["--passphrase-opslimit", "65"],
        ["--passphrase-memlimit", "255"], ["--passphrase-memlimit", "4097"],
        ["--passphrase-memlimit", "18446744073709551615"], ["--passphrase-opslimit", "-1"],
    ])
    func noLimitsOutOfRange(_ limit: [String]) async throws {
        try await Workbench.run { bench in
            try await bench.expect(
                ["init", "--passphrase-fd", "0"] + limit, status: 64, input: "open sesame\n")
        }
    }
}
