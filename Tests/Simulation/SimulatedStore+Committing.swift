// SPDX-License-Identifier: Apache-2.0

import BasicContainers

@testable import TokenVault

extension SimulatedStore: Committing {
    func submit(_ commit: Commit) {
        if isDead || isClosing && !isFinishing {
            return commit.end(.failure(VaultError(.closed, .store)))
        }
        guard isAllowed || commit.isRecovery else {
            return commit.end(.failure(refusesCommits ?? VaultError(.notVerified, .store)))
        }
        waiting.append(commit)
        if isImmediate { return commitGroup() }
        if acknowledgesEarly { return acknowledge() }
        guard !isWriting else { return }
        isWriting = true
        wait { [self] in commitGroup() }
    }

    func refuse(_ error: VaultError) { refusesCommits = refusesCommits ?? error }

    func allow(_ verified: Verified) { isAllowed = true }

    func observeEvents(_ observer: @escaping @Sendable () -> Void) { eventObserver = observer }

    /// The disk has done its work: what waits, at most as many as the writer takes, is true now.
    func commitGroup() {
        guard !isDead, !waiting.isEmpty else { return }
        let count = min(waiting.count, Committer.groupMax)
        let group = Array(waiting[..<count])
        waiting.removeFirst(count)
        disk.releaseSlots()
        var results: [Result<Committed, VaultError>] = []
        var news: [Disk.DurableChange] = []
        for commit in group {
            if let refusesCommits {
                results.append(.failure(refusesCommits))
            } else {
                results.append(disk.apply(commit) { news.append($0) })
            }
        }
        disk.groups += 1
        for change in news { tell(change) }
        if !isImmediate, !isClosing {
            waiting = group + waiting
            if crashes() { return }
            waiting.removeFirst(count)
        }
        eventObserver()
        for (commit, result) in zip(group, results) where !swallows(commit) { commit.end(result) }
        isWriting = !waiting.isEmpty
        if isWriting { wait { [self] in commitGroup() } }
    }

    private func swallows(_ commit: Commit) -> Bool {
        guard disk.sabotage == .swallowsErasures, !isImmediate else { return false }
        return commit.changes.indices.contains {
            if case .erase = commit.changes[$0].kind { true } else { false }
        }
    }

    /// The process is gone: whatever waits for a commit is told so, and nothing is written.
    func die() {
        isDead = true
        if let lasting { disk.contents = lasting }
        fail()
    }

    /// An orderly end: makes durable what waits and what follows from it, and takes nothing more.
    func finish() {
        (isClosing, isFinishing) = (true, true)
        while !waiting.isEmpty, !isDead { commitGroup() }
        isFinishing = false
        fail()
    }

    private func fail() {
        while !waiting.isEmpty {
            let left = waiting
            waiting = []
            for commit in left { commit.end(.failure(VaultError(.closed, .store))) }
        }
    }

    /// What a committer must never do: it says that a commit lasts, and only later it does.
    private func acknowledge() {
        if lasting == nil { lasting = disk.contents }
        let commits = waiting
        waiting = []
        disk.releaseSlots()
        let results = commits.map { disk.apply($0) { lastingNews.append($0) } }
        for (commit, result) in zip(commits, results) { commit.end(result) }
        guard !isWriting else { return }
        isWriting = true
        wait { [self] in
            guard !isDead else { return }
            isWriting = false
            lasting = nil
            let news = lastingNews
            lastingNews = []
            for change in news { tell(change) }
        }
    }
}
