// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Durable puts over connections that are there, by many tasks at once: what waits together is made
/// durable together. The old record is read and an event is written too, which the first floor does
/// not.
struct DurablePut {
    let home: String
    let connections: Int
    let puts: Int

    func measure() async throws -> Measurement {
        let population = Population(home: home)
        let vault = try await population.open()
        let application = try await population.register(in: vault, url: "http://127.0.0.1:1/token")
        let numbers = TokenRead.shuffled(connections)
        let expiry = Population.now().adding(milliseconds: Population.lifetimeMilliseconds)
        let last = try Population.id(numbers[puts - 1])
        let before = try vault.status(last)?.generation
        let measurement = try await Measurement(of: puts) {
            try await Population.share(0..<puts, among: Population.writersMax) { index in
                try await Population.put(numbers[index], in: vault, application, expiry: expiry)
            }
        }
        guard let after = try vault.status(last)?.generation, let before, after > before else {
            throw BenchmarkFailure("a put that is not there")
        }
        vault.close()
        return measurement
    }
}
