// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// Values of a provider's variables, as they are given on the command line.
struct VariableOptions: ParsableArguments {
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "A value of one of the provider's variables, such as shop=acme. May be repeated.",
            valueName: "name=value"))
    var assignments: [String] = []

    func validate() throws {
        var names: Set<String> = []
        for assignment in assignments {
            guard let sign = assignment.firstIndex(of: "="), sign > assignment.startIndex else {
                throw ValidationError("--set takes name=value, not \"\(assignment.printable)\"")
            }
            guard names.insert(String(assignment[..<sign])).inserted else {
                throw ValidationError("--set gives \(assignment[..<sign]) twice")
            }
        }
    }

    /// Names and values.
    var values: [String: String] {
        var values: [String: String] = [:]
        for assignment in assignments {
            guard let sign = assignment.firstIndex(of: "=") else { continue }
            values[String(assignment[..<sign])] = String(assignment[sign...].dropFirst())
        }
        return values
    }

    /// The values, each of which a provider's definition takes.
    func values(for provider: Provider) throws(CommandFailure) -> [String: String] {
        let values = values
        do throws(SettingError) {
            try provider.check(given: values)
        } catch {
            throw CommandFailure(.usage, "--set \(error.description.printable)")
        }
        return values
    }
}
