// SPDX-License-Identifier: Apache-2.0

import TokenVault

extension ProviderSetting {
    /// One column less than a terminal has: a line that fills it is broken.
    private static let columns = 79

    /// All settings for a person at a terminal: what each takes, its default, and a sentence.
    static var help: String {
        all.map { setting in
            let rest = (setting.isRequired ? "" : "default ") + setting.defaultWords
            let takes = "\(setting.key): \(setting.words); \(rest)"
            return wrapped(takes, indent: 2, then: 6) + "\n"
                + wrapped(setting.sentence, indent: 6, then: 6)
        }.joined(separator: "\n")
    }

    /// Lines of whole words.
    private static func wrapped(_ text: String, indent: Int, then: Int) -> String {
        var lines = [String(repeating: " ", count: indent)]
        var isFirst = true
        for word in text.split(separator: " ") {
            let last = lines.count - 1
            let needed = lines[last].count + (isFirst ? 0 : 1) + word.count
            if needed > columns && !isFirst {
                lines.append(String(repeating: " ", count: then) + word)
            } else {
                lines[last] += (isFirst ? "" : " ") + word
            }
            isFirst = false
        }
        return lines.joined(separator: "\n")
    }
}
