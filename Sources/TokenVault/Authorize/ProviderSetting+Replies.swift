// SPDX-License-Identifier: Apache-2.0

// How answers differ from those of RFC 6749.

extension ProviderSetting {
    static let replies: [ProviderSetting] = [
        ProviderSetting(
            "reply_members", 33, \.replyMembers, .replyMembers,
            "Where the members of an answer lie that are not at its top."),
        ProviderSetting(
            "lifetime_unit", 34, \.lifetimeUnit,
            .choice(["seconds": .seconds, "milliseconds": .milliseconds]),
            "What the lifetimes in an answer count."),
        ProviderSetting(
            "success_code", 35, optional: \.successCode, .successCode,
            "The member by which an answer of status 2xx says that it is a success; with another "
                + "value there it is a refusal with that value as its error code."),
        ProviderSetting(
            "temporary_errors", 36, \.temporaryErrors,
            .list(of: .temporaryError, countMax: Provider.temporaryErrorsMax),
            "The answers that look like a refusal or a lost grant and pass: the same token is "
                + "presented again later."),
        ProviderSetting(
            "error_paths", 39, \.errorPaths,
            .list(of: .path, countMax: Provider.errorPathsMax),
            "Where else in an answer an error code lies, for grant_lost_errors and "
                + "temporary_errors."),
        ProviderSetting(
            "captured_from_reply", 37, \.capturedFromReply, .capturedFromReply,
            "The values of an answer that are kept, sealed, beside the tokens, by a name of yours; "
                + "no secrets."),
        ProviderSetting(
            "second_connection", 38, optional: \.secondConnection, .secondConnection,
            "The tokens beside its own that the answer to a code may hold, such as a user's beside "
                + "a bot's: they become a connection of their own, whose id ends in suffix."),
    ]
}

extension Provider {
    /// Checks what the settings of answers say together.
    ///
    /// - Throws: the first that contradicts another.
    func checkReplies() throws(SettingError) {
        if let access = replyMembers.accessToken, access == replyMembers.refreshToken {
            throw SettingError(
                setting: "reply_members", value: "\"\(access)\"",
                wanted: "take it out of one of them",
                problem: "is the path of access_token and of refresh_token", line: nil)
        }
        let tokens = [replyMembers.accessToken, replyMembers.refreshToken]
        for captured in capturedFromReply where tokens.contains(captured.path) {
            throw SettingError(
                setting: "captured_from_reply", value: "\"\(captured.path)\"",
                wanted: "take it out", problem: "is the path of a token", line: nil)
        }
        try checkSecondConnection()
        for temporary in temporaryErrors {
            guard let problem = contradiction(temporary) else { continue }
            throw SettingError(
                setting: "temporary_errors", value: "\"\(temporary.error ?? "none")\"",
                wanted: "take it out of one of them", problem: problem, line: nil)
        }
    }

    private func checkSecondConnection() throws(SettingError) {
        guard let second = secondConnection else { return }
        func refused(_ path: String, _ problem: String) -> SettingError {
            SettingError(
                setting: "second_connection", value: "\"\(path)\"",
                wanted: "take it out of one of them", problem: problem, line: nil)
        }
        let tokens = [second.replyMembers.accessToken, second.replyMembers.refreshToken]
        if let access = tokens[0], access == tokens[1] {
            throw refused(access, "is the path of access_token and of refresh_token")
        }
        let first = [
            replyMembers.accessToken ?? "access_token",
            replyMembers.refreshToken ?? "refresh_token",
        ]
        for case .some(let path) in tokens {
            if first.contains(path) { throw refused(path, "is the path of a token of the first") }
            if capturedFromReply.contains(where: { $0.path == path }) {
                throw refused(path, "is in captured_from_reply, too")
            }
        }
    }

    /// What else the definition says of the same answer.
    private func contradiction(_ temporary: TemporaryError) -> String? {
        if let error = temporary.error, temporary.status == nil, grantLostErrors.contains(error) {
            return "is among grant_lost_errors, too"
        }
        let isAnswer = grantLostAnswers.contains {
            $0.status == temporary.status && $0.error == temporary.error
        }
        return isAnswer ? "is among grant_lost_answers with the same status, too" : nil
    }
}
