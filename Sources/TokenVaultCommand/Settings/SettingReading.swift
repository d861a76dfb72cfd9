// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What is found wrong while a file is read: all of it, so that it is mended in one go.
struct SettingReading {
    /// Where relative paths begin: the folder of the file.
    let folder: String
    var faults: [SettingError] = []

    /// Says that the value is not what is wanted.
    ///
    /// - Parameter member: of an object, which of its members, as `.name`.
    mutating func refuse(
        _ value: SettingValue, member: String = "", wanted: String, problem: String? = nil
    ) {
        var fault = value.refused(wanted: wanted, problem: problem)
        fault.setting = member
        faults.append(fault)
    }

    /// A path, from the folder of the file where it is not absolute.
    func absolute(_ path: String) -> String {
        path.hasPrefix("/") || folder == "." ? path : "\(folder)/\(path)"
    }
}
