// SPDX-License-Identifier: Apache-2.0

extension BinaryInteger {
    /// `1 record`, `2 records`: for nouns whose plural takes an s.
    func counted(_ noun: String) -> String { self == 1 ? "1 \(noun)" : "\(self) \(noun)s" }
}
