// SPDX-License-Identifier: Apache-2.0

/// Whether the disk takes what refreshing has to store: it may be full, or broken.
struct StorageTrouble {
    /// Attempts whose answers wait for room.
    private var unstored: Set<UInt64> = []
    /// The last attempts could not be recorded, so nothing is sent.
    private var isRefusingAttempts = false

    /// Whether there is trouble at present.
    var isPresent: Bool { isRefusingAttempts || !unstored.isEmpty }

    /// What the disk did to an attempt's answer, or to a batch's attempts.
    enum Change {
        case unstored(UInt64), stored(UInt64)
        case attemptsRefused, attemptsTaken
    }

    /// Notes a change; true where the trouble begins or ends with it.
    mutating func note(_ change: Change) -> Bool {
        let wasPresent = isPresent
        switch change {
        case .unstored(let attempt): unstored.insert(attempt)
        case .stored(let attempt): if !unstored.isEmpty { unstored.remove(attempt) }
        case .attemptsRefused: isRefusingAttempts = true
        case .attemptsTaken: isRefusingAttempts = false
        }
        return isPresent != wasPresent
    }
}

extension VaultError {
    /// Whether it is the disk that has no room, or fails.
    var isOfStorage: Bool { code == .storeFull || code == .storageFailed }

    /// Whether it tells that what is stored is not what was written.
    var isOfDamage: Bool {
        code == .integrityFailed || code == .authenticationFailed || code == .recordDamaged
            || code == .limitExceeded && !isPassing
    }

    /// Whether it only tells that no block or no reader was free just then, and nothing of the
    /// store.
    var isPassing: Bool {
        code == .tooManySecrets || code == .limitExceeded && number == StoreLimits.readersMax
    }
}

extension Refresher {
    /// The disk has taken what needed no room kept back.
    func noteRoom() {
        if shared.withLock({ $0.storage.note(.attemptsTaken) }) { publishStorage(false) }
    }

    /// Tells that the disk's trouble began, or is over. The stream alone: a full disk keeps no log.
    func publishStorage(_ isPresent: Bool) {
        publish(.storageRefused, nil, number: isPresent ? 1 : 0)
    }
}
