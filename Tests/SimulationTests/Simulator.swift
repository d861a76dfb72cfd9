// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// The executable that `make simulate` runs.
enum Simulator {
    struct Failed: Error { let output: String }

    /// Runs it and returns what it wrote; a violation is a failure.
    static func run(_ arguments: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = try Built.product("simulate")
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let text = String(decoding: output, as: UTF8.self)
        guard process.terminationStatus == 0 else { throw Failed(output: text) }
        return text
    }
}
