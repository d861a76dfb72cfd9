// SPDX-License-Identifier: Apache-2.0

extension OutboundTableTests {
    /// Each row: how it is tried, what, and what becomes of it: `allowed`, or the rule (a
    /// `FailureCause`). `{64}` is a label of 64 letters, `\n` a line end, and so on.
    static let outboundURLs = #"""
        setting | https://example.com/token | allowed
        setting | https://example.com:443/ | allowed
        setting | https://example.com:8443/ | allowed
        setting | https://xn--bcher-kva.example/ | allowed
        setting | https://1.1.1.1/ | allowed
        setting | https://[2606:4700:4700::1111]:8443/ | allowed
        setting | http://example.com/ | notHTTPS
        setting | file:///etc/passwd | malformedURL
        setting | gopher://example.com/ | notHTTPS
        setting | dict://example.com/ | notHTTPS
        setting | ftp://example.com/ | notHTTPS
        setting | ldap://example.com/ | notHTTPS
        setting | ws://example.com/ | malformedURL
        setting | javascript:alert(1) | malformedURL
        setting | //example.com/ | malformedURL
        setting | https:example.com | malformedURL
        setting | https:/example.com/ | malformedURL
        setting | https:///example.com/ | malformedURL
        setting | https://2130706433/ | malformedURL
        setting | https://127.1/ | malformedURL
        setting | https://127.0.1/ | malformedURL
        setting | https://0x7f.1/ | malformedURL
        setting | https://0x7f000001/ | malformedURL
        setting | https://0x7f.0x0.0x0.0x1/ | malformedURL
        setting | https://0177.0.0.1/ | malformedURL
        setting | https://017700000001/ | malformedURL
        setting | https://127.0.0.01/ | malformedURL
        setting | https://3232235777/ | malformedURL
        setting | https://2852039166/ | malformedURL
        setting | https://0xa9fea9fe/ | malformedURL
        setting | https://0251.0376.0251.0376/ | malformedURL
        setting | https://169.254.43518/ | malformedURL
        setting | https://1.2.3.4.5/ | malformedHost
        setting | https://256.1.1.1/ | malformedHost
        setting | https://127.0.0.1./ | malformedHost
        setting | https://99999999999/ | malformedHost
        setting | https://example。com/ | malformedURL
        setting | https://example．com/ | malformedURL
        setting | https://example｡com/ | malformedURL
        setting | https://１２７.0.0.1/ | malformedURL
        setting | https://①②⑦.0.0.1/ | malformedURL
        setting | https://exämple.com/ | malformedURL
        setting | https://ex%61mple.com/ | malformedURL
        setting | https://127%2e0%2e0%2e1/ | malformedURL
        setting | https://example.com%00.evil.example/ | malformedURL
        setting | https://example.com%2f@evil.example/ | userInformation
        setting | https://exa\tmple.com/ | malformedURL
        setting | https://exam\nple.com/ | malformedURL
        setting | https://example.com/\r\nHost: a | malformedURL
        setting | https://example.com/ a | malformedURL
        setting |  https://example.com/ | malformedURL
        setting | https://example.com/\0 | malformedURL
        setting | https://example.com\\@evil.example/ | userInformation
        setting | https:\\\\example.com/ | malformedURL
        setting | https://evil.example\\.example.com/ | malformedURL
        setting | https://user@example.com/ | userInformation
        setting | https://user:pass@example.com/ | userInformation
        setting | https://@example.com/ | userInformation
        setting | https://127.0.0.1@example.com/ | userInformation
        setting | https://example.com@127.0.0.1/ | userInformation
        setting | https://example.com#@evil.example/ | fragment
        setting | https://example.com/# | fragment
        setting | https://example.com?@evil.example/ | allowed
        setting | https://example.com:/ | malformedURL
        setting | https://example.com:0/ | malformedURL
        setting | https://example.com:65535/ | allowed
        setting | https://example.com:65536/ | malformedURL
        setting | https://example.com:0443/ | malformedURL
        setting | https://example.com:+443/ | malformedURL
        setting | https://example.com:-1/ | malformedURL
        setting | https://example.com:443:443/ | malformedURL
        setting | https://example.com:22/ | refusedPort
        setting | https://example.com:25/ | refusedPort
        setting | https://example.com:636/ | refusedPort
        setting | https://example.com:6667/ | refusedPort
        setting | https://1.1.1.1:22/ | refusedPort
        setting | https://example.com:80/ | allowed
        setting | https://example.com./ | malformedHost
        setting | https://example..com/ | malformedHost
        setting | https://.example.com/ | malformedHost
        setting | https://-a.example/ | malformedHost
        setting | https://a-.example/ | malformedHost
        setting | https://{63}.example/ | allowed
        setting | https://{64}.example/ | malformedHost
        setting | https://{255}.example/ | malformedHost
        setting | https://{254}/ | malformedHost
        setting | https://localhost/ | loopbackAddress
        setting | https://LOCALHOST/ | loopbackAddress
        setting | https://a.localhost/ | loopbackAddress
        setting | https://localhost.example/ | allowed
        setting | https://metadata.google.internal/ | privateName
        setting | https://internal/ | privateName
        setting | https://a.internal/ | privateName
        setting | https://printer.local/ | privateName
        setting | https://router.home.arpa/ | privateName
        setting | https://internal.example/ | allowed
        setting | https://thelocal/ | allowed
        setting | https://127.0.0.1/ | loopbackAddress
        setting | http://127.0.0.1/ | loopbackAddress
        setting | https://127.255.255.254/ | loopbackAddress
        setting | https://0.0.0.0/ | unusableAddress
        setting | https://10.0.0.1/ | privateAddress
        setting | https://172.16.0.1/ | privateAddress
        setting | https://192.168.1.1/ | privateAddress
        setting | https://100.64.0.1/ | privateAddress
        setting | https://169.254.169.254/latest/ | metadataAddress
        setting | https://169.254.1.1/ | linkLocalAddress
        setting | https://224.0.0.1/ | multicastAddress
        setting | https://255.255.255.255/ | unusableAddress
        setting | https://192.0.2.1/ | unusableAddress
        setting | https://192.88.99.1/ | unusableAddress
        setting | https://168.63.129.16/ | metadataAddress
        setting | https://[::1]/ | loopbackAddress
        setting | https://[0:0:0:0:0:0:0:1]/ | malformedURL
        setting | https://[::]/ | unusableAddress
        setting | https://[::127.0.0.1]/ | unusableAddress
        setting | https://[::ffff:127.0.0.1]/ | loopbackAddress
        setting | https://[::ffff:7f00:1]/ | loopbackAddress
        setting | https://[::ffff:169.254.169.254]/ | metadataAddress
        setting | https://[fe80::1]/ | linkLocalAddress
        setting | https://[fe80::1%25eth0]/ | malformedURL
        setting | https://[fe80::1%eth0]/ | malformedURL
        setting | https://[fe80::1%251]/ | malformedURL
        setting | https://[fd00::1]/ | privateAddress
        setting | https://[fd00:ec2::254]/ | metadataAddress
        setting | https://[ff02::1]/ | multicastAddress
        setting | https://[64:ff9b::7f00:1]/ | translatedAddress
        setting | https://[64:ff9b::a9fe:a9fe]/ | translatedAddress
        setting | https://[64:ff9b::101:101]/ | allowed
        setting | https://[2002:a00:1::]/ | translatedAddress
        setting | https://[fec0::1]/ | unusableAddress
        setting | https://[::1 | malformedURL
        setting | https://[]/ | malformedURL
        setting | https://[v1.x]/ | malformedURL
        setting | https://[::1]:22/ | loopbackAddress
        setting | https://::1/ | malformedURL
        practice | http://127.0.0.1:8080/ | allowed
        practice | https://localhost/ | allowed
        practice | http://[::1]:1/ | allowed
        practice | http://example.com/ | notHTTPS
        practice | http://10.0.0.1/ | privateAddress
        practice | http://0.0.0.0/ | unusableAddress
        practice | http://127.1/ | malformedURL
        practice | http://localhost:0/ | malformedURL
        practice | http://localhost@example.com/ | userInformation
        practice | https://169.254.169.254/ | metadataAddress
        site | https://10.20.0.1/ | allowed
        site | https://10.21.0.1/ | privateAddress
        site | http://10.20.0.1/ | notHTTPS
        site | https://10.20.0.1:22/ | refusedPort
        site | https://id.corp.internal/ | allowed
        site | https://[fd12:3456::1]/ | allowed
        site | https://[fd12:3457::1]/ | privateAddress
        site | https://100.100.100.200/ | metadataAddress
        site | https://127.0.0.1/ | loopbackAddress
        site | https://[64:ff9b::a14:1]/ | allowed
        site | https://[2001:db8:64::a14:1]/ | allowed
        site | https://[2001:db8:64::a00:1]/ | translatedAddress
        template https://{shop}.myshopify.com/t | a-1 | allowed
        template https://{shop}.myshopify.com/t | evil.example/# | template
        template https://{shop}.myshopify.com/t | evil.example#@ | template
        template https://{shop}.myshopify.com/t | user@evil.example | template
        template https://{shop}.myshopify.com/t | a\\b | template
        template https://{shop}.myshopify.com/t | a\tb | template
        template https://{shop}.myshopify.com/t | a\nb | template
        template https://{shop}.myshopify.com/t | a%2eb | template
        template https://{shop}.myshopify.com/t | a。b | template
        template https://{shop}.myshopify.com/t | 127.0.0.1:22/ | template
        template https://{shop}.myshopify.com/t | a? | template
        template https://{shop}.myshopify.com/t | a..b | template
        template https://{shop}.myshopify.com/t | [::1] | template
        template https://{shop}.myshopify.com/t |  | template
        template https://{shop}/t salesforce.com | na1.salesforce.com | allowed
        template https://{shop}/t salesforce.com | evilsalesforce.com | template
        template https://{shop}/t salesforce.com | salesforce.com.evil.example | template
        template https://{shop}/t salesforce.com | salesforce.com. | template
        template https://{shop}/t salesforce.com | evil.example#.salesforce.com | template
        template https://{shop}/t salesforce.com | 127.0.0.1 | template
        template https://{shop}/t | 10.0.0.1 | privateAddress
        template https://{shop}/t | 169.254.169.254 | metadataAddress
        template https://{shop}/t | 2130706433 | malformedURL
        template https://{shop}/t | 0x7f.1 | malformedURL
        template https://{shop}/t | git.example:22 | refusedPort
        template https://{shop}/t | localhost | loopbackAddress
        template https://{shop}/t | a.internal | privateName
        """#
}
