// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog

/// Keys that are no settings, and what to write instead.
enum RefusedKey {
    /// Names that people give to secrets.
    private static let secrets: Set = [
        "root_key", "key", "master_key", "encryption_key", "vault_key", "passphrase", "password",
        "secret", "client_secret", "token", "access_token", "refresh_token", "api_key", "api_keys",
        "proxy_credentials", "proxy_password", "private_key", "webhook_secret", "cookie_secret",
    ]

    /// What to say of a key that no setting has. The value is never quoted: it may be a secret.
    static func message(_ name: String) -> String {
        if secrets.contains(name) {
            return "\(name) is refused: a secret is never in this file, which others read, copy "
                + "and back up. Name a file of its own, mode 0400 or 0600 (key_file for the root "
                + "key), and replace the secret if it was written here"
        }
        let hint =
            hints[name] ?? Spelling.nearest(to: name, among: ServeSetting.all.map(\.key))
            .map { "did you mean \($0)?" }
            ?? "`tokenvault config show` lists the settings"
        return "unknown key \"\(name)\": \(hint)"
    }

    private static let hints = [
        "<<": "merge keys are not read: write the settings out",
        "path": "write vault", "port": "write listen, an address and a port",
        "host": "write listen for the address, hosts for what browsers see",
        "domain": "it is a member of hosts: write it there",
        "regions": "it is a member of hosts: write it there",
        "custom_domains": "it is a member of hosts: write it there",
        "key_fd": "a descriptor is given by the option --key-fd",
        "passphrase_fd": "a descriptor is given by the option --passphrase-fd",
        "base_url": "write public_url",
    ]
}
