// SPDX-License-Identifier: Apache-2.0

import Testing

/// The vault against django-oauth-toolkit, an authorization server that nobody here wrote.
///
/// One server serves them all; it is started before the first test and stopped after the last,
/// also where one fails. Where it does not start, all fail.
@Suite(.serialized, .realServer) enum RealServerTests {}

extension Trait where Self == RealServerTrait {
    static var realServer: Self { Self() }
}

/// Starts a server around a suite.
struct RealServerTrait: SuiteTrait, TestScoping {
    @TaskLocal static var server: RealServer?

    func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        let server = try await RealServer.start()
        do {
            try await Self.$server.withValue(server) { try await function() }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}
