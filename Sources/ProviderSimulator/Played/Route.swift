// SPDX-License-Identifier: Apache-2.0

/// One endpoint of a provider: `{name}` in it stands for one label or segment, `{host}` for one of
/// the provider's hosts.
struct Route: Sendable {
    let methods: Set<String>
    let host: String
    let path: String
    let action: Action
    /// Headers without which a request is refused.
    var headers: [String] = []

    /// An endpoint, written as a URL without scheme.
    init(
        _ methods: Set<String>, _ address: String, _ action: Action, headers: [String] = []
    ) {
        let slash = address.firstIndex(of: "/") ?? address.endIndex
        (self.methods, self.action, self.headers) = (methods, action, headers)
        (host, path) = (String(address[..<slash]), String(address[slash...]))
    }

    static func authorize(_ address: String) -> Route {
        Route(["GET", "POST"], address, .authorize)
    }

    static func token(_ address: String, methods: Set<String> = ["POST"]) -> Route {
        Route(methods, address, .token)
    }

    static func revoke(
        _ address: String, methods: Set<String> = ["POST"], headers: [String] = [],
        _ revocation: Revocation
    ) -> Route {
        Route(methods, address, .revoke(revocation), headers: headers)
    }

    static func lookUp(
        _ address: String, by credential: Credential = .bearer, _ shape: Shape
    ) -> Route {
        Route(["GET"], address, .lookUp(credential, shape))
    }

    static func introspect(
        _ address: String, methods: Set<String> = ["POST"], headers: [String] = [],
        _ introspection: Introspection
    ) -> Route {
        Route(methods, address, .introspect(introspection), headers: headers)
    }

    /// What is done there.
    enum Action: Sendable {
        case authorize
        case token
        case revoke(Revocation)
        /// Whom an access token belongs to.
        case lookUp(Credential, Shape)
        case introspect(Introspection)
    }

    var isToken: Bool {
        if case .token = action { true } else { false }
    }

    /// The variables of the path, if this is the path.
    func variables(ofPath other: Substring) -> [String: String]? {
        Route.match(path, other, separator: "/")
    }

    /// The variables of the host, if this is the host.
    func variables(ofHost other: Substring, hosts: [String]) -> [String: String]? {
        guard host == "{host}" else { return Route.match(host, other, separator: ".") }
        let isKnown = hosts.contains { known in
            guard known.hasPrefix("*") else { return known == other }
            let isName = other.dropLast(known.utf8.count - 1).allSatisfy {
                $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".")
            }
            return isName && other.hasSuffix(known.dropFirst())
                && other.utf8.count >= known.utf8.count
        }
        return isKnown ? ["host": String(other)] : nil
    }

    private static func match(
        _ template: String, _ text: Substring, separator: Character
    ) -> [String: String]? {
        let wanted = template.split(separator: separator, omittingEmptySubsequences: false)
        let found = text.split(separator: separator, omittingEmptySubsequences: false)
        guard wanted.count == found.count else { return nil }
        var variables: [String: String] = [:]
        for (wanted, found) in zip(wanted, found) {
            if wanted.hasPrefix("{"), wanted.hasSuffix("}") {
                guard let value = Form.decode(found.utf8), !value.isEmpty else { return nil }
                variables[String(wanted.dropFirst().dropLast())] = value
            } else if wanted != found {
                return nil
            }
        }
        return variables
    }
}

/// What a request must carry to be believed.
enum Credential: Sendable {
    /// Nothing.
    case nothing
    /// The client's own authentication, in one of these ways.
    case client(Set<Way>)
    /// The access token in `Authorization: Bearer`.
    case bearer
    /// The access token in a parameter.
    case parameter(String)
    /// The same, or in `Authorization: Bearer`.
    case parameterOrBearer(String)
    /// The access token in a header.
    case header(String)
}

/// How tokens are revoked.
struct Revocation: Sendable {
    var credential: Credential
    var body: Set<Body> = [.form]
    /// The parameter with the token, where the credential is none.
    var field = "token"
    /// What is ended by each kind of token that is taken.
    var takes: [Kind: Reach]
    var ok = Outcome(200)
    /// What an unknown or dead token gives; nil is the same as ``ok``.
    var unknown: Outcome?
    /// What a wrong client gives; nil is the answer of the token endpoint.
    var wrongClient: Outcome?
    /// A parameter that turns the request into a rehearsal.
    var rehearsal: (name: String, value: String)?

    /// What names a grant.
    enum Kind: Sendable {
        case access
        case refresh
        /// The variable that ``Revocation/field`` names.
        case variable
    }

    /// What ends with it.
    enum Reach: Sendable {
        case token
        case grant
        /// All grants of the client that have the same value of this variable: `user`, `shop`.
        case all(same: String)
    }
}

/// What is told about a token.
struct Introspection: Sendable {
    var credential: Credential
    var body: Set<Body> = [.form]
    var field = "token"
    var living: Shape
    /// nil is the answer of a dead access token.
    var dead: Shape?
}

/// A status and a body.
struct Outcome: Sendable {
    let status: Int
    let shape: Shape?

    init(_ status: Int, _ shape: Shape? = nil) {
        (self.status, self.shape) = (status, shape)
    }
}
