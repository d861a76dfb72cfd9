// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import NIOCore
import TokenVault

/// The members of a JSON object that was sent, each of the type that is asked for; what nobody
/// knows is refused by its name.
struct Members {
    /// Where the object stands in the body, with a final dot; empty at the top.
    private let place: String
    private let values: [String: JSONValue]

    /// The members of a request's body; of none where there is no body.
    ///
    /// - Parameters:
    ///   - known: the names of those that there may be.
    ///   - secrets: the paths of those that `Call.secret` reads.
    init(
        _ call: Call, _ known: Set<String>, secrets: Set<String> = []
    ) throws(Problem) {
        var members: [(name: String, value: JSONValue)] = []
        if call.body.readableBytes > 0 {
            let type = call.request.headers[.contentType] ?? ""
            guard
                type.split(separator: ";").first?.trimmingPrefix(" ").lowercased()
                    .split(separator: " ").first == "application/json"
            else { throw Problem.notJSON }
            members = try Self.members(call.body, secrets)
        }
        try self.init(members, known, at: "")
    }

    private static func members(
        _ body: ByteBuffer, _ secrets: Set<String>
    ) throws(Problem) -> [(name: String, value: JSONValue)] {
        do throws(JSONBody.Fault) {
            return try JSONBody.members(body.readableBytesSpan, secrets: secrets)
        } catch {
            throw Problem.malformed(words(error))
        }
    }

    private static func words(_ fault: JSONBody.Fault) -> String {
        switch fault {
        case .notAnObject: "the body is no JSON object"
        case .notUTF8: "the body is not UTF-8"
        case .malformed(let place):
            "\(place.prefix(placeMax)): no JSON value, or a number that is not whole"
        case .twice(let place): "\(place.prefix(placeMax)) is there twice"
        case .tooDeep(let place): "\(place.prefix(placeMax)) nests too deep"
        }
    }

    /// The most characters of a name that an answer repeats.
    private static let placeMax = 64

    private init(
        _ members: [(name: String, value: JSONValue)], _ known: Set<String>, at place: String
    ) throws(Problem) {
        var values: [String: JSONValue] = [:]
        for (name, value) in members {
            guard known.contains(name) else {
                throw Problem.malformed(
                    "there is no member \(place)\(name.prefix(Self.placeMax)); there are "
                        + known.sorted().joined(separator: ", "))
            }
            // What is null is not there.
            if case .null = value { continue }
            values[name] = value
        }
        (self.place, self.values) = (place, values)
    }

    var isEmpty: Bool { values.isEmpty }

    func value(_ name: String) -> JSONValue? { values[name] }

    private func wrong(_ name: String, _ wanted: String) -> Problem {
        Problem.malformed("\(place)\(name) is \(wanted)")
    }

    func text(_ name: String) throws(Problem) -> String? {
        switch values[name] {
        case nil: return nil
        case .text(let text): return text
        default: throw wrong(name, "a string")
        }
    }

    func required(_ name: String) throws(Problem) -> String {
        guard let text = try text(name) else {
            throw Problem.malformed("\(place)\(name) is missing")
        }
        return text
    }

    /// Whether a member that `Call.secret` reads is there.
    func hasSecret(_ name: String) throws(Problem) -> Bool {
        switch values[name] {
        case nil: return false
        case .secret: return true
        default: throw wrong(name, "a string")
        }
    }

    func flag(_ name: String) throws(Problem) -> Bool? {
        switch values[name] {
        case nil: return nil
        case .flag(let flag): return flag
        default: throw wrong(name, "true or false")
        }
    }

    func number(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        switch values[name] {
        case nil: return nil
        case .number(let number) where range.contains(number): return number
        default:
            throw wrong(
                name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
    }

    func texts(_ name: String) throws(Problem) -> [String]? {
        switch values[name] {
        case nil: return nil
        case .list(let list):
            var texts: [String] = []
            for value in list {
                guard case .text(let text) = value else { throw wrong(name, "a list of strings") }
                texts.append(text)
            }
            return texts
        default: throw wrong(name, "a list of strings")
        }
    }

    /// An object of names and strings.
    func pairs(_ name: String) throws(Problem) -> [String: String]? {
        // No name is there twice.
        try orderedPairs(name).map { pairs in
            Dictionary(pairs.map { ($0.name, $0.value) }) { first, _ in first }
        }
    }

    /// The same in the order in which they were written.
    func orderedPairs(_ name: String) throws(Problem) -> [(name: String, value: String)]? {
        switch values[name] {
        case nil: return nil
        case .object(let members):
            var pairs: [(name: String, value: String)] = []
            for (key, value) in members {
                guard case .text(let text) = value else {
                    throw wrong(name, "an object of strings")
                }
                pairs.append((key, text))
            }
            return pairs
        default: throw wrong(name, "an object of strings")
        }
    }

    func object(_ name: String, _ known: Set<String>) throws(Problem) -> Members? {
        switch values[name] {
        case nil: return nil
        case .object(let members): return try Members(members, known, at: "\(place)\(name).")
        default: throw wrong(name, "an object")
        }
    }
}

extension Call {
    /// A secret member of the body, straight from its bytes; nil where it is not there.
    func secret(_ path: String...) throws(VaultError) -> Secret? {
        guard body.readableBytes > 0 else { return nil }
        return try JSONBody.secret(path, in: body.readableBytesSpan)
    }
}
