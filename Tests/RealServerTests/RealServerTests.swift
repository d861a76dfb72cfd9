// SPDX-License-Identifier: Apache-2.0

import Testing

/// The vault against authorization servers that nobody here wrote: django-oauth-toolkit, Authlib
/// and the MCP Python SDK.
///
/// One of each serves them all; they are started before the first test and stopped after the last,
/// also where one fails. Where one does not start, all fail.
@Suite(.serialized, .realServers) enum RealServerTests {}

extension Trait where Self == RealServerTrait {
    static var realServers: Self { Self() }
}

/// Starts the servers around a suite.
struct RealServerTrait: SuiteTrait, TestScoping {
    @TaskLocal static var servers: [RealServer.Kind: RealServer] = [:]

    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let started = await withTaskGroup { group in
            for kind in RealServer.Kind.allCases {
                group.addTask { await Self.start(kind) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let outcome: Result<Void, any Error>
        do {
            let servers = try started.map { try $0.get() }
            try await Self.$servers.withValue(
                Dictionary(uniqueKeysWithValues: servers.map { ($0.kind, $0) }), operation: function
            )
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        for case .success(let server) in started { await server.stop() }
        try outcome.get()
    }

    private static func start(_ kind: RealServer.Kind) async -> Result<RealServer, any Error> {
        do {
            return .success(try await RealServer.start(kind))
        } catch {
            return .failure(error)
        }
    }
}
