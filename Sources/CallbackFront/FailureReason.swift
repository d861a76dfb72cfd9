// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Why a flow failed: the last part of `/failed/...` with our own words for it, and the `error` of
/// a failure redirect that carries one. What a provider says is never shown.
enum FailureReason: String, CaseIterable, Sendable {
    case flowDenied, flowExpired, callbackRejected, linkExpired, linkNotYours
    case authorizationRefused, providerRefused, providerUnreachable, providerAnswerUnreadable
    case applicationMisconfigured, connectionEnded, unavailable, unknown

    init(_ error: VaultError) {
        self =
            switch error.code {
            case .authorizationRefused
            where error.providerError == .temporarilyUnavailable
                || error.providerError == .serverError:
                .providerUnreachable
            case .authorizationRefused: .authorizationRefused
            case .flowDenied: .flowDenied
            case .flowExpired: .flowExpired
            case .linkExpired: .linkExpired
            case .callbackRejected, .callbackOfAnother, .issuerMismatch: .callbackRejected
            case .providerRefused where error.detail.error == .invalidGrant: .flowExpired
            case .providerRefused, .grantLost: .providerRefused
            case .providerUnreachable, .providerBusy, .answerLost, .deadlineExceeded, .backingOff,
                .certificateRefused, .certificateFileUnusable, .proxyFailed:
                .providerUnreachable
            case .providerAnswerUnreadable: .providerAnswerUnreadable
            case .applicationMisconfigured, .applicationNotFound, .endpointRefused,
                .invalidArgument:
                .applicationMisconfigured
            case .disconnecting, .notFound, .generationChanged: .connectionEnded
            case .storeFull, .storageFailed, .closed, .tooManySecrets, .limitExceeded,
                .outOfMemory, .integrityFailed, .cancelled:
                .unavailable
            default: .unknown
            }
    }

    /// What happened, in a few words.
    var title: String {
        switch self {
        case .flowDenied: "Access was not granted"
        case .flowExpired: "That took too long"
        case .callbackRejected: "This sign-in could not be matched"
        case .authorizationRefused: "The provider did not accept the request"
        case .linkExpired: "This link no longer works"
        case .linkNotYours: "This link was made for somebody else"
        case .providerRefused: "The provider did not accept the sign-in"
        case .providerUnreachable: "The provider did not answer"
        case .providerAnswerUnreadable: "The provider’s answer made no sense"
        case .applicationMisconfigured: "The connection is not set up correctly"
        case .connectionEnded: "This connection was removed"
        case .unavailable: "This cannot be saved right now"
        case .unknown: "The connection could not be made"
        }
    }

    /// What it means.
    var explanation: String {
        switch self {
        case .flowDenied:
            "The provider reports that the request for access was declined, by you or by the "
                + "provider itself. Nothing was connected."
        case .flowExpired:
            "A sign-in has to be finished within ten minutes. Nothing was connected."
        case .callbackRejected:
            "It was not started in this browser, it has been used already, or its address came "
                + "here incomplete. For your safety it went no further."
        case .authorizationRefused:
            "The provider rejected the request before it asked you for anything. Nothing was "
                + "connected."
        case .linkExpired:
            "A connection link works once, and for ten minutes. Nothing was connected."
        case .linkNotYours:
            "It belongs to another user’s connection. Nothing was connected, and the link was not "
                + "used up."
        case .providerRefused:
            "You gave your consent, but the provider then refused to complete it. Nothing was "
                + "connected."
        case .providerUnreachable:
            "The provider is busy or cannot be reached at the moment. Nothing was connected."
        case .providerAnswerUnreadable:
            "The provider replied with something that is not a sign-in. Nothing was connected."
        case .applicationMisconfigured:
            "The provider does not accept the registration that this connection uses. Nothing was "
                + "connected."
        case .connectionEnded:
            "Somebody disconnected it while you were signing in. Nothing was connected."
        case .unavailable:
            "Your sign-in could not be stored safely. Nothing was connected."
        case .unknown:
            "Something went wrong on the way. Nothing was connected."
        }
    }

    /// What to do next.
    var nextStep: String {
        switch self {
        case .flowDenied:
            "If you meant to allow it, go back to where you started and connect again."
        case .flowExpired, .linkExpired, .connectionEnded, .unknown:
            "Go back to where you started and connect again."
        case .callbackRejected:
            "Go back to where you started and connect again, in one browser from beginning to end "
                + "and with cookies allowed for this site."
        case .linkNotYours:
            "Sign in with your own account and start the connection there. If somebody sent you "
                + "this link, do not use it."
        case .providerRefused, .providerAnswerUnreadable:
            "Go back and connect again. If it happens again, tell the people who run this "
                + "integration."
        case .providerUnreachable, .unavailable:
            "Wait a few minutes, then go back and connect again."
        case .authorizationRefused:
            "Trying again will not help. Tell the people who run this integration that its scopes, "
                + "callback URL or authorization parameters need correcting."
        case .applicationMisconfigured:
            "Trying again will not help. Tell the people who run this integration that its client "
                + "ID, client secret or callback URL needs correcting."
        }
    }
}

extension VaultError {
    /// Why a callback was refused, for the log of whoever runs a front.
    var callbackCause: String {
        switch detail.cause {
        case .noState: "it has no state"
        case .neitherCodeNorError: "it has neither code nor error"
        case .codeAndError, .parameterTwice: "it says one thing twice"
        case .malformedQuery: "its query is cut off, too long or no query"
        case .unknownState:
            "its state is of no open flow: used already, older than ten minutes, or another vault's"
        case .otherApplication: "its flow is another application's"
        case .otherBrowser: "its flow was started in another browser"
        case .otherRedirectURI: "the URI that was called is not the application's redirect URI"
        default: "\(code)"
        }
    }
}
