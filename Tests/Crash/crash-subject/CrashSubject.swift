// SPDX-License-Identifier: Apache-2.0

import CCrashPoints
import Foundation
import Glibc
import TestSupport
import TokenVault

/// The process that is killed: connects, refreshes and disconnects at random, and says so before
/// and after each operation.
///
/// Lines on standard output, each in one write: `R` ready; `B queue kind id [access refresh]` an
/// operation begins; `A queue kind id writes generation access refresh` it has returned;
/// `X queue kind id error` it has failed, which never may happen.
@main
struct CrashSubject {
    let vault: Vault
    let practice: LoopbackHTTP
    let application: ApplicationID
    let operationsMax: Int
    let ids: Int

    /// What is done, as the progress file numbers it.
    enum Kind: UInt32 {
        case connect = 1
        case put = 2
        case authorize = 3
        case refresh = 4
        case disconnect = 5
        case several = 6
    }

    static func main() async throws {
        let values = ProcessInfo.processInfo.environment
        func value(_ name: String) -> String { values["CRASH_SUBJECT_\(name)"] ?? "" }
        func number(_ name: String) -> Int { Int(value(name)) ?? 0 }
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        let vault: Vault
        do {
            vault = try Vault.open(
                at: value("VAULT"), rootKey: .file(value("KEY")), settings: settings)
        } catch {
            say("X 0 0 0 \(error)")
            exit(1)
        }
        if value("MODE") == "hold" {
            say("R")
            while true { pause() }
        }
        try await vault.ready()
        let subject = CrashSubject(
            vault: vault,
            practice: LoopbackHTTP(
                port: UInt16(number("PORT")), controlKey: value("CONTROL_KEY")),
            application: try ApplicationID("practice"), operationsMax: 400, ids: number("IDS"))
        guard let progress = unsafe tv_progress_open(value("PROGRESS"), 0) else { exit(2) }
        unsafe tv_progress_watch(progress)
        say("R")
        let queues = number("QUEUES")
        if queues > 1 { tv_progress_begin(Kind.several.rawValue) }
        let random = SeededRandom(seed: UInt64(number("SEED")))
        await withTaskGroup(of: Void.self) { group in
            for queue in 0..<queues {
                group.addTask {
                    await subject.run(
                        queue, of: queues, SeededRandom(seed: random.seed &+ UInt64(queue)))
                }
            }
        }
        exit(3)
    }

    /// Each queue has connections of its own; what is under way at the same time shares a group.
    private func run(_ queue: Int, of queues: Int, _ first: SeededRandom) async {
        var random = first
        for _ in 0..<operationsMax {
            let number = random.below(ids / queues) * queues + queue
            var kind = Kind.connect
            do {
                let id = try ConnectionID("c\(number)")
                kind = try choose(id, &random)
                try await perform(kind, id, queue, number, isAlone: queues == 1)
            } catch {
                Self.say("X \(queue) \(kind.rawValue) \(number) \(error)")
                exit(4)
            }
        }
    }

    private func choose(_ id: ConnectionID, _ random: inout SeededRandom) throws -> Kind {
        let dice = random.below(100)
        guard let status = try vault.status(id) else { return dice < 75 ? .connect : .authorize }
        if status.light == .red || status.nextStep == .connect { return .authorize }
        return dice < 50 ? .refresh : dice < 65 ? .put : dice < 70 ? .authorize : .disconnect
    }

    private func perform(
        _ kind: Kind, _ id: ConnectionID, _ queue: Int, _ number: Int, isAlone: Bool
    ) async throws {
        var begun = "B \(queue) \(kind.rawValue) \(number)"
        var minted = (access: "", refresh: "")
        if kind == .connect || kind == .put {
            minted = try practice.mint()
            begun += " \(minted.access) \(minted.refresh)"
        }
        Self.say(begun)
        if isAlone { tv_progress_begin(kind.rawValue) }
        switch kind {
        case .connect, .put, .several:
            let tokens = TokenSet(
                accessToken: try Secret(text: minted.access),
                refreshToken: try Secret(text: minted.refresh),
                accessTokenExpiry: UnixTime(seconds: Int64(time(nil)) + 3600))
            try await vault.put(id, tokens, application: application)
        case .authorize:
            let request = try await vault.connect(id, application: application)
            let query = try practice.approve(request.url)
            _ = try await vault.complete(
                callbackQuery: Secret(text: query), application: application)
        case .refresh: try await vault.refresh(id)
        case .disconnect: try await vault.disconnect(id)
        }
        let writes = isAlone ? tv_progress_begin(0) : 0
        let stored = try read(id)
        Self.say("A \(queue) \(kind.rawValue) \(number) \(writes) \(stored)")
    }

    private func read(_ id: ConnectionID) throws -> String {
        switch try vault.get(id) {
        case .none: return "0 - -"
        case .some(let stored):
            let refresh: String
            switch stored.tokens.refreshToken {
            case .none: refresh = "-"
            case .some(let token): refresh = token.exposed
            }
            return "\(stored.generation) \(stored.tokens.accessToken.exposed) \(refresh)"
        }
    }

    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = unsafe write(1, bytes, bytes.count)
    }
}
