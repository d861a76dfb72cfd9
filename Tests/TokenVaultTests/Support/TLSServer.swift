// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// A TLS server on loopback in a process of its own (Python's `ssl`), with a certificate authority
/// made for it by the `openssl` command. It answers every POST with `{"tls":1}`.
final class TLSServer {
    /// What its certificate is like.
    enum Certificate {
        case good, selfSigned, wrongHost, expired
    }

    let port: Int
    let caFile: String
    private let process: ChildProcess
    private let directory: URL

    /// - Parameter hasExcess: sends more than it announces, in one record with the body.
    init(
        _ certificate: Certificate, oldestProtocolOnly: Bool = false, hasExcess: Bool = false
    ) throws {
        directory = FileManager.default.temporaryDirectory.appending(
            path: "tokenvault-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let path = directory.path + "/"
        caFile = path + "ca.pem"
        try Self.makeAuthority(in: path)
        try Self.makeCertificate(certificate, in: path)
        try Self.script.write(toFile: path + "server.py", atomically: true, encoding: .utf8)
        let output = try PipeEnd.pair()
        process = try ChildProcess(
            "/usr/bin/env",
            [
                "python3", path + "server.py", path + "leaf.pem", path + "leaf.key",
                oldestProtocolOnly ? "old" : "new", hasExcess ? "more" : "",
            ], output: .pipe(output.writing), errors: .nothing)
        port = try Int(output.reading.readLine()) ?? 0
    }

    deinit {
        process.terminate()
        process.wait()
        try? FileManager.default.removeItem(at: directory)
    }

    private static let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private static func openssl(_ arguments: [String]) throws {
        let status = try ChildProcess.run("/usr/bin/env", ["openssl"] + arguments).status
        if status != 0 { throw CocoaError(.executableLoad) }
    }

    private static func makeAuthority(in path: String) throws {
        try openssl(
            ["req", "-x509"] + newKey + [
                "-keyout", path + "ca.key", "-out", path + "ca.pem", "-days", "2",
                "-subj", "/CN=Test Authority",
            ])
    }

    private static func makeCertificate(_ certificate: Certificate, in path: String) throws {
        let host = certificate == .wrongHost ? "elsewhere.example" : "localhost"
        let request =
            newKey + [
                "-keyout", path + "leaf.key", "-subj", "/CN=\(host)",
                "-addext", "subjectAltName=DNS:\(host)",
            ]
        if certificate == .selfSigned {
            try openssl(
                ["req", "-x509"] + request + ["-out", path + "leaf.pem", "-days", "2"])
            return
        }
        try openssl(["req", "-new"] + request + ["-out", path + "leaf.csr"])
        try openssl([
            "x509", "-req", "-in", path + "leaf.csr", "-CA", path + "ca.pem",
            "-CAkey", path + "ca.key", "-CAcreateserial", "-copy_extensions", "copy",
            "-days", certificate == .expired ? "-1" : "2", "-out", path + "leaf.pem",
        ])
    }

    private static let script = """
        import socket, ssl, sys, threading
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if sys.argv[3] == "old":
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)

        def serve(plain):
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    data = b""
                    while True:
                        while b"\\r\\n\\r\\n" not in data:
                            piece = connection.recv(65536)
                            if not piece:
                                return
                            data += piece
                        head, _, data = data.partition(b"\\r\\n\\r\\n")
                        length = 0
                        for line in head.lower().split(b"\\r\\n"):
                            if line.startswith(b"content-length:"):
                                length = int(line[15:])
                        while len(data) < length:
                            data += connection.recv(65536)
                        data = data[length:]
                        head = b"HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\n"
                        if sys.argv[4] == "more":
                            connection.sendall(head)
                            connection.sendall(b'{"tls":1}HTTP/1.1 400 No\\r\\n\\r\\n')
                        else:
                            connection.sendall(head + b'{"tls":1}')
            except OSError:
                plain.close()

        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """
}
