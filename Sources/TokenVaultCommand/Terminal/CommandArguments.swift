// SPDX-License-Identifier: Apache-2.0

/// The arguments as the system has them, before they are text.
enum CommandArguments {
    /// - Throws: where there are none, and where one is not UTF-8: Swift may make the same text of
    ///   two such arguments, and two ids would be one.
    static func check() throws(CommandFailure) {
        guard CommandLine.argc > 0 else { throw missing }
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let argument = unsafe CommandLine.unsafeArgv[index] else { break }
            guard unsafe String(validatingCString: argument) != nil else { throw unreadable(index) }
        }
    }

    /// Swift reads them there.
    static var missing: CommandFailure {
        CommandFailure(
            .internalFault,
            "the arguments cannot be read: /proc is not mounted, and this program needs it")
    }

    static func unreadable(_ number: Int) -> CommandFailure {
        CommandFailure(.usage, "argument \(number) is not UTF-8: nothing was done")
    }
}
