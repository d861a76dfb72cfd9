// SPDX-License-Identifier: Apache-2.0

/// A setting of a provider whose value cannot be meant: which one, what it was, and what would do.
public struct SettingError: Error, Hashable, Sendable {
    /// The setting's key in definitions, such as `refresh_margin_seconds`.
    public package(set) var setting: String
    /// What it was, in words; it may quote the definition, which holds no secret.
    public let value: String
    /// What would do, in words.
    public let wanted: String
    /// What is wrong with it, in words that follow the value; nil where `wanted` says enough.
    public let problem: String?
    /// Where in the definition it stands: the line, from 1; nil where that is not known.
    public let line: Int?

    init(setting: String, value: String, wanted: String, problem: String? = nil, line: Int?) {
        self.setting = setting
        self.value = value
        self.wanted = wanted
        self.problem = problem
        self.line = line
    }
}

extension SettingError: CustomStringConvertible {
    /// One line that says it all.
    public var description: String {
        "\(setting): \(value) \(problem.map { "\($0): \(wanted)" } ?? "is not \(wanted)")"
    }
}
