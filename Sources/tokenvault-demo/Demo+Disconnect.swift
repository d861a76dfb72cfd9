// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import TokenVault

extension Demo {
    /// Step 7: the end of the connection.
    func disconnect(
        _ connection: ConnectionID, _ vault: Vault, _ server: PracticeServer
    ) async throws {
        console.step("Disconnect")
        let receipt = try await vault.disconnect(connection)
        console.text("The receipt:")
        console.row("connection", "\"\(receipt.connection)\"")
        console.row("refresh token", words(receipt.refreshToken))
        console.row("access token", words(receipt.accessToken))
        console.row(
            "still underway", receipt.isEveryAnswerIn ? "nothing" : "an answer",
            receipt.isEveryAnswerIn ? "" : "revoked and wiped when it comes, never stored")
        console.row(
            "its key", "\(receipt.erasedSlots) erased",
            "without it the record is noise, root key or not")
        switch receipt.erasure {
        case .inPlace:
            console.row("erased how", "overwritten in place", "twice, synced to the disk each time")
        case .bestEffort(let fileSystem):
            console.row(
                "erased how", "as well as it goes",
                "file system 0x\(String(fileSystem, radix: 16)) may keep old blocks for a while")
        }
        console.row("completed", Self.text(of: receipt.completed))
        console.check(
            receipt.refreshToken == .revoked && receipt.accessToken == .revoked
                && receipt.erasedSlots == 1 && receipt.isEveryAnswerIn,
            "both tokens revoked, the key erased", otherwise: "\(receipt)")
        let ended = try server.grants(of: "ada").filter { $0.contains("\"alive\":false") }
        console.check(
            ended.count == 1, "the service says so too: Ada's grant has ended",
            otherwise: "to the service it is still alive")
        console.check(
            try vault.status(connection) == nil, "the vault no longer knows the connection",
            otherwise: "it still has a record")
    }

    /// Step 8: nothing of it is left.
    func scanAfterwards(_ directory: String, _ needles: Needles) throws {
        console.step("Look again, everywhere")
        console.text(
            """
            The same scanner and the same tokens; the vault is still open. Not read: the practice
            service (it may remember its own tokens), the kernel, what the disk's firmware keeps.
            """)
        let memory = try ResidueScan(options.scanner, needles, memory: true, directory: nil)
        console.row("memory read", memory.amount, "\(memory.regions) mappings")
        if memory.unreadable > 0 {
            console.row("not readable", "\(memory.unreadable) places", memory.unreadablePlaces)
        }
        let files = try ResidueScan(options.scanner, needles, memory: false, directory: directory)
        console.row("disk read", files.amount, "\(files.files) files, all of the vault and its key")
        for name in [
            "first-access-token", "first-refresh-token", "last-access-token", "last-refresh-token",
        ] {
            let found = memory.copies(of: name) + files.copies(of: name)
            console.check(
                found == 0, "0 hits for the \(name.replacing("-", with: " "))",
                otherwise: "\(found): \(memory.places) \(files.places)")
        }
        console.check(
            memory.copies == 0 && files.copies == 0, "0 hits in all, in memory and on disk",
            otherwise: "\(memory.copies + files.copies): \(memory.places) \(files.places)")
    }

    private func words(_ revocation: DisconnectReceipt.Revocation) -> String {
        switch revocation {
        case .notNeeded: "there was none"
        case .revoked: "revoked at the service"
        case .unsupported: "the service cannot revoke it; it expires"
        case .failed(let number, _): "not revoked (\(number)); it lives until it expires"
        }
    }

    private static func text(of time: UnixTime) -> String {
        var seconds = time_t(time.seconds)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return unsafe "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }
}
