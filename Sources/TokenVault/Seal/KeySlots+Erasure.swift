// SPDX-License-Identifier: Apache-2.0

// What makes data unreadable for good: its key is overwritten where it lies.
extension KeySlots {
    /// Overwrites slots with random bytes, which some of them share, then with zeros, each durable
    /// before the next.
    ///
    /// - Throws: `integrityFailed` where the file has no such slot; none was overwritten then.
    func erase(_ numbers: [UInt32]) throws(VaultError) {
        guard numbers.allSatisfy({ Int($0) < slotCount }) else {
            throw VaultError(.integrityFailed, .seal)
        }
        let runs = Self.runs(of: numbers)
        guard let slotCount = runs.map(\.count).max() else { return }
        try overwrite(runs, with: Secret(random: slotCount * Self.slotBytes))
        try overwrite(runs, with: Secret(zeroes: slotCount * Self.slotBytes))
    }

    private func overwrite(
        _ runs: [Range<UInt32>], with bytes: consuming Secret
    ) throws(VaultError) {
        for run in runs {
            try file.write(
                bytes.bytes.extracting(0..<run.count * Self.slotBytes),
                at: Int(run.lowerBound) * Self.slotBytes)
        }
        try file.sync()
    }

    /// Neighbours together, a page of them at the most: each run is one call to the kernel.
    private static func runs(of numbers: [UInt32]) -> [Range<UInt32>] {
        var runs: [Range<UInt32>] = []
        for number in numbers.sorted() {
            if let last = runs.last, last.contains(number) { continue }
            if let last = runs.last, last.upperBound == number, last.count < slotsPerPage {
                runs[runs.count - 1] = last.lowerBound..<number + 1
            } else {
                runs.append(number..<number + 1)
            }
        }
        return runs
    }
}
