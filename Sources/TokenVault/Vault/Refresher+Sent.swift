// SPDX-License-Identifier: Apache-2.0

extension Refresher {
    /// A request that was made, for its answer.
    final class Sent: @unchecked Sendable {
        let flight: Flight
        let id: ConnectionID?
        let application: ApplicationID
        /// The version of the record that the request was made of: the pair that the answer
        /// replaces.
        let generation: UInt64
        let providerLifetime: Int64?
        let applicationLifetime: Int64?
        /// Whether the access token was presented: no refresh token outlives the answer.
        let isExchange: Bool
        /// Whether the provider's limits say that the grant is over.
        let isOver: Bool
        /// Whether the log says of the connection that it fails.
        let isTroubled: Bool
        /// The record as it was sent; nil where there was no room to keep it.
        let kept: KeptRecord?
        /// How long the answer is listened for. Written where the request is made.
        var listenMilliseconds = 0
        // Written by the writer's thread before the request is sent, or cancelled.
        var wave: UInt64?
        /// How often its answer could not be stored, for other reasons than room.
        var strandedCount = 0
        /// Why the attempt could not be recorded.
        var refusal: VaultError?

        init(
            flight: Flight, id: ConnectionID?, application: ApplicationID, generation: UInt64,
            providerLifetime: Int64?, applicationLifetime: Int64?, isExchange: Bool,
            isOver: Bool, isTroubled: Bool, kept: KeptRecord?
        ) {
            self.flight = flight
            self.id = id
            self.application = application
            self.generation = generation
            self.providerLifetime = providerLifetime
            self.applicationLifetime = applicationLifetime
            self.isExchange = isExchange
            self.isOver = isOver
            self.isTroubled = isTroubled
            self.kept = kept
        }
    }
}
