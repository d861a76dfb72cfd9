// SPDX-License-Identifier: Apache-2.0

public import TokenVault

/// Metrics as Prometheus reads them: text exposition format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats).
public struct PrometheusText: Sendable {
    /// What the numbers of a metric are.
    public enum Kind: String, Sendable {
        /// They only grow, until the process ends.
        case counter
        /// They go up and down.
        case gauge
        /// They are counted in buckets.
        case histogram
    }

    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

    /// What was added so far.
    public private(set) var text = ""

    /// Nothing yet.
    public init() {}

    /// Begins a metric, all of whose samples follow at once.
    public mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quote: false))\n"
        text += "# TYPE \(name) \(kind.rawValue)\n"
    }

    /// A sample of the metric that was begun last.
    public mutating func sample(
        _ name: String, _ labels: [(name: String, value: String)] = [], _ value: String
    ) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quote: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(value)\n"
    }

    /// A metric of one sample.
    public mutating func add(
        _ name: String, _ kind: Kind, _ help: String, _ value: some Numeric & Sendable
    ) {
        begin(name, kind, help)
        sample(name, "\(value)")
    }

    /// A metric of one sample, that is 0 or 1.
    public mutating func add(_ name: String, _ help: String, _ isSo: Bool) {
        add(name, .gauge, help, isSo ? 1 : 0)
    }

    /// - Parameter unit: how many of the histogram's units are one of the metric's.
    public mutating func add(
        _ name: String, _ help: String, _ histogram: Histogram, unit: Double = 1
    ) {
        begin(name, .histogram, help)
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total += count
            sample("\(name)_bucket", [("le", Self.number(Double(bound) / unit))], "\(total)")
        }
        total += histogram.counts.last ?? 0
        sample("\(name)_bucket", [("le", "+Inf")], "\(total)")
        sample("\(name)_sum", Self.number(Double(histogram.sum) / unit))
        sample("\(name)_count", "\(total)")
    }

    private mutating func sample(_ name: String, _ value: String) { sample(name, [], value) }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    /// A line stays a line, whatever an id is made of: what is no character of its own is written
    /// as `\u{...}`, with its backslash doubled.
    private static func escaped(_ text: String, quote: Bool) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "\\": result += "\\\\"
            case "\"" where quote: result += "\\\""
            case _ where isControl(scalar):
                result += "\\\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
