// SPDX-License-Identifier: Apache-2.0

import Testing
import TokenVaultServices

@testable import TokenVault

/// The text that Prometheus reads.
struct PrometheusTextTests {
    @Test func anIDCannotForgeALine() {
        var text = PrometheusText()
        text.begin("m_total", .counter, "Help\nwith a \"line\" and \\.")
        text.sample("m_total", [("application", "a\"} 7\nforged 1\u{1b}\\\u{202e}")], "1")
        #expect(
            text.text == """
                # HELP m_total Help\\\\u{a}with a "line" and \\\\.
                # TYPE m_total counter
                m_total{application="a\\"} 7\\\\u{a}forged 1\\\\u{1b}\\\\\\\\u{202e}"} 1

                """)
    }

    @Test func bucketsAreCumulative() {
        let counter = HistogramCounter(bounds: [100, 1000])
        for value: Int64 in [-5, 0, 100, 101, 5000, 250] { counter.add(value) }
        var text = PrometheusText()
        text.add("d_seconds", "Duration.", counter.histogram, unit: 1000)
        let samples = text.text.split(separator: "\n").dropFirst(2)
        #expect(
            Array(samples) == [
                "d_seconds_bucket{le=\"0.1\"} 3", "d_seconds_bucket{le=\"1\"} 5",
                "d_seconds_bucket{le=\"+Inf\"} 6", "d_seconds_sum 5.451", "d_seconds_count 6",
            ])
    }
}
