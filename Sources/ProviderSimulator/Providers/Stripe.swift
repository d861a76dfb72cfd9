// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let stripe = Self(
        name: "stripe",
        routes: [
            .authorize("connect.stripe.com/oauth/authorize"),
            .authorize("connect.stripe.com/express/oauth/authorize"),
            .token("connect.stripe.com/oauth/token"),
            .revoke(
                "connect.stripe.com/oauth/deauthorize",
                Revocation(
                    credential: .client([.bearerSecret, .secretAsUser]), field: "stripe_user_id",
                    takes: [.variable: .all(same: "stripe_user_id")],
                    ok: Outcome(200, ["stripe_user_id": "{stripe_user_id}"]),
                    unknown: Outcome(400, ["error": "invalid_client"]))),
        ],
        proof: .ignored,
        ways: [.post, .bearerSecret],
        codeNeedsRedirectURI: false,
        parts: [
            Part(
                accessPrefix: "sk_test_", refreshPrefix: "rt_",
                variables: ["stripe_user_id": "acct_{account}"])
        ],
        accessLifetime: nil,
        rotation: .never(repeats: true),
        reply: [
            "access_token": "{access_token}", "livemode": false,
            "refresh_token": "{refresh_token}", "token_type": "bearer",
            "stripe_publishable_key": "pk_test_{account}", "stripe_user_id": "{stripe_user_id}",
            "scope": "{scope}",
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost])
        ],
        doubts: [.connect: .low, .rotation: .unverified],
        absent: [
            .looksLost: "section 5 names none", .expiry: "section 3: does not expire",
        ],
        notPlayed: ["Stripe Apps at marketplace.stripe.com: another product"],
        assumed: [
            "a refresh gives the same refresh token",
            "an unknown account at the revocation gives 400",
        ])
}
