// SPDX-License-Identifier: Apache-2.0

/// An application that is to be stored, compared with the one that is there.
struct ApplicationEdit: ~Copyable {
    /// Whether all of it is as it was.
    let isVoid: Bool
    /// What the provider sees of it that is not as it was; nil where it sees the same client.
    let change: Suspicion.Change?
    /// What has to be there still when it is written.
    let expectation: Change.Expectation
    private var plaintext: Secret

    /// - Parameter unproven: what was changed before, if nothing has succeeded since: that holds
    ///   still, also after a restart.
    init(
        _ application: borrowing Application, over old: consuming Opened?,
        unproven: Suspicion.Change?
    ) throws(VaultError) {
        var fields = try Fields(ApplicationRecord.encode(application))
        let expectation: Change.Expectation
        var change: Suspicion.Change? = .identity
        var isVoid = false
        switch consume old {
        case .none: expectation = .absent
        case .some(let opened):
            let generation = opened.version.generation
            expectation = .generation(generation)
            let before = opened.takeFields()
            change = Self.change(try ApplicationRecord.decode(before), application)
            if change == nil {
                let (since, last) = Refresher.changed(before, generation)
                try fields.set(ApplicationTag.change, integer: last.rawValue)
                try fields.set(ApplicationTag.changedSince, integer: since)
                isVoid = Self.isSame(before, fields)
            }
        }
        if let last = change {
            change = max(last, unproven ?? last)
            try fields.set(ApplicationTag.change, integer: change?.rawValue)
        }
        (self.isVoid, self.change, self.expectation) = (isVoid, change, expectation)
        plaintext = fields.takeAll()
    }

    consuming func takePlaintext() -> Secret { plaintext }

    /// What a provider sees of a client: its id, its secret, how it says them, and where.
    private static func change(
        _ old: borrowing Application, _ new: borrowing Application
    ) -> Suspicion.Change? {
        if old.clientID != new.clientID || EndpointTemplate(old) != EndpointTemplate(new) {
            return .identity
        }
        let (before, after) = (old.provider, new.provider)
        let isSame =
            isSame(old.clientSecret, new.clientSecret)
            && isSame(old.signingKey, new.signingKey)
            && before.clientAuthentication == after.clientAuthentication
            && before.assertionAudience == after.assertionAudience
            && before.requestBody == after.requestBody
            && before.requestHeaders == after.requestHeaders
            && before.tokenParameterNames == after.tokenParameterNames
            && before.clientCredentialsGrantType == after.clientCredentialsGrantType
            && before.clientCredentialsParameters == after.clientCredentialsParameters
            && before.assertionClaims == after.assertionClaims
        return isSame ? nil : .credentials
    }

    private static func isSame(_ old: borrowing Secret?, _ new: borrowing Secret?) -> Bool {
        switch old {
        case .none:
            switch new {
            case .none: true
            case .some: false
            }
        case .some(let old):
            switch new {
            case .none: false
            // In a time that does not depend on what they are.
            case .some(let new): Sodium.isEqual(old.bytes, new.bytes)
            }
        }
    }

    private static func isSame(
        _ old: borrowing SigningKey?, _ new: borrowing SigningKey?
    ) -> Bool {
        switch old {
        case .none:
            switch new {
            case .none: true
            case .some: false
            }
        case .some(let old):
            switch new {
            case .none: false
            case .some(let new):
                old.algorithm == new.algorithm && old.keyID == new.keyID
                    && Sodium.isEqual(old.privateKey.bytes, new.privateKey.bytes)
            }
        }
    }

    /// Whether two records say the same, but for when it was said.
    private static func isSame(
        _ old: borrowing Fields, _ new: borrowing Fields
    ) -> Bool {
        guard var old = try? old.copy(), var new = try? new.copy() else { return false }
        for tag in [ApplicationTag.changedSince, ApplicationTag.change] {
            guard (try? old.set(tag, nil)) != nil, (try? new.set(tag, nil)) != nil else {
                return false
            }
        }
        return Sodium.isEqual(old.bytes, new.bytes)
    }
}
