// SPDX-License-Identifier: Apache-2.0

/// What codes and statuses a definition may say something of.
enum ReplyCode {
    /// What a provider sends back whatever it means to say of the grant.
    static let statusesOfPatience: Set<Int64> = [408, 425, 429]

    /// The codes of RFC 6749 sections 4.1.2.1 and 5.2 that say something else than that a grant is
    /// gone.
    static let otherMeanings: Set<String> = [
        "invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type",
        "invalid_scope", "access_denied", "unsupported_response_type", "server_error",
        "temporarily_unavailable",
    ]

    /// Those of them, and of the one that says that it is, that mean the same with any status.
    static let definite: Set<String> = [
        "invalid_grant", "invalid_client", "server_error", "temporarily_unavailable",
    ]

    /// Whether a text can stand in an answer. Nothing stands for anything else.
    static func isWord(_ text: String, _ bytesMax: Int) -> Bool {
        (1...bytesMax).contains(text.utf8.count) && !text.contains("*")
            && text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
    }

    /// Whether a text is the number of an HTTP status (RFC 9110 section 15) that refuses or fails.
    /// The others from 400 on are left to Facebook, whose codes are numbers too.
    static func isStatus(_ text: String) -> Bool {
        guard let number = Int(text) else { return false }
        return [400...418, 421...426, 428...429, 431...431, 451...451, 500...504]
            .contains { $0.contains(number) }
    }

    static func error(_ value: SettingValue) throws(SettingError) -> String? {
        guard let text = value.text, isWord(text, Provider.grantLostErrorBytesMax) else {
            throw value.refused(
                wanted: "none, or what error holds in the answer, "
                    + "1 to \(Provider.grantLostErrorBytesMax) characters of ASCII")
        }
        guard !definite.contains(text) else {
            throw value.refused(wanted: "an error whose meaning RFC 6749 leaves open")
        }
        return text == "none" ? nil : text
    }

    // MARK: What passes

    /// A code with any status. Some codes say the same whatever a definition says of them.
    static func temporary(
        _ code: String, _ value: SettingValue
    ) throws(SettingError) -> Provider.TemporaryError {
        if isStatus(code) || code == "none" {
            let example =
                code == "none" ? "status: 403, error: none" : "status: \(code), error: none"
            throw value.refused(
                wanted: "an error code; for an HTTP status, or an answer that names no error, "
                    + "write [{\(example)}]")
        }
        guard isWord(code, Provider.replyCodeBytesMax), !definite.contains(code) else {
            throw value.refused(
                wanted: "an error code of 1 to \(Provider.replyCodeBytesMax) characters of ASCII "
                    + "that RFC 6749 does not define to mean the same always")
        }
        return Provider.TemporaryError(error: code)
    }

    /// A code, or none, with one status: also codes that end a grant with another.
    static func temporary(
        _ status: SettingValue, _ error: SettingValue
    ) throws(SettingError) -> Provider.TemporaryError {
        guard let number = status.number, (200...499).contains(number),
            !statusesOfPatience.contains(number)
        else {
            throw status.refused(
                wanted: "a status of 200 to 499 other than 408, 425 and 429, "
                    + "which always say: try later")
        }
        guard let code = error.text, isWord(code, Provider.replyCodeBytesMax) else {
            throw error.refused(
                wanted: "none, or what error holds in the answer, "
                    + "1 to \(Provider.replyCodeBytesMax) characters of ASCII")
        }
        if code == "none" {
            guard number >= 400 else {
                throw status.refused(wanted: "a status of 400 to 499 where error is none")
            }
            return Provider.TemporaryError(status: Int(number), error: nil)
        }
        // By RFC 6749 section 5.2 these two come with 400, the second also with 401.
        let isOwn =
            code == "invalid_grant" && number == 400
            || code == "invalid_client" && (400...401).contains(number)
        guard !isOwn, code != "server_error", code != "temporarily_unavailable" else {
            throw error.refused(
                wanted: "an error whose meaning with status \(number) RFC 6749 leaves open")
        }
        return Provider.TemporaryError(status: Int(number), error: code)
    }
}
