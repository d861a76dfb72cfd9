// SPDX-License-Identifier: Apache-2.0

extension OAuthError {
    /// What the member `error` says: nil where it says nothing (`null`, `false`, zero, and what is
    /// empty).
    static func read(_ value: JSONScanner.Value, in scanner: borrowing JSONScanner) -> OAuthError? {
        if scanner.isEmpty(value) { return nil }
        switch value.kind {
        case .string:
            return allCases.first { $0 != .other && scanner.isText(value, $0.code) } ?? .other
        case .number: return scanner.wholeNumber(value) == 0 ? nil : .other
        default: return .other
        }
    }
}
