// SPDX-License-Identifier: Apache-2.0

// Some providers revoke by an access token that works, and by nothing else.
extension Vault {
    /// How much longer an access token must live for its revocation, in milliseconds: longer than
    /// the provider may take to answer.
    private static let revocationMilliseconds: Int64 = 30_000

    /// Refreshes the access token where the provider revokes by it and it has expired, or was
    /// rejected: before the fence, so that the new tokens are stored and planned as any others.
    /// Best effort: where it fails the revocation goes out with the token that is there.
    func renewForRevocation(_ id: ConnectionID, _ key: RecordKey) async {
        guard needsRenewal(key) else { return }
        _ = await refresher.first { (end: @escaping @Sendable (Bool) -> Void) in
            Task {
                _ = try? await refresh(id)
                end(true)
            }
            let isWaited = refresher.after(milliseconds: Self.answerMilliseconds) { end(false) }
            if !isWaited { end(false) }
        }
    }

    private func needsRenewal(_ key: RecordKey) -> Bool {
        defer { MemoryHygiene.scrub() }
        do throws(VaultError) {
            guard let opened = try store.open(key) else { return false }
            let record = ConnectionRecord(fields: opened.takeFields())
            let end = time.now().adding(milliseconds: Self.revocationMilliseconds)
            let isOver = record.accessTokenExpiry.map { $0 <= end } ?? false
            // What is asked for anew is another token, and no grant outlives it.
            guard record.state == .active, isOver || record.rejected != nil,
                !record.grant.asksAnew,
                let id = record.application,
                let application = try store.revokingApplication(id, for: try record.own())
            else { return false }
            return application.provider.revocation?.needsAccessToken ?? false
        } catch {
            // Whatever it is, the disconnect meets it as well, and says so.
            return false
        }
    }
}
