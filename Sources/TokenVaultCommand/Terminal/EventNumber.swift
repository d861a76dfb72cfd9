// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What the number of an event, or of a status's reason, says to a person.
enum EventNumber {
    static func text(_ event: String, _ number: Int64) -> String {
        switch event {
        case "replyUnread": "\(number) bytes"
        case "answerOutstanding": "for up to \(number) s"
        case "disconnected": number == 1 ? "1 slot erased" : "\(number) slots erased"
        case "grantReplaced": "the one before may live on at the provider"
        case "useFailed": "code \(number)"
        case "storageRefused": "the disk is full, or fails"
        case _ where number < 0:
            "curl \(-number)" + VaultError.text(curlCode: Int(clamping: -number))
        default: "HTTP \(number)"
        }
    }
}
