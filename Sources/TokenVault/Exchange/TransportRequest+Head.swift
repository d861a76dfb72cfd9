// SPDX-License-Identifier: Apache-2.0

extension TransportRequest {
    /// The method of a request, and what its body is.
    package struct Head: Sendable, Hashable {
        /// The method.
        package var method = Provider.RevocationRequest.Method.post
        /// What the body is; no body has none.
        package var body = Provider.RevocationRequest.Body.form
        /// Whether the answer is kept as it comes, and is too long where it outgrows every block:
        /// one that has other members than those of a token endpoint.
        package var keepsAll = false
        /// Whether the answer's body is passed over, and only its status counts.
        package var ignoresBody = false
    }
}
