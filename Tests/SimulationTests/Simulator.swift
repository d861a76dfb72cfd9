// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The executable that `make simulate` runs.
enum Simulator {
    struct Failed: Error { let output: String }

    /// Runs it and returns what it wrote; a violation is a failure.
    static func run(_ arguments: [String]) throws -> String {
        let report = try ChildProcess.run(Built.product("simulate").path, arguments)
        guard report.status == 0 else { throw Failed(output: report.text + report.complaint) }
        return report.text
    }
}
