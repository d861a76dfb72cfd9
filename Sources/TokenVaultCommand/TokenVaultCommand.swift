// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// The command line of the vault. Executables add what a process must do before anything else.
public enum TokenVaultCommand {
    /// What is built here, as CHANGELOG.md names it.
    static let version = "0.1.0"

    /// Runs the command that the arguments name; returns the exit status of the process.
    public static func run() async -> Int32 {
        do {
            try CommandArguments.check()
            try refuseSecrets(CommandLine.arguments)
            try Verb.check(CommandLine.arguments)
            var command = try RootCommand.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return ExitStatus.success.rawValue
        } catch {
            return report(error)
        }
    }

    /// Options that people try, each of which would show a secret to everybody on the machine.
    /// Looked for before anything is parsed: whatever else is wrong, this comes first.
    private static let refusedOptions = [
        "--client-secret", "--access-token", "--refresh-token", "--token", "--key", "--password",
    ]

    private static func refuseSecrets(_ arguments: [String]) throws(CommandFailure) {
        let found = arguments.dropFirst().prefix { $0 != "--" }.first { argument in
            argument.hasPrefix("--passphrase=")
                || refusedOptions.contains { argument == $0 || argument.hasPrefix($0 + "=") }
        }
        guard let name = found?.prefix(while: { $0 != "=" }) else { return }
        throw CommandFailure(
            .usage,
            "\(name) is refused: other users and the shell's history can see an argument. "
                + "Give a file or a descriptor instead (see --help), and replace the secret: this "
                + "one has been seen.")
    }

    /// Tells people and returns the status. What they typed is part of some messages, so these are
    /// made printable.
    private static func report(_ error: any Error) -> Int32 {
        if let failure = CommandFailure(error) {
            try? Outlet.errors.line("tokenvault: \(failure.message.printable)")
            return failure.status.rawValue
        }
        let status = RootCommand.exitCode(for: error).rawValue
        let text = RootCommand.fullMessage(for: error).printableLines
        let outlet = status == ExitStatus.success.rawValue ? Outlet.output : Outlet.errors
        if !text.isEmpty { try? outlet.line(text) }
        return status
    }
}

/// `tokenvault`.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenvault",
        abstract: "An encrypted vault for OAuth 2.0 tokens.",
        discussion: """
            A connection is one account that somebody connected through an application, which is \
            your registration at a provider. The vault keeps its tokens sealed, refreshes them, \
            and erases them on disconnect.

            One process owns a vault at a time. While `tokenvault serve` does, the other commands \
            go through its socket in the vault's directory and need no key.

            No secret is ever taken from an argument or from the environment: both are visible to \
            others. Secrets come from files, inherited descriptors, or the terminal.

            EXAMPLES
              tokenvault init --vault v --key-file v.key --generate-key
              export TOKENVAULT_PATH=v
              tokenvault app add crm --provider crm.yaml --client-id 123 \\
                --client-secret-file crm.secret \\
                --redirect-uri http://127.0.0.1:8017/callback --key-file v.key
              tokenvault connect anna --app crm --key-file v.key
              tokenvault serve --key-file v.key &
              echo "Authorization: Bearer $(tokenvault token anna)" |
                curl -H @- https://api.example.com/

            EXIT STATUS
            \(ExitStatus.table)
            """,
        version: TokenVaultCommand.version,
        subcommands: [
            InitCommand.self, ProviderCommand.self, AppCommand.self, CallbackCommand.self,
            ConnectCommand.self, LinkCommand.self, FlowCommand.self, ListCommand.self,
            StatusCommand.self, TokenCommand.self, RefreshCommand.self, RetryCommand.self,
            UseCommand.self, RejectedCommand.self, FailedCommand.self, DisconnectCommand.self,
            AuditCommand.self, ImportCommand.self, ExportCommand.self,
            LogCommand.self, WebhookCommand.self, KeyCommand.self, ServeCommand.self,
            ConfigCommand.self, BenchCommand.self,
            PracticeServerCommand.self,
        ])
}
