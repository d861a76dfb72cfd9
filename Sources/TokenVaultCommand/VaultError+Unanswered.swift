// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say where no answer came, or none yet.
extension VaultError {
    var pause: KnownCause {
        KnownCause(
            "nothing was sent: the provider failed before, or asked for a pause, and is left "
                + "alone: \(number > 0 ? moment : "try later")")
    }

    /// A code is good for one request.
    var lostCode: KnownCause {
        KnownCause(
            "the code was sent, and no answer came in time: a code is good for one request, so "
                + "waiting does not help: run connect again" + demandedCertificate)
    }

    var lostAnswer: KnownCause? {
        guard !demandedCertificate.isEmpty else { return nil }
        return KnownCause(
            "the request was sent, and the connection ended before the answer: try later"
                + demandedCertificate)
    }

    /// With TLS 1.3 a server that demands a certificate of the client's, and gets none, says so
    /// where its answer would begin (RFC 8446 section 4.4.2.4): curl tells of no more than that.
    private var demandedCertificate: String {
        guard code == .answerLost, number == 56 else { return "" }
        return "; if it ends so each time, ask whether the endpoint demands a client certificate "
            + "(mutual TLS): the vault has none to show"
    }

    /// When a pause is over.
    private var moment: String {
        let end = SystemTime().now().adding(milliseconds: Int64(number) * 1000)
        return "not before \(end.timeOfDay)"
    }

    var busy: KnownCause {
        let what =
            number == 429
            ? "the provider answered that it was asked too often"
            : "the provider answered that it is busy, or has a fault of its own"
        let moment = retryTime.map { "not before \($0.timeOfDay)" }
        return KnownCause(
            isOfExchange
                ? "\(what): run connect again, \(moment ?? "later")"
                : "\(what): \(moment ?? "try later")")
    }

    /// A code is good for one flow, and that is over.
    var unreachable: KnownCause? {
        guard let cause = unreachableEndpoint else {
            return isOfExchange
                ? KnownCause(
                    "no connection to the provider came about: check the endpoint's name and port, "
                        + "and the way there; then run connect again") : nil
        }
        return isOfExchange ? KnownCause("\(cause.text); then run connect again") : cause
    }

    private var unreachableEndpoint: KnownCause? {
        switch number {
        case 6:
            KnownCause(
                "the endpoint's host name does not resolve: correct it (`tokenvault app add "
                    + "--replace`), or check this machine's name service")
        case 7:
            KnownCause(
                "nothing answers at the endpoint's address and port: correct them, check the "
                    + "network, or try later")
        case 35:
            KnownCause(
                "what answers at the endpoint's address and port speaks no TLS: correct the port, "
                    + "or see whether a proxy is in the way")
        default: nil
        }
    }
}
