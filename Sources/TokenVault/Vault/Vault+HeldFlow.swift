// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Which connection a flow is of whose callback is held; nil where none is.
    package func connection(ofHeld flow: FlowID) async throws(VaultError) -> ConnectionID? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        guard let fields = try store.openFlow(heldKey(flow)),
            let text = fields.text(FlowTag.connection)
        else { return nil }
        return try ConnectionID(text)
    }
}
