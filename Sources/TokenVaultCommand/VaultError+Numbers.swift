// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What the numbers of curl and OpenSSL mean, in few words.
extension VaultError {
    /// What the commonest of curl's numbers mean.
    static func text(curlCode: Int) -> String {
        switch curlCode {
        case 5: ": the proxy's name does not resolve"
        case 6: ": its name does not resolve"
        case 7: ": nothing listens there, or its address is not allowed"
        case 8: ": the head of the answer is no HTTP"
        case 18: ": the answer ended too soon"
        case 28: ": it took too long"
        case 42: ": the process ended before the answer came"
        case 35: ": it speaks no TLS"
        case 52: ": closed without an answer"
        case 55, 56: ": the connection broke"
        case 60: ": its certificate is not trusted"
        case 61: ": the answer is compressed in a way that cannot be undone"
        case 63: ": the answer is too long"
        case 77: ": the file of certificates cannot be read"
        default: ""
        }
    }

    /// The same of OpenSSL's (`X509_V_ERR_...`).
    static func text(verifyResult: Int) -> String {
        switch verifyResult {
        case 9: ": not valid yet"
        case 10: ": expired"
        case 18: ": self-signed"
        case 19, 20, 21: ": signed by nobody who is trusted"
        // curl's own word: the chain holds, and the name does not.
        case 1, 62: ": of another name"
        default: ""
        }
    }
}
