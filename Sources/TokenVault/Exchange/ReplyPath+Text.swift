// SPDX-License-Identifier: Apache-2.0

extension ReplyPath {
    /// A text, a number or a flag, as text. Nil where nothing of the kind lies there, and where a
    /// member on the way is there twice or what is walked is not whole.
    func text(in body: RawSpan) -> String? {
        var text: String?
        do throws(VaultError) {
            try find(in: body) { (value, scanner) throws(VaultError) in
                text = scanner.plainText(value)
            }
        } catch {
            return nil
        }
        return text
    }
}
