// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The system's words for an errno.
enum SystemMessage {
    static func of(_ number: Int32) -> String {
        unsafe strerror(number).map { unsafe String(cString: $0) } ?? "errno \(number)"
    }
}
