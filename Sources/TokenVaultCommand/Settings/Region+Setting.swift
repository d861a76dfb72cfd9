// SPDX-License-Identifier: Apache-2.0

import CallbackFront

extension Region {
    /// Its name in the file of `serve`: what its label says of it, and `us` for the one whose label
    /// says nothing.
    var settingName: String {
        self == .usCommercial ? "us" : String(label.drop { $0 != "." }.dropFirst())
    }

    init?(settingName: String) {
        guard let region = Self.allCases.first(where: { $0.settingName == settingName }) else {
            return nil
        }
        self = region
    }
}
