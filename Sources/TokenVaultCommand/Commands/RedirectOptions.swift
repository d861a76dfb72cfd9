// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// Where the browser goes when a flow ends, and what it is told there.
struct RedirectOptions: ParsableArguments {
    @Option(help: "Where a completed flow ends: one of serve's success_redirects, exactly.")
    var success: String?

    @Option(help: "Where a failed flow ends: one of serve's failure_redirects, exactly.")
    var failure: String?

    @Option(help: "instanceId of the redirects: the instance that is configured.")
    var instanceId: String?

    @Option(help: "instanceName: its name.")
    var instanceName: String?

    @Option(help: "integrationId: the integration that it is an instance of.")
    var integrationId: String?

    @Option(help: "integrationName: its name.")
    var integrationName: String?

    @Option(
        name: .customLong("required-config-variable-id"),
        help: "requiredConfigVariableId: the configuration variable that the integration requires.")
    var variableID: String?

    @Option(
        name: .customLong("required-config-variable-key"),
        help: "requiredConfigVariableKey: its key.")
    var variableKey: String?

    @Option(
        name: .customLong("instance-config-variable-id"),
        help: "id, of a connection of the instance: the instance's configuration variable.")
    var instanceVariableID: String?

    @Option(
        name: .customLong("user-config-variable-id"),
        help: "id, of a connection of a user's own: the user-level configuration variable.")
    var userVariableID: String?

    @Option(
        name: .customLong("parameter"),
        help: ArgumentHelp(
            "A parameter of the platform's own instead of those seven; up to 16.",
            valueName: "name=value"))
    var ownParameters: [String] = []

    @Flag(help: "Has the failure redirect carry error=CODE as well.")
    var failureCarriesError = false

    /// The option of each of the seven, in their order, and what it gives.
    private var seven: [(option: String, value: String?)] {
        [
            ("--instance-id", instanceId), ("--instance-name", instanceName),
            ("--integration-id", integrationId), ("--integration-name", integrationName),
            ("--required-config-variable-id", variableID),
            ("--required-config-variable-key", variableKey),
            (
                "--instance-config-variable-id or --user-config-variable-id",
                instanceVariableID ?? userVariableID
            ),
        ]
    }

    func validate() throws {
        let given = seven.filter { $0.value != nil }
        guard instanceVariableID == nil || userVariableID == nil else {
            throw ValidationError(
                "give one of --instance-config-variable-id and --user-config-variable-id")
        }
        guard given.isEmpty || ownParameters.isEmpty else {
            throw ValidationError(
                "--parameter goes without \(given[0].option): give the seven, or your own")
        }
        if let missing = seven.first(where: { $0.value == nil }), !given.isEmpty {
            throw ValidationError("the redirects carry all seven: \(missing.option) is missing")
        }
        try checkValues()
        guard success != nil || failure != nil || given.isEmpty && ownParameters.isEmpty else {
            throw ValidationError("parameters go with --success or --failure, which carry them")
        }
        guard failure != nil || !failureCarriesError else {
            throw ValidationError("--failure-carries-error goes with --failure")
        }
    }

    private func checkValues() throws {
        let words =
            "of at most \(RedirectParameters.valueBytesMax) bytes"
        for (option, value) in seven
        where (value ?? "").utf8.count > RedirectParameters.valueBytesMax {
            throw ValidationError("\(option) takes a text \(words)")
        }
        let own = try pairs().map { ($0.name, $0.value) }
        do throws(VaultError) {
            _ = try RedirectParameters(own: own)
        } catch {
            throw ValidationError(
                "--parameter takes up to \(RedirectParameters.countMax) names, each once, of 1 to "
                    + "\(RedirectParameters.nameBytesMax) letters, digits, -, ., _ and ~ and not "
                    + "error, with values \(words)")
        }
        for (option, url) in [("--success", success), ("--failure", failure)] {
            guard let url, !SettingKind<String>.isURL(url) || url.contains("?") else { continue }
            throw ValidationError("\(option) is \(SettingKind<String>.redirect.words)")
        }
    }

    private func pairs() throws -> [RedirectsForm.Parameter] {
        try ownParameters.map { text in
            guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                throw ValidationError("--parameter takes name=value, not \"\(text.printable)\"")
            }
            return .init(name: String(text[..<sign]), value: String(text[sign...].dropFirst()))
        }
    }

    /// Nil where none was given: the connection keeps those that it has.
    func form() throws -> RedirectsForm? {
        guard success != nil || failure != nil else { return nil }
        var form = RedirectsForm(
            success: success, failure: failure, failureCarriesError: failureCarriesError)
        let own = try pairs()
        let values = seven.compactMap(\.value)
        if !own.isEmpty {
            (form.parameters, form.hasOwnNames) = (own, true)
        } else if values.count == RedirectsForm.names.count {
            form.parameters = zip(RedirectsForm.names, values).map { .init(name: $0, value: $1) }
        }
        return form
    }
}
