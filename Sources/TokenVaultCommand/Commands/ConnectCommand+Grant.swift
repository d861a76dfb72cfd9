// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

// Connections that need nobody's browser.
extension ConnectCommand {
    /// What the client asks by itself by; nil where somebody's browser is sent to the provider.
    var grant: GrantType? {
        usesJWTBearer ? .jwtBearer : usesClientCredentials ? .clientCredentials : nil
    }

    func checkGrant() throws {
        guard !usesClientCredentials || !usesJWTBearer else {
            throw ValidationError("give one of --client-credentials and --jwt-bearer")
        }
        guard grant == nil || !paste && !open && userScopes.isEmpty && !device else {
            throw ValidationError(
                "--\(usesJWTBearer ? "jwt-bearer" : "client-credentials") sends nobody to a "
                    + "browser: leave out --paste, --open, --device and --user-scope")
        }
        guard let subject else { return }
        guard usesJWTBearer else { throw ValidationError("--subject goes with --jwt-bearer") }
        let bytesMax = ClientGrant.subjectBytesMax
        guard (1...bytesMax).contains(subject.utf8.count),
            subject.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw ValidationError(
                "--subject is a text of 1 to \(bytesMax) bytes without control characters")
        }
    }

    /// The client asks by itself.
    func connect(
        _ door: any VaultDoor, _ application: ApplicationForm, by grant: GrantType
    ) async throws {
        if grant == .jwtBearer { try Self.checkAssertions(application) }
        let request = try Request.connectByItself(
            id: id, application: application.id, grant: grant.rawValue,
            scopes: scopes.isEmpty ? nil : scopes, own: own(application), subject: subject)
        try await door.ask(request, secret: clientSecret.read()) { _ in }
    }

    /// Whether the application can sign what it asks by.
    private static func checkAssertions(
        _ application: ApplicationForm
    ) throws(CommandFailure) {
        let missing: String? =
            if application.provider.provider.assertionClaims == nil {
                "its provider's definition has no assertion_claims: add it, {} where the "
                    + "assertion needs none beside those that it always has"
            } else if application.signingKey == nil {
                "it has no signing key: `tokenvault app add --replace --signing-key-file`"
            } else {
                nil
            }
        guard let missing else { return }
        throw CommandFailure(
            .usage,
            "the application \(application.id.printable) cannot ask by an assertion, since "
                + "\(missing)")
    }
}
