// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// An HTTP proxy on loopback in a process of its own (Python's `socket`) that takes CONNECT, to
/// whatever host and port, and goes to one port of this machine. It keeps every byte that clients
/// send it.
final class ConnectProxy {
    /// What it does with a CONNECT.
    enum Behaviour {
        case tunnels
        /// Only with these credentials, in Base64; else 407.
        case demands(String)
        case answers(Int)
        case closes
        case hangs

        fileprivate var words: [String] {
            switch self {
            case .tunnels: ["tunnels", ""]
            case .demands(let credentials): ["demands", credentials]
            case .answers(let status): ["answers", "\(status)"]
            case .closes: ["closes", ""]
            case .hangs: ["hangs", ""]
            }
        }
    }

    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }
    private let process: ChildProcess
    private let directory: URL

    init(_ behaviour: Behaviour = .tunnels, to target: Int = 0) throws {
        directory = FileManager.default.temporaryDirectory.appending(
            path: "tokenvault-proxy-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let path = directory.path + "/"
        try Self.script.write(toFile: path + "proxy.py", atomically: true, encoding: .utf8)
        let output = try PipeEnd.pair()
        process = try ChildProcess(
            "/usr/bin/env",
            ["python3", path + "proxy.py", path + "seen", "\(target)"] + behaviour.words,
            output: .pipe(output.writing), errors: .nothing)
        port = try Int(output.reading.readLine()) ?? 0
    }

    deinit {
        process.terminate()
        process.wait()
        try? FileManager.default.removeItem(at: directory)
    }

    /// All that clients have sent, through tunnels too.
    var seen: String {
        let bytes = try? Data(contentsOf: directory.appending(path: "seen"))
        return String(decoding: bytes ?? Data(), as: Unicode.ASCII.self)
    }

    /// How often it was asked for a tunnel.
    var connectCount: Int { seen.components(separatedBy: "CONNECT ").count - 1 }

    private static let script = """
        import socket, sys, threading, time
        seen = open(sys.argv[1], "ab", buffering=0)
        target, behaviour, detail = int(sys.argv[2]), sys.argv[3], sys.argv[4]
        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)

        def pump(source, sink, keeps):
            try:
                while piece := source.recv(65536):
                    if keeps:
                        seen.write(piece)
                    sink.sendall(piece)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        def serve(client):
            head = b""
            while b"\\r\\n\\r\\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                seen.write(piece)
                head += piece
            status = int(detail) if behaviour == "answers" else 200
            wanted = f"\\r\\nProxy-Authorization: Basic {detail}\\r\\n".encode()
            if behaviour == "demands" and wanted not in head:
                status = 407
            if behaviour == "closes":
                client.close()
                return
            if behaviour == "hangs":
                time.sleep(60)
            fields = "Content-Encoding: br\\r\\nRetry-After: 900\\r\\n"
            if status != 200:
                fields += "Proxy-Authenticate: Basic\\r\\nContent-Length: 2\\r\\n"
                client.sendall(f"HTTP/1.1 {status} No\\r\\n{fields}\\r\\nno".encode())
                client.recv(1)
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", target))
            client.sendall(f"HTTP/1.1 200 Yes\\r\\n{fields}\\r\\n".encode())
            threading.Thread(target=pump, args=(server, client, False), daemon=True).start()
            pump(client, server, True)

        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        """
}
