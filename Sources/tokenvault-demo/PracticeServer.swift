// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import TokenVault

/// The practice server as a child process, and what the demo asks it, with `curl` as the client.
///
/// Tokens go from pipe to `Secret` and from `Secret` to pipe; none is ever in an argument, in a
/// file, or in a `String`.
struct PracticeServer {
    /// Where it listens.
    let baseURL: String
    /// Its process id.
    let id: pid_t

    private let controlHeaderFile: String

    /// Starts the server on a port that the system chooses.
    ///
    /// - Parameters:
    ///   - directory: where its keys and its log are written.
    ///   - clientSecretFile: the file that holds the application's secret.
    init(_ program: String, directory: String, clientSecretFile: String) throws {
        let log = "\(directory)/provider-simulator.log"
        let keyFile = "\(directory)/control.key"
        controlHeaderFile = "\(directory)/control.header"
        try Self.writeControlKey(keyFile, controlHeaderFile)
        let process = try ChildProcess(
            [
                program, "--port", "0", "--control-key-file", keyFile,
                "--client-id", Demo.applicationName, "--client-secret-file", clientSecretFile,
                "--redirect-uri", Demo.redirectURI, "--token-marker", "demo",
                "--access-lifetime", "\(Demo.lifetimeSeconds)", "--rotation", "strict",
            ], log: log)
        id = process.id
        Leftovers.shared.add(server: id)
        let line = try process.readText(toEndOfLine: true)
        let prefix = "listening on "
        guard line.hasPrefix(prefix), line.hasSuffix("\n") else {
            let words = try ChildProcess(["tail", "-n", "3", log]).readText()
            throw DemoFailure("the practice server did not start: \(words)")
        }
        baseURL = String(line.dropFirst(prefix.count).dropLast())
    }

    private static func writeControlKey(_ keyFile: String, _ headerFile: String) throws {
        let random = try Secret(random: 16)
        let key = try random.hexadecimal()
        try key.bytes.write(to: keyFile)
        let header = try Secret(joining: "X-Control-Key: ", key)
        try header.bytes.write(to: headerFile)
    }

    /// Consents as a person would on the page at `url`, and returns the query with which the
    /// browser is sent back.
    func consent(_ url: String, user: String) throws -> Secret {
        let parts = url.split(separator: "?", maxSplits: 1)
        guard parts.count == 2 else { throw DemoFailure("this is no authorization URL: \(url)") }
        let location = try curl([
            "--output", "/dev/null", "--write-out", "%{redirect_url}",
            "--data", "\(parts[1])&user=\(user)&decision=approve", String(parts[0]),
        ])
        guard let mark = location.bytes.offset(of: "?") else {
            throw DemoFailure("the practice server did not send the browser back")
        }
        return try Secret(copying: location.bytes.extracting(mark + 1..<location.count))
    }

    /// Shows an access token to the practice server, as a platform does; whether it was accepted.
    func accepts(_ token: borrowing Secret) throws -> Bool {
        var process = try ChildProcess(
            Self.curlWords + [
                "--output", "/dev/null", "--write-out", "%{http_code}", "--header", "@-",
                "\(baseURL)/userinfo",
            ])
        process.send("Authorization: Bearer ")
        process.send(token.bytes)
        process.send("\n")
        process.closeInput()
        let status = try process.readText()
        return process.wait() == 0 && status == "200"
    }

    /// Makes grants of invented people, as if each had gone through the browser, and gives the
    /// tokens of each to `body`.
    func mint(_ count: Int, _ body: (consuming Secret, consuming Secret) throws -> Void) throws {
        // An answer has to fit into one secret: about 250 of its 65,536 bytes for each grant.
        let batch = 100
        for start in stride(from: 0, to: count, by: batch) {
            let wanted = min(batch, count - start)
            let lines = try control(
                "grants?count=\(wanted)&user=invented-\(start)", ["--request", "POST"])
            var offset = 0
            for _ in 0..<wanted {
                let access = try lines.token("access_token", &offset)
                try body(access, lines.token("refresh_token", &offset))
            }
        }
    }

    /// Sets how long access tokens live from now on.
    func set(lifetimeSeconds: Int) throws {
        _ = try control("settings", ["--data", "{\"access_lifetime\":\(lifetimeSeconds)}"])
    }

    /// What the server has counted since it started.
    func counters() throws -> Counters {
        let json = try control("counters", [])
        return Counters(json.bytes.text)
    }

    /// One line of JSON about each grant of a person, or of all; no tokens.
    func grants(of user: String? = nil) throws -> [Substring] {
        let query = user.map { "?user=\($0)" } ?? ""
        let lines = try control("grants\(query)", [])
        return lines.bytes.text.split(separator: "\n")
    }

    private func control(_ path: String, _ words: [String]) throws -> Secret {
        try curl(["--header", "@\(controlHeaderFile)"] + words + ["\(baseURL)/control/\(path)"])
    }

    private static let curlWords = [
        // No settings and no proxy of this machine: everything stays on loopback.
        "curl", "--disable", "--noproxy", "*", "--silent", "--max-time", "10",
    ]

    private func curl(_ words: [String]) throws -> Secret {
        var process = try ChildProcess(Self.curlWords + ["--fail"] + words)
        process.closeInput()
        let answer = try process.read()
        let status = process.wait()
        guard status == 0 else {
            throw DemoFailure("the practice server does not answer: curl says \(status)")
        }
        return answer
    }

    /// What the practice server has counted.
    struct Counters {
        private let json: String

        init(_ json: String) { self.json = json }

        /// The counter with this name.
        subscript(name: String) -> Int {
            guard let range = json.firstRange(of: "\"\(name)\":") else { return -1 }
            return Int(json[range.upperBound...].prefix { $0.isNumber }) ?? -1
        }
    }
}
