// SPDX-License-Identifier: Apache-2.0

import Mustache

/// The files of `Pages`, which are compiled in. Each template's first line says that `HTMLText`
/// writes its values.
enum PageTemplates {
    /// One that a page is made of.
    enum Name: String, CaseIterable { case connect, message }

    /// The stylesheet of every page.
    static let stylesheet = text(PackageResources.style_css)

    private static let library: MustacheLibrary = {
        MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
        let files = [
            "head": PackageResources.head_mustache, "foot": PackageResources.foot_mustache,
            Name.connect.rawValue: PackageResources.connect_mustache,
            Name.message.rawValue: PackageResources.message_mustache,
        ]
        var library = MustacheLibrary()
        for (name, bytes) in files {
            do {
                try library.register(text(bytes), named: name)
            } catch {
                preconditionFailure("the template \(name) cannot be read")
            }
        }
        return library
    }()

    static func render(_ name: Name, _ values: [String: Any]) -> String {
        library.render(values, withTemplate: name.rawValue) ?? ""
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
