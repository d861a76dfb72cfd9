// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
internal import Glibc
internal import TokenVault

extension Demo {
    /// Step 5: an access token, used as a platform uses it.
    func lend(
        _ connection: ConnectionID, _ vault: Vault, _ server: PracticeServer,
        _ needles: inout Needles
    ) async throws {
        console.step("Use the token")
        // Once more, so that the tokens looked for from here on outlive the demo.
        try await vault.refresh(connection)
        try needles.add("last", of: connection, in: vault)
        let (masked, isAccepted) = try await vault.withAccessToken(connection) { token in
            (token.secret.masked, try server.accepts(token.secret))
        }
        let count = try vault.status(connection)?.refreshCount ?? 0
        console.row("access token", masked, "not the first: refreshed \(count) times")
        console.check(
            isAccepted, "the service accepts it",
            otherwise: "the service refused the newest token of a living grant")
    }

    /// Step 6: the scanner finds what is there.
    func scanWhileLent(
        _ connection: ConnectionID, _ vault: Vault, _ directory: String, _ needles: Needles
    ) async throws {
        console.step("Look for the token while it is in use")
        console.text(
            """
            A third process, the residue scanner, reads every byte of this one's memory and of the
            files, and looks for Ada's first and last tokens: any 16 characters, in 14 encodings.
            Now it has to find one. Otherwise it would mean nothing that it finds none at the end.
            """)
        let memory = try await vault.withAccessToken(connection) { _ in
            try ResidueScan(options.scanner, needles, memory: true, directory: nil)
        }
        let files = try ResidueScan(
            options.scanner, needles, memory: false, directory: directory)
        let found = memory.copies(of: "last-access-token")
        console.row("secrets lie in", arena(vault), "for this demo, so that they can be found;")
        console.row(
            "", "",
            hasSecretMemory
                ? "normally memfd_secret, closed to every process"
                : "normally too: memfd_secret is not to be had here")
        console.row("memory read", memory.amount, "\(memory.regions) mappings")
        console.check(
            found > 0, "found the access token that is in use: \(copies(found)), in memory",
            otherwise: "the scanner is blind here, so that its silence would prove nothing")
        console.check(
            memory.copies == found, "found nothing else in memory: the rest is encrypted or gone",
            otherwise: memory.places)
        console.check(
            files.copies == 0, "found nothing in \(files.files) files (\(files.amount))",
            otherwise: files.places)
    }

    private func copies(_ count: Int) -> String { count == 1 ? "1 copy" : "\(count) copies" }

    private func arena(_ vault: Vault) -> String {
        switch vault.memoryStatus.arena {
        case .secretMemory: "memfd_secret"
        case .locked: "locked memory"
        case .unlocked: "memory that may be swapped"
        case .unavailable: "nothing"
        }
    }

    /// Whether the vault would use `memfd_secret` if the demo had not forbidden it. To be asked
    /// before the first secret: both count against the same limit.
    static func hasSecretMemory() -> Bool {
        let arenaBytes = 7 << 20
        var kind: Int32 = 0
        guard let probe = unsafe tv_arena_map(arenaBytes, true, &kind) else { return false }
        unsafe munmap(probe, arenaBytes)
        return kind == Int32(TV_ARENA_SECRET_MEMORY.rawValue)
    }
}
