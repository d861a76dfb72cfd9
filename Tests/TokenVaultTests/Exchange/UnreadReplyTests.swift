// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What is left of a success that nobody can use.
@Suite struct UnreadReplyTests {
    @Test(
        arguments: [
            // Ours as they are written, whatever is wrong with them; of the others nothing.
            (
                #" {"id_token":"x.y","access_token" : "a\n","x":[1,{"b":2}],"scope":"s" } after"#,
                #"{"access_token" : "a\n","scope":"s"}"#
            ),
            (
                #"{"access_token":"a","access\u005ftoken":"b","error":{"code":1}}"#,
                #"{"access_token":"a","access\u005ftoken":"b","error":{"code":1}}"#
            ),
            (
                "\u{FEFF}{\"name\":\"Jo\",\"refresh_token\":[\"r\"],\"expires_in\":1 }",
                #"{"refresh_token":["r"],"expires_in":1}"#
            ),
            // A token may be named deeper.
            (
                #"{"ok":true,"data":{"list":[{"access_token":"a"}],"n":1},"x":{"token":"t"}}"#,
                #"{"data":{"list":[{"access_token":"a"}],"n":1}}"#
            ),
            (
                #"{"d":["access_token",{"refresh_token" : "r"}]}"#,
                #"{"d":["access_token",{"refresh_token" : "r"}]}"#
            ),
            ("access_token=a&x=1&token_type=bearer", "access_token=a&token_type=bearer"),
            ("x=y&refresh_token=r%2F&&=&scope=a+b \r\n", "refresh_token=r%2F&scope=a+b"),
            ("access_token=a=", "access_token=a="),
            // Or be spelled otherwise.
            (
                #"{"accessToken":"a","RefreshToken":"r","expireIn":1}"#,
                #"{"accessToken":"a","RefreshToken":"r"}"#
            ),
            (#"{"body":{"refresh-token":"r"}}"#, #"{"body":{"refresh-token":"r"}}"#),
        ]) func keepsOnlyOurs(_ body: String, _ kept: String) throws
    {
        #expect(try reduced(body, to: .members) == kept)
        // What was kept is one again, and nothing more goes.
        #expect(try reduced(kept, to: .members) == kept)
    }

    @Test(
        arguments: [
            (
                #"{"access_token":"a\n","scope":"s","refresh_token":"r","d":{"access_token":"b"}}"#,
                #"{"access_token":"a\n","refresh_token":"r","d":{"access_token":"b"}}"#,
                #"{"refresh_token":"r","d":{"access_token":"b"}}"#
            ),
            (#"{"access_token":"a\n","scope":"s"}"#, #"{"access_token":"a\n"}"#, nil),
            (
                "scope=s&access_token=a&refresh_token=r", "access_token=a&refresh_token=r",
                "refresh_token=r"
            ),
        ] as [(String, String, String?)]) func leavesOutMoreWhereThereIsNoRoom(
            _ body: String, _ tokens: String, _ refreshTokens: String?
        ) throws
    {
        #expect(try reduced(body, to: .tokens) == tokens)
        #expect(try reduced(body, to: .refreshTokens) == refreshTokens)
        #expect(try reduced(tokens, to: .refreshTokens) == refreshTokens)
    }

    @Test(arguments: [
        "", " ", "{}", "[]", "null", "a", "<p>access_token=a</p>", #"{"access_token":"a""#,
        #"{"access_token":null,"refresh_token":false}"#, #"{"access_token":""}"#,
        #"{"x":{"access_token":""}}"#, #"{"x":{"access_token":null}}"#, #"{"x":["access_token"]}"#,
        #"{"x":"\"access_token\":\"a\""}"#, #"{"x":{"my_access_token":"a"}}"#,
        "access_token", "access_token=", "access_token=&x=1", "access_token=a b",
        "access_token=\"a\"", "access_token=ü", "x=access_token", #"{"access_tokens":"a"}"#,
        #"{"accessTokenType":"a","my_access_token":1}"#, #"{"access_token":[ ],"refreshToken":{}}"#,
    ]) func namesNone(_ body: String) throws {
        #expect(try reduced(body, to: .members) == nil)
        #expect(body.lend { !UnreadReply.namesToken($0) })
    }

    /// Nil where it is no such body; then it is as it was.
    private func reduced(_ body: String, to extent: UnreadReply.Extent) throws -> String? {
        var secret = try body.secret()
        let isOne = UnreadReply.reduce(&secret, to: extent)
        let text = secret.bytes.publicText
        if !isOne { #expect(text == body) }
        return isOne ? text : nil
    }
}
