// SPDX-License-Identifier: Apache-2.0

extension SettingForm where Value == Provider.RevocationRequest {
    /// How tokens are revoked.
    static var revocation: Self {
        .object(
            of: members, empty: Value(),
            words: "an object with " + members.map(\.name).joined(separator: ", "),
            conflict: conflict)
    }

    private static var members: [ObjectMember<Value>] {
        [
            .word("method", \.method, default: .post),
            .authentication(
                \.authentication, default: .client, words: Value.Authentication.words,
                allows: { _ in true }),
            .word("body", \.body, default: .form),
            .text(
                "parameter", \.parameter, default: Value.parameterDefault,
                .text("a name of at most \(Provider.parameterNameBytesMax) bytes") { name in
                    let isName =
                        name.isEmpty
                        || Name.isWellFormed(name, byteCountMax: Provider.parameterNameBytesMax)
                    return isName
                        ? nil : "a name of at most \(Provider.parameterNameBytesMax) bytes"
                }),
            .flag("hint", \.sendsHint, default: true),
            .parameters(
                "parameters", \.parameters,
                .parameters(valueBytesMax: Value.valueBytesMax)),
            .parameters(
                "headers", \.headers,
                .headers),
            .word("tokens", \.tokens, default: .both),
            .flag("ends_grant", \.endsGrant, default: false),
            .numbers("success.statuses", \.successStatuses, 200...299, countMax: Value.listMax),
            .text("success.member", \.successMember, default: "", .path),
            .texts("success.values", \.successValues, .answerWord, countMax: Value.listMax),
            .numbers("gone.statuses", \.goneStatuses, 400...499, countMax: Value.listMax),
            .texts("gone.errors", \.goneErrors, .answerWord, countMax: Value.listMax),
            .text("gone.member", \.goneMember, default: "", .path),
            .texts("gone.values", \.goneValues, .answerWord, countMax: Value.listMax),
        ]
    }

    /// What a wrong address answers, too.
    private static let ambiguousStatuses = [404, 405]

    /// What cannot work together.
    private static func conflict(_ request: Value) -> ObjectConflict? {
        func conflict(
            _ member: String, _ value: String, _ wanted: String, _ problem: String
        ) -> ObjectConflict {
            ObjectConflict(member: member, value: value, wanted: wanted, problem: problem)
        }
        let authentication = request.authentication.text
        if request.hasTokenInHeader, request.tokens != .access {
            return conflict(
                "tokens", request.tokens.rawValue, "write tokens: access",
                "goes with no authentication: \(authentication), which presents the access token")
        }
        if request.method == .get, request.body != .none {
            return conflict(
                "body", request.body.rawValue, "write body: none",
                "would put the token into the URL of a GET")
        }
        if request.body == .none {
            if !request.parameters.isEmpty {
                return conflict(
                    "parameters", "names and values", "leave them out", "have no body to be in")
            }
            if request.authentication == .post {
                return conflict(
                    "authentication", authentication, "write basic", "needs a body to be in")
            }
        }
        if request.endsGrant, request.tokens == .both {
            return conflict(
                "ends_grant", "true", "name in tokens the one that ends it",
                "is said of both tokens")
        }
        if let name = request.parameters.map(\.name).first(
            where: Value.reservedParameters.contains)
        {
            return conflict(
                "parameters", "\"\(name)\"", "leave it out", "is set by the flow itself")
        }
        let isParameterTwice = request.parameters.contains { parameter in
            parameter.name == request.parameter
                || request.authentication.isInBody && parameter.name == "client_id"
        }
        if isParameterTwice {
            return conflict("parameters", "names and values", "leave it out", "name one twice")
        }
        return answerConflict(request)
    }

    /// What the answers cannot mean.
    private static func answerConflict(_ request: Value) -> ObjectConflict? {
        for (what, member, values) in [
            ("success", request.successMember, request.successValues),
            ("gone", request.goneMember, request.goneValues),
        ] where member.isEmpty != values.isEmpty {
            return member.isEmpty
                ? ObjectConflict(
                    member: what + ".values", value: "a list",
                    wanted: "name the member in \(what).member", problem: "are of no member")
                : ObjectConflict(
                    member: what + ".member", value: "\"\(member)\"",
                    wanted: "list its values in \(what).values", problem: "has no value")
        }
        if let status = request.goneStatuses.first(where: ambiguousStatuses.contains),
            request.goneErrors.isEmpty, request.goneMember.isEmpty
        {
            return ObjectConflict(
                member: "gone.statuses", value: "\(status)",
                wanted: "add gone.errors, or gone.member and gone.values",
                problem: "is what a wrong revocation_endpoint is answered with, too")
        }
        return nil
    }
}

extension ObjectMember {
    /// Who a request says that it comes from.
    static func authentication(
        _ path: Path<Provider.RevocationRequest.Authentication>,
        default usual: Provider.RevocationRequest.Authentication, words: String,
        allows: @escaping @Sendable (Provider.RevocationRequest.Authentication) -> Bool
    ) -> Self {
        Self(
            name: "authentication",
            read: { whole, value throws(SettingError) in
                guard
                    let given = value.text.flatMap({
                        Provider.RevocationRequest.Authentication(text: $0)
                    }), allows(given)
                else { throw value.refused(wanted: words) }
                if case .header(let name) = given {
                    guard HeaderName.isToken(name), !HeaderName.isOurs(name),
                        name.utf8.count <= Provider.parameterNameBytesMax
                    else {
                        throw value.refused(
                            wanted: "header and the name of one that the request does not set "
                                + "itself")
                    }
                }
                whole[keyPath: path] = given
            },
            show: { whole in
                let authentication = whole[keyPath: path]
                return authentication == usual ? nil : .text(authentication.text)
            },
            store: { [("", $0[keyPath: path].text)] },
            restore: { whole, suffix, text in
                guard suffix.isEmpty,
                    let found = Provider.RevocationRequest.Authentication(text: text)
                else { return false }
                whole[keyPath: path] = found
                return true
            })
    }
}

extension SettingForm where Value == String {
    /// A value of an answer's member, or an error code.
    fileprivate static var answerWord: Self {
        let bytesMax = Provider.RevocationRequest.wordBytesMax
        let words = "1 to \(bytesMax) characters of ASCII"
        return text(words) { text in
            let isWord =
                text.utf8.count <= bytesMax && HeaderName.isValue(text)
            return isWord ? nil : words
        }
    }

    /// Where in an answer a member lies.
    static var path: Self {
        text(ReplyPath.words) { ReplyPath($0) == nil ? ReplyPath.words : nil }
    }
}

extension Provider.RevocationRequest.Authentication {
    static let words = "client, none, basic, basic_raw, post, secret_as_user, bearer or header NAME"

    /// As definitions and records write it.
    var text: String {
        switch self {
        case .client: "client"
        case .none: "none"
        case .basic: "basic"
        case .basicRaw: "basic_raw"
        case .post: "post"
        case .secretAsUser: "secret_as_user"
        case .bearer: "bearer"
        case .header(let name): "header \(name)"
        }
    }

    init?(text: String) {
        let plain: [Self] = [
            .client, .none, .basic, .basicRaw, .post, .secretAsUser, .bearer,
        ]
        if let found = plain.first(where: { $0.text == text }) {
            self = found
        } else if text.hasPrefix("header ") {
            self = .header(String(text.dropFirst("header ".count)))
        } else {
            return nil
        }
    }

    /// Whether the body says who the client is.
    var isInBody: Bool { self == .post || self == .client }
}
