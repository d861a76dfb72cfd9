// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

/// An HTTP proxy that requests to providers go through: by CONNECT (RFC 9110 section 9.3.6), so
/// that TLS is between the vault and the provider, and the proxy learns no more than host and port.
///
/// It resolves the provider's name, so it is the proxy that must refuse what the name may lead to.
@safe
package final class Proxy: @unchecked Sendable {
    /// As curl takes it.
    let url: String
    /// `Proxy-Authorization` (RFC 7617), with a zero byte behind it.
    private let headerLine: Secret?
    /// The same as curl takes it, which makes no copy before it is sent; nil where there is none.
    let headers: UnsafeMutableRawPointer?

    /// The longest URL of one, in bytes.
    static let bytesMax = 512

    /// - Parameters:
    ///   - text: `http://HOST:PORT`, the host a name or an address as in `AddressGuard.check`.
    ///   - credentials: a user, a colon, a password.
    /// - Throws: `invalidArgument`, with the rule that it breaks; `tooManySecrets`; `outOfMemory`.
    package init(_ text: String, credentials: consuming Secret? = nil) throws(VaultError) {
        func refused(_ cause: FailureCause) -> VaultError {
            VaultError(.invalidArgument, .exchange, cause, .proxy)
        }
        guard text.utf8.count <= Self.bytesMax else { throw refused(.tooLong) }
        guard !text.utf8.contains(UInt8(ascii: "@")) else { throw refused(.userInformation) }
        guard let parts = Curl.parse(text), let port = parts.port, (UInt16(port) ?? 0) > 0,
            parts.scheme == "http"
        else { throw refused(.malformedURL) }
        let host = parts.host.lowercased()
        let isLiteral = host.hasPrefix("[") || host.utf8.allSatisfy(AddressGuard.isAddressByte)
        guard isLiteral ? IPAddress(host: host) != nil : AddressGuard.isName(host) else {
            throw refused(.malformedHost)
        }
        let plain = "http://\(host):\(port)"
        guard text.lowercased() == plain || text.lowercased() == plain + "/" else {
            throw refused(.malformedURL)
        }
        url = plain
        headerLine = try Self.line(credentials)
        switch headerLine {
        case .none: unsafe headers = nil
        case .some(let line):
            unsafe headers = line.withUnsafeBytes { unsafe tv_header_lend($0.baseAddress) }
            // Else the proxy would be asked without the credentials.
            guard unsafe headers != nil else { throw VaultError(.outOfMemory, .exchange) }
        }
    }

    deinit { unsafe tv_header_return(headers) }

    private static func line(_ credentials: borrowing Secret?) throws(VaultError) -> Secret? {
        switch credentials {
        case .none: return nil
        case .some(let credentials):
            guard ClientCredentials.hasColon(credentials.bytes) else {
                throw VaultError(.invalidArgument, .exchange, .noColon, .proxy)
            }
            let value = try ClientCredentials.basicValue(credentials)
            return try ClientCredentials.line(value.bytes, of: "Proxy-Authorization")
        }
    }
}
