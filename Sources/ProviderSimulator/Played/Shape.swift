// SPDX-License-Identifier: Apache-2.0

/// The body of a reply, as a value of JSON with gaps. `{name}` in a text is the variable of that
/// name; a member whose text names a variable that has no value is left out.
indirect enum Shape: Sendable {
    case text(String)
    /// A text that is written as a number.
    case number(String)
    case flag(Bool)
    case null
    /// `null` instead of being left out.
    case orNull(String)
    case object([(String, Shape)])
    case list([Shape])
    /// The scopes, each a text.
    case scopes

    /// The value in JSON; nil where it is left out.
    func json(_ variables: [String: String]) -> String? {
        switch self {
        case .text(let template): Shape.fill(template, variables).map(Shape.quoted)
        case .number(let template): Shape.fill(template, variables)
        case .flag(let value): value ? "true" : "false"
        case .null: "null"
        case .orNull(let template): Shape.fill(template, variables).map(Shape.quoted) ?? "null"
        case .list(let values):
            "[" + values.compactMap { $0.json(variables) }.joined(separator: ",") + "]"
        case .scopes:
            "["
                + (variables["scope"] ?? "").split { $0 == " " || $0 == "," }
                .map { Shape.quoted(String($0)) }.joined(separator: ",") + "]"
        case .object(let members):
            "{"
                + members.compactMap { name, value in
                    value.json(variables).map { Shape.quoted(name) + ":" + $0 }
                }.joined(separator: ",") + "}"
        }
    }

    /// The members of an object as a form; objects inside are left out, as no provider sends them.
    func form(_ variables: [String: String]) -> String {
        guard case .object(let members) = self else { return "" }
        return members.compactMap { name, value in
            switch value {
            case .text(let template), .number(let template):
                Shape.fill(template, variables).map { "\(name)=\($0.percentEncoded)" }
            default: nil
            }
        }.joined(separator: "&")
    }

    /// A text with its gaps filled; nil where a variable has no value.
    static func fill(_ template: String, _ variables: [String: String]) -> String? {
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            guard let value = variables[name] else { return nil }
            text += rest[..<open] + value
            rest = rest[rest.index(after: close)...]
        }
        return text + rest
    }

    private static func quoted(_ text: String) -> String {
        (try? JSON.text(text)) ?? "null"
    }
}

extension Shape: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByDictionaryLiteral, ExpressibleByArrayLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .number(String(value)) }
    init(booleanLiteral value: Bool) { self = .flag(value) }
    init(dictionaryLiteral elements: (String, Shape)...) { self = .object(elements) }
    init(arrayLiteral elements: Shape...) { self = .list(elements) }
}
