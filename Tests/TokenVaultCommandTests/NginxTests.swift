// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// The server block that Operations.md shows, in a real nginx before a real `serve`.
struct NginxTests {
    private static let shipped = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "packaging/nginx/tokenvault.conf")

    private func shell(_ bench: Workbench, _ command: String) async throws -> Running.Output {
        let shell = try Running(
            ["sh", "-c", command], in: bench.folder, input: .text(""), environment: [:])
        return await shell.end()
    }

    /// What is shipped, with ports and files of this test.
    private func configure(_ bench: Workbench, _ port: Int, _ front: Int) async throws {
        let certificate = try await shell(
            bench,
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
                + "-subj /CN=oauth2.example.com -addext subjectAltName=DNS:oauth2.example.com "
                + "-keyout key.pem -out certificate.pem")
        try #require(certificate.status == 0, "\(certificate.errors)")
        let folder = bench.folder.path
        var block = try String(contentsOf: Self.shipped, encoding: .utf8)
        for (shipped, used) in [
            ("listen 443 ", "listen 127.0.0.1:\(port) "),
            ("    listen [::]:443 ssl;\n", ""), ("    listen [::]:443 ssl default_server;\n", ""),
            ("/etc/ssl/tokenvault/fullchain.pem", "\(folder)/certificate.pem"),
            ("/etc/ssl/tokenvault/privkey.pem", "\(folder)/key.pem"),
            ("/var/log/nginx/", "\(folder)/"), ("127.0.0.1:8080", "127.0.0.1:\(front)"),
        ] {
            #expect(block.contains(shipped), "\(shipped)")
            block = block.replacing(shipped, with: used)
        }
        try bench.write("tokenvault.conf", block, mode: 0o644)
        try bench.write(
            "nginx.conf",
            """
            daemon off;
            user root;
            pid \(folder)/nginx.pid;
            error_log \(folder)/error.log;
            events {}
            http { include \(folder)/tokenvault.conf; }
            """)
    }

    @Test func theServerBlockServesAndLogsNeitherCodeNorLink() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let (port, front) = (try freePort(), try freePort())
            try await configure(bench, port, front)
            let options = [
                "--listen", "127.0.0.1:\(front)", "--public-url", "https://oauth2.example.com",
            ]
            try await bench.serving(options) { _ in
                let nginx = try Running(
                    ["nginx", "-c", "\(bench.folder.path)/nginx.conf", "-p", bench.folder.path],
                    in: bench.folder, input: .text(""), environment: [:])
                let curl =
                    "curl -sS --cacert certificate.pem --retry 50 --retry-delay 1 "
                    + "--retry-connrefused -o page -w '%{http_code} %header{location}' "
                    + "--resolve oauth2.example.com:\(port):127.0.0.1 "
                let answer = try await shell(
                    bench,
                    curl + "'https://oauth2.example.com:\(port)/callback/demo?code=c0de&state=s'")
                // The front has refused it, and says so at an address that has no code.
                #expect(answer.text.hasPrefix("303 "), "\(answer)")
                #expect(!answer.text.contains("c0de"))
                let link = try await shell(
                    bench, curl + "https://oauth2.example.com:\(port)/connect/t0ken")
                #expect(link.text.hasPrefix("303 "), "\(link)")
                let stranger = try await shell(
                    bench, "curl -sk -o page https://127.0.0.1:\(port)/")
                #expect(stranger.status == 35)
                nginx.terminate()
                _ = await nginx.end()
                let log = try String(
                    contentsOf: bench.folder.appending(path: "tokenvault.log"), encoding: .utf8)
                #expect(log.contains("GET /callback/demo 303"))
                #expect(log.contains("GET /connect/- 303"))
                #expect(!log.contains("c0de") && !log.contains("t0ken"))
            }
        }
    }
}
