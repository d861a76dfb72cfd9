// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import TokenVault

/// What is told of a vault: collected when somebody asks, from numbers that are kept anyway.
/// Nothing is pushed: a refresh costs an addition for each, whether anybody watches or not.
struct VaultMetrics {
    let vault: Vault
    let front: CallbackFront?
    let census: LightCensus

    func add(to text: inout PrometheusText) {
        if let counters = try? vault.counters() {
            Self.addRefreshes(counters, &text)
            Self.addStore(counters, &text)
        }
        addLights(&text)
        if let front { Self.addFront(front.requestCounts, &text) }
    }

    private static func addRefreshes(_ counters: VaultCounters, _ text: inout PrometheusText) {
        let answers = "tokenvault_refresh_answers_total"
        text.begin(
            answers, .counter,
            "Answers of providers to refreshes, by application and by the verdict on them. "
                + "Applications beyond the first 200 are counted as one without a name.")
        for counted in counters.answers where counted.application != nil || counted.count > 0 {
            let labels = [
                ("application", counted.application?.text ?? ""),
                ("verdict", words(counted.answer.rawValue)),
            ]
            text.sample(answers, labels, "\(counted.count)")
        }
        text.add(
            "tokenvault_refresh_lateness_seconds",
            "Time between the moment a refresh was due and the moment it was sent.",
            counters.lateness, unit: 1000)
        let gauges = [
            ("scheduled", "Connections that are due later.", counters.scheduledCount),
            (
                "backlog", "Connections that are due and whose refresh has not begun.",
                counters.backlogCount
            ),
            (
                "callers_waiting", "Connections that callers wait for, before their turn.",
                counters.demandCount
            ),
            (
                "in_progress", "Refreshes that are prepared, out, or being stored.",
                counters.underWayCount
            ),
            (
                "answers_overdue", "Refreshes whose answer is overdue and listened for.",
                counters.overdueCount
            ),
        ]
        for (name, help, count) in gauges {
            text.add("tokenvault_refresh_\(name)", .gauge, help, count)
        }
    }

    private static func addStore(_ counters: VaultCounters, _ text: inout PrometheusText) {
        text.add(
            "tokenvault_commit_duration_seconds",
            "Duration of the store's transactions, disk sync included.", counters.commitTimes,
            unit: 1_000_000)
        text.add(
            "tokenvault_commit_size", "Commits that one transaction made durable.",
            counters.commitSizes)
        text.add(
            "tokenvault_flows_open", .gauge,
            "Links not opened yet, authorizations not ended, and callbacks not confirmed yet.",
            counters.flowCount)
        text.add(
            "tokenvault_webhooks_stopped", .gauge,
            "Webhooks to which nothing is sent until they are resumed.",
            counters.stoppedWebhookCount)
        text.add(
            "tokenvault_secrets_open", .gauge, "Secrets that lie open in this process's memory.",
            counters.openSecretCount)
        text.add(
            "tokenvault_storage_refusing", "1 where the disk is full or fails.",
            counters.isStorageRefusing)
        text.add(
            "tokenvault_verified", "1 once every record is verified.", counters.isVerified)
    }

    private func addLights(_ text: inout PrometheusText) {
        guard let finding = census.finding() else { return }
        text.begin(
            "tokenvault_connections", .gauge,
            "Connections by their light, as of tokenvault_connections_age_seconds ago.")
        for light in [ConnectionStatus.Light.green, .yellow, .red] {
            text.sample(
                "tokenvault_connections", [("light", light.rawValue)],
                "\(finding.counts[light] ?? 0)")
        }
        text.add(
            "tokenvault_connections_age_seconds", .gauge,
            "Time since the connections were counted; they are while somebody scrapes.",
            (ContinuousClock.now - finding.ended).components.seconds)
        text.add(
            "tokenvault_connections_count_duration_seconds", .gauge,
            "How long counting them took.", (finding.ended - finding.began).components.seconds)
    }

    /// What the front has counted: requests by `METHOD ROUTE STATUS`, and why flows failed.
    private static func addFront(_ counts: [String: UInt64], _ text: inout PrometheusText) {
        var requests: [(labels: [(String, String)], count: UInt64)] = []
        var outcomes: [(labels: [(String, String)], count: UInt64)] = []
        for (kind, count) in counts.sorted(by: { $0.key < $1.key }) {
            let words = kind.split(separator: " ")
            if words.count == 3, let status = Int(words[2]), (100...599).contains(status) {
                let labels = [
                    ("method", String(words[0])), ("route", String(words[1])),
                    ("status", String(words[2])),
                ]
                requests.append((labels, count))
            } else {
                let parts = kind.split(separator: ":", maxSplits: 1)
                let reason = parts.count < 2 ? "" : parts[1].drop { $0 == " " }
                let labels = [
                    ("outcome", parts.first.map(String.init) ?? ""), ("reason", String(reason)),
                ]
                outcomes.append((labels, count))
            }
        }
        for (name, help, samples) in [
            ("tokenvault_front_requests_total", "Requests of browsers.", requests),
            ("tokenvault_front_outcomes_total", "How flows ended at the front.", outcomes),
        ] {
            text.begin(name, .counter, help)
            for sample in samples { text.sample(name, sample.labels, "\(sample.count)") }
        }
    }

    /// `applicationRejected` as `application_rejected`.
    private static func words(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }
}
