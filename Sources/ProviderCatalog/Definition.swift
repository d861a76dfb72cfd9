// SPDX-License-Identifier: Apache-2.0

package import TokenVault
internal import Yams

/// One definition on its way from YAML to a `Provider`.
struct Definition {
    /// Every key there is, in the order of the documentation.
    static let keys = [
        "name", "authorization_endpoint", "token_endpoint", "revocation_endpoint", "issuer",
        "client_authentication", "scope_separator", "pkce", "authorization_parameters",
        "token_parameters", "default_lifetime_seconds", "reuse_grace_seconds",
        "refresh_token_idle_seconds", "refresh_token_lifetime_seconds", "refresh_margin_seconds",
        "concurrent_refreshes_max", "refreshes_per_second_max", "grant_lost_errors",
        "access_tokens_expire", "refresh_grant",
    ]
    /// The longest time that makes sense as a number of seconds: a hundred years.
    static let secondsMax: Int64 = 100 * 366 * 86_400

    private let file: String
    private let root: Node
    private var values: [String: Node] = [:]

    init(_ text: String, file: String) throws(DefinitionError) {
        self.file = file
        root = try Self.compose(text, file: file)
        guard case .mapping(let mapping) = root else {
            throw DefinitionError(file: file, line: 1, message: "not a list of keys and values")
        }
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                throw error(key, "a key is a plain word")
            }
            guard Self.keys.contains(name) else {
                let known = Self.keys.joined(separator: ", ")
                throw error(key, "unknown key \"\(name)\"; known are \(known)")
            }
            values[name] = value
        }
    }

    func provider() throws(DefinitionError) -> Provider {
        var provider = Provider(
            name: try required("name"),
            authorizationEndpoint: try required("authorization_endpoint"),
            tokenEndpoint: try required("token_endpoint"),
            revocationEndpoint: try text("revocation_endpoint"))
        provider.issuer = try text("issuer")
        if let method = try authentication() { provider.clientAuthentication = method }
        if let separator = try text("scope_separator") { provider.scopeSeparator = separator }
        if let usesPKCE = try boolean("pkce") { provider.usesPKCE = usesPKCE }
        provider.authorizationParameters = try parameters("authorization_parameters")
        provider.tokenParameters = try parameters("token_parameters")
        provider.defaultLifetimeSeconds = try seconds("default_lifetime_seconds")
        if let grace = try seconds("reuse_grace_seconds") { provider.reuseGraceSeconds = grace }
        try setRefreshing(&provider)
        return provider
    }

    private func setRefreshing(_ provider: inout Provider) throws(DefinitionError) {
        let lifetimes = Provider.refreshTokenSecondsRange
        provider.refreshTokenIdleSeconds = try seconds("refresh_token_idle_seconds", lifetimes)
        provider.refreshTokenLifetimeSeconds = try seconds(
            "refresh_token_lifetime_seconds", lifetimes)
        provider.refreshMarginSeconds = try seconds(
            "refresh_margin_seconds", Provider.refreshMarginSecondsRange)
        if let count = try count(
            "concurrent_refreshes_max", Provider.concurrentRefreshesRange)
        {
            provider.concurrentRefreshesMax = count
        }
        if let count = try count("refreshes_per_second_max", Provider.refreshesPerSecondRange) {
            provider.refreshesPerSecondMax = count
        }
        provider.grantLostErrors = try grantLostErrors()
        if let expire = try boolean("access_tokens_expire") { provider.accessTokensExpire = expire }
        provider.refreshGrant = try refreshGrant()
    }

    private static func compose(_ text: String, file: String) throws(DefinitionError) -> Node {
        do {
            if let node = try Parser(yaml: text).singleRoot() { return node }
        } catch let error as YamlError {
            throw DefinitionError(file: file, line: error.line, message: error.problem)
        } catch {
            throw DefinitionError(file: file, message: "not YAML")
        }
        throw DefinitionError(file: file, message: "empty")
    }

    private func error(_ node: Node, _ message: String) -> DefinitionError {
        DefinitionError(file: file, line: node.mark?.line, message: message)
    }

    private func required(_ key: String) throws(DefinitionError) -> String {
        guard let text = try text(key) else {
            throw DefinitionError(file: file, message: "\(key) is missing")
        }
        return text
    }

    private func text(_ key: String) throws(DefinitionError) -> String? {
        guard let node = values[key] else { return nil }
        return try text(node, key)
    }

    private func text(_ node: Node, _ key: String) throws(DefinitionError) -> String {
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            throw error(node, "\(key) is a text that is not empty")
        }
        return scalar.string
    }

    private func authentication() throws(DefinitionError) -> Provider.ClientAuthentication? {
        let key = "client_authentication"
        guard let node = values[key], let text = try text(key) else { return nil }
        guard let method = Provider.ClientAuthentication(name: text) else {
            let names = Provider.ClientAuthentication.names.map(\.name).joined(separator: ", ")
            throw error(node, "\(key) is one of \(names)")
        }
        return method
    }

    private func boolean(_ key: String) throws(DefinitionError) -> Bool? {
        guard let node = values[key] else { return nil }
        switch node.scalar?.string {
        case "true": return true
        case "false": return false
        default: throw error(node, "\(key) is true or false")
        }
    }

    private func seconds(
        _ key: String, _ range: ClosedRange<Int64> = 0...Self.secondsMax
    ) throws(DefinitionError) -> Int64? {
        guard let node = values[key] else { return nil }
        guard let number = node.scalar.flatMap({ Int64($0.string) }), range.contains(number) else {
            throw error(
                node,
                "\(key) is a number of seconds, \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func count(
        _ key: String, _ range: ClosedRange<Int>
    ) throws(DefinitionError) -> Int? {
        guard let node = values[key] else { return nil }
        guard let number = node.scalar.flatMap({ Int($0.string) }), range.contains(number) else {
            throw error(
                node, "\(key) is a number, \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func grantLostErrors() throws(DefinitionError) -> [String] {
        let key = "grant_lost_errors"
        guard let node = values[key] else { return [] }
        let countMax = Provider.grantLostErrorsMax
        guard case .sequence(let sequence) = node, sequence.count <= countMax else {
            throw error(node, "\(key) is a list of error codes, at most \(countMax)")
        }
        var codes: [String] = []
        for code in sequence {
            let text = try text(code, "a code in \(key)")
            guard GrantLostErrors.allows(text) else {
                throw error(
                    code,
                    "a code in \(key) is 1 to \(Provider.grantLostErrorBytesMax) characters of "
                        + "ASCII, and none that RFC 6749 gives another meaning")
            }
            codes.append(text)
        }
        return codes
    }

    private func refreshGrant() throws(DefinitionError) -> Provider.RefreshGrant {
        let key = "refresh_grant"
        guard let node = values[key] else { return .refreshToken }
        if node.scalar?.string == "refresh_token" { return .refreshToken }
        let names = ["grant_type", "parameter"]
        guard case .mapping(let mapping) = node, mapping.count == names.count,
            let grantType = mapping[Node(names[0])], let parameter = mapping[Node(names[1])]
        else { throw error(node, "\(key) is refresh_token, or a grant_type and a parameter") }
        let type = try text(grantType, "grant_type in \(key)")
        guard Provider.RefreshGrant.allows(grantType: type) else {
            throw error(grantType, "no access token is exchanged by the grant type \"\(type)\"")
        }
        let name = try text(parameter, "parameter in \(key)")
        guard Provider.RefreshGrant.allows(parameter: name) else {
            throw error(parameter, "the parameter \"\(name)\" cannot carry an access token")
        }
        return .exchange(grantType: type, parameter: name)
    }

    private func parameters(_ key: String) throws(DefinitionError) -> [Provider.Parameter] {
        guard let node = values[key] else { return [] }
        guard case .mapping(let mapping) = node, mapping.count <= Provider.parametersMax else {
            throw error(
                node, "\(key) is a list of names and values, at most \(Provider.parametersMax)")
        }
        var parameters: [Provider.Parameter] = []
        for (name, value) in mapping {
            parameters.append(
                Provider.Parameter(try text(name, "a name in \(key)"), try text(value, key)))
        }
        return parameters
    }
}

extension Provider.ClientAuthentication {
    /// The methods by the names that definitions and the command line use.
    package static let names: [(name: String, method: Self)] = [
        ("basic", .basic), ("basic_raw", .basicRaw), ("post", .post), ("none", .none),
    ]

    /// The method with a name; nil where there is none.
    package init?(name: String) {
        guard let found = Self.names.first(where: { $0.name == name }) else { return nil }
        self = found.method
    }

    /// Its name in definitions.
    package var name: String { Self.names.first { $0.method == self }?.name ?? "" }
}

extension YamlError {
    /// The line of the problem, from 1, where the parser knows it.
    fileprivate var line: Int? {
        switch self {
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
            mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }

    /// One line about it.
    fileprivate var problem: String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _),
            .composer(_, let problem, _, _), .reader(let problem, _, _, _):
            problem
        case .duplicatedKeysInMapping(let keys, _):
            "the same key twice: \(keys.sorted().joined(separator: ", "))"
        default: "not YAML"
        }
    }
}
