// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import TokenVault

// URLs, networks and hosts.
extension SettingKind where Value == String {
    /// Scheme, host and, where needed, port.
    static var origin: Self {
        text("https:// and a host, nothing more (http:// on this machine)") { text in
            isURL(text) && text.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 2
                && !text.contains("?")
        }
    }

    /// Where a browser is sent when a flow ends. What it is told is all there is in the query.
    static var redirect: Self {
        text("an absolute https:// URL (http:// on this machine) without query and fragment") {
            isURL($0) && !$0.contains("?")
        }
    }

    /// An address of the platform's.
    static var url: Self {
        text("an absolute https:// URL (http:// on this machine) without fragment", isURL)
    }

    static func isURL(_ text: String) -> Bool {
        guard text.hasPrefix("https://") || text.hasPrefix("http://") else { return false }
        do throws(VaultError) {
            try AddressGuard(allowsLoopback: true, allowedNetworks: AddressPrefix.everyPrivate)
                .check(text)
            return true
        } catch {
            return false
        }
    }

    /// A host by its name, as a browser writes it.
    static var host: Self {
        text("a host name in small letters, such as oauth2.example.com, without scheme and port") {
            isHost($0)
        }
    }

    private static func isHost(_ text: String) -> Bool {
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let isPlain = text.utf8.allSatisfy { byte in
            letters.contains(byte) || digits.contains(byte) || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: ".")
        }
        return isPlain && text.contains(".") && text.utf8.contains(where: letters.contains)
            && isURL("https://\(text)")
    }

    /// What the vault's own reader of it takes, of what it may connect to.
    static func network(
        _ words: String, _ put: @escaping @Sendable (String, inout Vault.Settings) -> Void
    ) -> Self {
        text(words) { text in
            var settings = Vault.Settings()
            // Whether it is set is asked of the file as a whole.
            settings.allowsLoopbackHTTP = true
            put(text, &settings)
            do throws(VaultError) {
                try settings.checkNetwork()
                return true
            } catch {
                return false
            }
        }
    }
}

extension SettingKind where Value == Region {
    static var region: Self {
        let words = "one of " + Region.allCases.map(\.settingName).joined(separator: ", ")
        return Self(
            words: words,
            read: { value, reading in
                guard let region = value.text.flatMap(Region.init(settingName:)) else {
                    reading.refuse(value, wanted: words)
                    return nil
                }
                return region
            },
            show: { $0.settingName })
    }
}

extension SettingKind where Value == FrontHosts {
    /// The hosts of the front. Each member has its own faults.
    static var hosts: Self {
        let members = "domain, regions and custom_domains"
        return Self(
            words: "an object of \(members)",
            read: { value, reading in
                guard case .object(let given) = value.content else {
                    reading.refuse(value, wanted: "an object of \(members)")
                    return nil
                }
                var hosts = FrontHosts()
                for member in given {
                    let count = reading.faults.count
                    switch member.name {
                    case "domain":
                        hosts.domain = SettingKind<String>.host.read(member.value, &reading)
                    case "regions":
                        let kind = SettingKind<[Region]>.list(
                            of: .region, countMax: Region.allCases.count)
                        hosts.regions = kind.read(member.value, &reading) ?? []
                    case "custom_domains":
                        let kind = SettingKind<[String]>.list(
                            of: .host, countMax: FrontHosts.customDomainsMax)
                        hosts.customDomains = kind.read(member.value, &reading) ?? []
                    default:
                        reading.refuse(
                            member.value, wanted: "take it out, or write \(members)",
                            problem: "is of no member that hosts has")
                    }
                    for index in count..<reading.faults.count {
                        reading.faults[index].setting = ".\(member.name)"
                    }
                }
                hosts.refuse(value, &reading)
                return hosts
            },
            show: { _ in "{}" })
    }
}

extension FrontHosts {
    /// Says what does not go together.
    fileprivate func refuse(_ value: SettingValue, _ reading: inout SettingReading) {
        guard reading.faults.isEmpty else { return }
        if domain == nil, !regions.isEmpty {
            reading.refuse(
                value, wanted: "add the domain that they are under, such as domain: example.com",
                problem: "has regions and no domain")
        }
        if domain != nil, regions.isEmpty {
            reading.refuse(
                value, wanted: "add them, such as regions: [us]",
                problem: "has a domain and no regions")
        }
        let names = all
        if Set(names).count < names.count {
            reading.refuse(
                value, wanted: "name each once", problem: "names a host twice")
        }
    }
}
