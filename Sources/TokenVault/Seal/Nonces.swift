// SPDX-License-Identifier: Apache-2.0

/// Random nonces of 24 bytes, drawn from the system many at a time: a call of it for each costs as
/// much as sealing an event.
///
/// None is handed out twice, and none is kept for a later transaction: a machine that is copied
/// while it sleeps must not go on twice with the same ones. They belong to the writer's thread,
/// which children of a fork do not have; the drafts of a transaction share them.
final class Nonces: @unchecked Sendable {
    typealias Nonce = InlineArray<24, UInt8>
    /// How many are drawn at a time.
    private static let drawCount = 32

    private var drawn = InlineArray<32, Nonce>(repeating: Nonce(repeating: 0))
    private var used = Nonces.drawCount

    func next() -> Nonce {
        if used == Self.drawCount { draw() }
        defer { used += 1 }
        return drawn[used]
    }

    /// Those that are drawn and not used.
    var left: [Nonce] { (used..<Self.drawCount).map { drawn[$0] } }

    /// Those that are left are not used: the next comes from the system as it is then.
    func discard() { used = Self.drawCount }

    private func draw() {
        var elements = drawn.mutableSpan
        var bytes = unsafe elements.mutableBytes
        Sodium.fillRandom(&bytes)
        used = 0
    }
}
