// SPDX-License-Identifier: Apache-2.0

extension TransportRequest {
    /// The method of a request, what its body is, and the fields that it has beside those of all.
    package struct Head: Sendable, Hashable {
        /// The method.
        package var method = Provider.RevocationRequest.Method.post
        /// What the body is; no body has none.
        package var body = Provider.RevocationRequest.Body.form
        /// Further fields, each once. One of a name that all requests have takes its place.
        package var fields: [Provider.Parameter] = []

        /// How long its fields are, in bytes.
        var byteCount: Int {
            fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        }

        /// Its lines, those of all requests among them.
        func lines(common: [String]) -> [String] {
            let own = fields.map { "\($0.name): \($0.value)" }
            let names = Set(fields.map { $0.name.lowercased() })
            let others = common.filter { line in
                !names.contains(line.prefix { $0 != ":" }.lowercased())
            }
            return own + others + contentType
        }

        private var contentType: [String] {
            switch body {
            // curl says that by itself.
            case .form: []
            case .json: ["Content-Type: application/json"]
            // Without a value curl takes its own back.
            case .none: ["Content-Type:"]
            }
        }
    }
}
