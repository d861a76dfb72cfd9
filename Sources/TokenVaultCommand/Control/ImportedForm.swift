// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What became of some lines of an import; those of which nothing is said were imported. Places
/// count from 0 on, in the lines that were sent.
struct ImportedForm: Codable, Sendable {
    var importedCount = 0
    var alreadyThereCount = 0
    /// Connections that have other tokens than the line.
    var left: [Int] = []
    var refused: [RefusedLine] = []
}

/// A line that was not imported, and why: which member and rule, or what the vault says.
struct RefusedLine: Codable, Sendable {
    var line: Int
    var member: String?
    var problem: String?
    var limit: Int?
    var failure: FailureForm?

    init(_ line: Int, _ fault: LineFault) {
        self.line = line
        member = fault.member
        problem = fault.problem.rawValue
        limit = fault.limit
    }

    init(_ line: Int, _ error: VaultError) {
        self.line = line
        failure = FailureForm(error)
        // Its id is a value of the line.
        failure?.connection = nil
    }

    /// For people, with what to do; never a value of the line.
    var text: String {
        if let failure {
            let error = failure.error
            return CommandFailure(error)?.message ?? "cannot be imported"
        }
        let fault = LineFault(
            member, problem.flatMap(LineFault.Problem.init(rawValue:)) ?? .notAnObject,
            limit: limit ?? 0)
        return fault.text
    }
}

extension OwnVault {
    /// Imports whole lines.
    ///
    /// - Throws: what is wrong with the vault, and not with a line. Lines may be imported by then.
    func importLines(
        _ lines: consuming Secret?, _ replaces: Bool, _ skips: [Int]
    ) async throws -> ImportedForm {
        switch consume lines {
        case .none: throw VaultError(.invalidArgument, .vault)
        case .some(let lines):
            var form = ImportedForm()
            let results = try await vault.importLines(
                lines, replacing: replaces, skipping: Set(skips))
            for (line, result) in results {
                switch result {
                case .done(.imported): form.importedCount += 1
                case .done(.alreadyThere): form.alreadyThereCount += 1
                case .done: form.left.append(line)
                case .faulty(let fault): form.refused.append(RefusedLine(line, fault))
                case .failed(let error):
                    guard Self.isOfLine(error) else { throw error }
                    form.refused.append(RefusedLine(line, error))
                }
            }
            return form
        }
    }

    /// Whether an error says something of one line, and not of the vault.
    private static func isOfLine(_ error: VaultError) -> Bool {
        let codes: [VaultError.Code] = [
            .invalidArgument, .limitExceeded, .applicationNotFound, .endpointRefused,
            .disconnecting,
        ]
        return codes.contains(error.code)
    }
}
