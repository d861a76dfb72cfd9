// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// `connect --device`, on a vault of its own and on one that is served.
struct DeviceTests {
    private func run(
        _ change: (inout ProviderSimulator.Settings) -> Void = { _ in },
        _ body: (Workbench) async throws -> Void
    ) async throws {
        try await Workbench.run { settings in
            settings.deviceInterval = .seconds(1)
            change(&settings)
        } _: { bench in
            try await bench.prepare()
            try bench.write(
                "device.yaml",
                """
                name: practice
                authorization_endpoint: \(bench.simulator.baseURL)/authorize
                token_endpoint: \(bench.simulator.baseURL)/token
                revocation_endpoint: \(bench.simulator.baseURL)/revoke
                device_authorization_endpoint: \(bench.simulator.baseURL)/device_authorization
                """)
            try await bench.expect(
                ["app", "add", "tv", "--provider", "device.yaml", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret"]
                    + ["--redirect-uri", bench.redirectURI] + bench.keyOptions)
            try await body(bench)
        }
    }

    private func start(_ bench: Workbench) async throws -> (command: Running, code: String) {
        let command = try bench.start(
            ["connect", "anna", "--app", "tv", "--device"] + bench.keyOptions, input: .text(""))
        let code = try await command.line { !$0.hasPrefix("http") && $0.contains("-") }
        return (command, code)
    }

    private func connects(_ bench: Workbench) async throws {
        let (command, code) = try await start(bench)
        #expect(bench.simulator.approveDevice(code))
        let output = await command.end()
        #expect(output.status == 0, "\(output.errors)")
        let lines = output.text.split(separator: "\n").map(String.init)
        #expect(lines == [bench.simulator.baseURL + "/device", code, "connected anna"])
        #expect(output.errors.contains("Enter this code there:"), "\(output.errors)")
        #expect(output.errors.contains("Ctrl-C gives up."), "\(output.errors)")
        try await bench.expect(["refresh", "anna"] + bench.keyOptions)
    }

    @Test func ofItsOwn() async throws {
        try await run { bench in
            try await connects(bench)
            // Again, over what is there.
            try await connects(bench)
        }
    }

    @Test func withoutRedirectURI() async throws {
        try await run { bench in
            let added = try await bench.expect(
                ["app", "add", "tv", "--provider", "device.yaml", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret", "--replace"] + bench.keyOptions)
            #expect(added.errors.contains("`--device`"), "\(added.errors)")
            try await connects(bench)
        }
    }

    @Test func served() async throws {
        try await run { bench in
            try await bench.serving { _ in try await connects(bench) }
        }
    }

    @Test func aServedVaultGoesOnByItself() async throws {
        try await run { bench in
            try await bench.serving { server in
                let (command, code) = try await start(bench)
                command.signal(SIGKILL)
                _ = await command.end()
                bench.simulator.approveDevice(code)
                var expires: String?
                for _ in 0..<100 where expires == nil {
                    try await Task.sleep(for: .milliseconds(100))
                    let status = try await bench.expect(
                        ["status", "anna", "--json"] + bench.keyOptions)
                    expires = try status.objects().first?["expires"] as? String
                }
                #expect(expires != nil)
                server.terminate()
            }
        }
    }

    @Test(arguments: [true, false])
    func ctrlCGivesUp(_ isServed: Bool) async throws {
        try await run { bench in
            let body: (Running?) async throws -> Void = { _ in
                let (command, code) = try await start(bench)
                command.signal(SIGINT)
                let output = await command.end()
                #expect(output.status == 75, "\(output.errors)")
                #expect(output.errors.contains("anna: given up"), "\(output.errors)")
                bench.simulator.approveDevice(code)
                try await Task.sleep(for: .seconds(2))
                #expect(bench.simulator.grants.isEmpty)
            }
            if isServed {
                try await bench.serving { try await body($0) }
            } else {
                try await body(nil)
            }
        }
    }

    @Test func saysWhyNot() async throws {
        try await run { bench in
            let (command, code) = try await start(bench)
            bench.simulator.denyDevice(code)
            let output = await command.end()
            #expect(output.status == 79, "\(output.errors)")
            #expect(output.errors.contains("the user or the provider refused"))
            let none = try await bench.expect(
                ["connect", "anna", "--app", "demo", "--device"] + bench.keyOptions, status: 78)
            #expect(none.errors.contains("has no device_authorization_endpoint"), "\(none.errors)")
            let both = try await bench.expect(
                ["connect", "anna", "--app", "tv", "--device", "--paste"] + bench.keyOptions,
                status: 64)
            #expect(both.errors.contains("--device goes with none of"), "\(both.errors)")
        }
    }
}
