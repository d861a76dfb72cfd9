// SPDX-License-Identifier: Apache-2.0

/// An address and a port to listen on, as people write them: `127.0.0.1:8080`, `[::1]:8080`.
struct ListenAddress: Hashable {
    /// Without brackets.
    let host: String
    let port: UInt16

    /// Those of this machine alone.
    static let loopbackHosts: Set = ["127.0.0.1", "::1", "localhost"]

    /// As people write it.
    var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    init(host: String, port: UInt16) { (self.host, self.port) = (host, port) }

    /// - Parameter option: what the error names.
    init(_ text: String, option: String = "--listen") throws(CommandFailure) {
        guard let colon = text.lastIndex(of: ":"), let port = Self.port(text[colon...]),
            let host = Self.host(text[..<colon])
        else {
            throw CommandFailure(
                .usage,
                "\(option) takes an address and a port, such as 127.0.0.1:8080, or [::1]:8080 with "
                    + "an IPv6 address in brackets")
        }
        (self.host, self.port) = (host, port)
    }

    private static func port(_ text: Substring) -> UInt16? {
        let digits = text.dropFirst()
        guard digits.allSatisfy(\.isASCII), digits.allSatisfy(\.isNumber) else { return nil }
        return UInt16(digits)
    }

    private static func host(_ text: Substring) -> String? {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            return inner.contains(":") ? String(inner) : nil
        }
        return text.isEmpty || text.contains(where: { "[]:".contains($0) }) ? nil : String(text)
    }
}
