// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// What the command line says, and where the two other programs are.
struct Options {
    /// Whether the vault's directory stays when the demo ends.
    var keepsFiles = false
    /// The practice server's executable.
    var simulator: String
    /// The residue scanner's executable.
    var scanner: String

    static let help = """
        usage: tokenvault-demo [--keep] [--simulator PATH] [--scanner PATH]

        Takes one connection through its life on a practice server: connected, refreshed, lent,
        disconnected, and looked for afterwards. It asks nothing, needs no network but loopback,
        and takes about half a minute. `make demo` builds everything it needs and runs it.

          --keep            leave the vault's directory (and its key) behind, to look at
          --simulator PATH  the practice server; otherwise provider-simulator beside this program
          --scanner PATH    the residue scanner; otherwise forensics/residue_scanner above it

        Exit status: 0 every check held, 1 one did not or could not be made,
        64 an option is wrong.

        """

    /// Nil where help was asked for.
    init?(_ arguments: some Sequence<String>) throws(DemoFailure) {
        let here = Self.ownDirectory()
        simulator = "\(here)/provider-simulator"
        scanner = "\(here)/../forensics/residue_scanner"
        if !Self.isExecutable(scanner) { scanner = "\(here)/../../forensics/residue_scanner" }
        var rest = arguments.makeIterator()
        while let argument = rest.next() {
            switch argument {
            case "--help", "-h": return nil
            case "--keep": keepsFiles = true
            case "--simulator", "--scanner":
                guard let path = rest.next() else {
                    throw DemoFailure("\(argument) needs a path")
                }
                if argument == "--scanner" { scanner = path } else { simulator = path }
            default: throw DemoFailure("unknown option \(argument)")
            }
        }
        for path in [simulator, scanner] where !Self.isExecutable(path) {
            throw DemoFailure("there is no program at \(path); `make demo` builds it")
        }
    }

    private static func isExecutable(_ path: String) -> Bool { unsafe access(path, X_OK) == 0 }

    /// The directory this program was started from, links resolved.
    private static func ownDirectory() -> String {
        guard let resolved = unsafe realpath("/proc/self/exe", nil) else { return "." }
        defer { unsafe free(resolved) }
        let path = unsafe String(cString: resolved)
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return String(path[..<slash])
    }
}
