// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What the number of an event, or of a status's reason, says to a person.
enum EventNumber {
    /// Nil where it says nothing.
    static func text(_ event: String, _ number: Int64, _ detail: FailureDetail) -> String? {
        switch event {
        case "replyUnread":
            "\(number) bytes" + (detail.cause.map { ", \(VaultError.words($0))" } ?? "")
        case "answerOutstanding": number == 0 ? nil : "for up to \(number) s"
        case "disconnected":
            number == 2 ? "begun before, finished at open; not revoked then" : "1 slot erased"
        case "grantReplaced": number == 0 ? nil : "the one before may live on at the provider"
        case "accountChanged": "it is another account than before"
        case "useFailed": "code \(number)"
        case "expiresSoon": "in \(number / 3600) h"
        case "storageRefused": number == 0 ? nil : "the disk is full, or fails"
        default: text(failure: number, detail)
        }
    }

    /// The same of any failure.
    static func text(failure number: Int64, _ detail: FailureDetail) -> String? {
        number < 0
            ? text(curlCode: Int(clamping: -number), detail) : text(status: number, detail)
    }

    /// What `VaultError.Code.proxyFailed` numbers.
    private static func text(proxy number: Int64) -> String {
        if number >= 100 { return "the proxy: HTTP \(number)" }
        guard number > 0 else { return "the proxy: its name leads to no address of a proxy" }
        return "the proxy: curl \(number)" + VaultError.text(curlCode: Int(number))
    }

    private static func text(curlCode: Int, _ detail: FailureDetail) -> String {
        let text = "curl \(curlCode)" + VaultError.text(curlCode: curlCode)
        guard detail.verifyResult != 0 else { return text }
        let result = detail.verifyResult
        return text + "; OpenSSL \(result)" + VaultError.text(verifyResult: result)
    }

    private static func text(status: Int64, _ detail: FailureDetail) -> String? {
        if detail.subject == .proxy { return text(proxy: status) }
        var words: [String] = []
        if status != 0 { words.append("HTTP \(status)") }
        if let error = detail.error { words.append(error.name) }
        if let cause = detail.cause {
            let subject = detail.subject.map { "\($0.name): " } ?? ""
            words.append(subject + VaultError.words(cause))
        }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }
}
