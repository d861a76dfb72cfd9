// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

@Suite("Networks and NAT64 prefixes that a vault is told of")
struct AddressPrefixTests {
    private func cause(_ body: () throws(VaultError) -> Void) -> FailureCause? {
        do throws(VaultError) {
            try body()
            return nil
        } catch {
            return error.detail.cause
        }
    }

    @Test(arguments: [
        "10.0.0.0/8", "10.20.0.0/16", "10.20.30.40/32", "172.16.0.0/12", "172.31.255.0/24",
        "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fd12:3456::/32", "fd00::1/128",
    ])
    func aPrivateNetworkIsAllowed(_ text: String) throws {
        #expect(try AddressPrefix.list([text]).count == 1)
    }

    @Test(arguments: [
        ("", FailureCause.malformedNetwork), ("10.20.0.0", .malformedNetwork),
        ("10.20.0.0/", .malformedNetwork), ("/16", .malformedNetwork),
        ("10.20.0.0/33", .malformedNetwork), ("10.20.0.0/-1", .malformedNetwork),
        ("10.20.0.0/+16", .malformedNetwork), ("10.20.0.0/016", .malformedNetwork),
        ("10.20.0.0/16/8", .malformedNetwork), ("10.20/16", .malformedNetwork),
        ("10.20.0.0/255.255.0.0", .malformedNetwork), ("[fd00::]/8", .malformedNetwork),
        ("fd00::/129", .malformedNetwork), ("fd00::%eth0/8", .malformedNetwork),
        ("corp.internal/16", .malformedNetwork), ("0x0a.0.0.0/8", .malformedNetwork),
        ("::ffff:10.0.0.0/104", .malformedNetwork), ("10.20.0.0 /16", .malformedNetwork),
        ("10.20.0.1/16", .hostBits), ("fd00::1/64", .hostBits),
        ("0.0.0.0/0", .notPrivate), ("::/0", .notPrivate), ("8.8.8.0/24", .notPrivate),
        ("10.0.0.0/7", .notPrivate), ("172.0.0.0/11", .notPrivate), ("fc00::/6", .notPrivate),
        ("127.0.0.0/8", .notPrivate), ("127.0.0.1/32", .notPrivate), ("::1/128", .notPrivate),
        ("169.254.0.0/16", .notPrivate), ("169.254.169.254/32", .notPrivate),
        ("fe80::/10", .notPrivate), ("224.0.0.0/4", .notPrivate), ("198.18.0.0/15", .notPrivate),
        ("64:ff9b::/96", .notPrivate),
    ])
    func whatIsNoneIsRefused(_ text: String, _ expected: FailureCause) {
        #expect(cause { () throws(VaultError) in _ = try AddressPrefix.list([text]) } == expected)
    }

    @Test func theirNumberIsLimited() throws {
        let many = Array(repeating: "10.0.0.0/8", count: AddressPrefix.countMax)
        #expect(try AddressPrefix.list(many).count == AddressPrefix.countMax)
        #expect(
            cause { () throws(VaultError) in _ = try AddressPrefix.list(many + many) } == .tooMany)
        let prefixes = Array(repeating: "2001:db8::/96", count: NAT64Prefix.countMax + 1)
        #expect(cause { () throws(VaultError) in _ = try NAT64Prefix.list(prefixes) } == .tooMany)
    }

    /// The table of RFC 6052 section 2.4: 192.0.2.33 under each length.
    @Test(arguments: [
        ("2001:db8::/32", "2001:db8:c000:221::"), ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ])
    func theAddressInsideIsFound(_ text: String, _ address: String) throws {
        let prefix = try NAT64Prefix(text)
        let known = try #require(IPAddress(address, isVersion6: true))
        #expect(prefix.contains(known))
        #expect(prefix.inside(known) == IPAddress(version4: 0xc000_0221))
        // Bits 64 to 71 are zero, or it is no such address.
        #expect(prefix.inside(IPAddress(version6: known.value | 1 << 56)) == nil)
    }

    @Test(arguments: [
        ("64:ff9b::", FailureCause.malformedNetwork), ("10.0.0.0/8", .malformedNetwork),
        ("64:ff9b::/64:", .malformedNetwork), ("2001:db8::/33", .prefixLength),
        ("2001:db8::/128", .prefixLength), ("2001:db8::1/96", .hostBits),
        ("2001:db8:0:0:100::/96", .malformedNetwork), ("fe80::/64", .malformedNetwork),
        ("ff00::/32", .malformedNetwork), ("::/96", .malformedNetwork),
    ])
    func whatIsNoPrefixIsRefused(_ text: String, _ expected: FailureCause) {
        #expect(cause { () throws(VaultError) in _ = try NAT64Prefix(text) } == expected)
    }

    @Test func theyAreSettingsOfTheVault() throws {
        let home = try TestVault()
        try home.create()
        for (change, expected) in [
            ({ $0.allowedNetworks = ["0.0.0.0/0"] }, FailureCause.notPrivate),
            ({ $0.nat64Prefixes = ["2001:db8::/33"] }, .prefixLength),
            ({ $0.proxy = "socks5://a:1" }, .malformedURL),
            ({ $0.proxyCredentialsFile = "/nowhere" }, .noProxy),
        ] as [((inout Vault.Settings) -> Void, FailureCause)] {
            do {
                _ = try home.open(change)
                Issue.record("opened")
            } catch let error as VaultError {
                #expect(error.code == .invalidArgument && error.detail.cause == expected)
            }
        }
        try home.open {
            $0.allowedNetworks = ["10.20.0.0/16"]
            $0.nat64Prefixes = ["2001:db8:64::/96"]
            $0.proxy = "http://proxy.example:3128"
        }.close()
    }
}
