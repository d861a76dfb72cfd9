// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What is wrong where a token endpoint refuses and names no error (RFC 6749 section 5.2).
extension VaultError {
    /// Nil where its status says no more than that it was refused.
    var unnamedRefusal: String? {
        switch number {
        case 300..<400:
            "the token endpoint redirects, and no redirect is followed: use the address that it "
                + "leads to; " + Self.wrongEndpoint
        case 404, 405, 410:
            "there is no token endpoint at the address that was asked: " + Self.wrongEndpoint
        case 403:
            "the token endpoint, or a gateway in front of it, forbids the request: check at the "
                + "provider whether the application and this machine's address are allowed"
        case 407:
            "a proxy on the way to the token endpoint asks for credentials: let this machine "
                + "through"
        case 495, 496:
            "the token endpoint asks for a client certificate, and the vault has none: "
                + Self.wrongEndpoint
        case let status where FailureNumber.isOfTheWay(status):
            "the server takes no such request, whatever grant it is for (HTTP \(status)): "
                + Self.wrongEndpoint
        default: nil
        }
    }
}
