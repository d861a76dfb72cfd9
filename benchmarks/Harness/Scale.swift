// SPDX-License-Identifier: Apache-2.0

/// How much is measured.
struct Scale {
    var repetitions = 5
    /// The two sizes of a vault that have goals.
    var small = 100_000
    var large = 1_000_000
    /// The sizes of the curve beside them.
    var curve = [10_000, 30_000, 300_000]
    var heaps = [100_000, 1_000_000, 10_000_000]
    var heapOperations = 2_000_000
    var reads = 400_000
    var puts = 50_000
    var servedReads = 500
    var refreshes = 20_000
    /// Of peers that take milliseconds for one.
    var slowRefreshes = 2000
    var manyDisconnects = 1000
    var singleDisconnects = 100
    var idleSeconds = 60
    var sustainedSeconds = 60
    /// What may fall due in a second, however fast the machine is.
    var duePerSecondMax = 20_000.0

    init(_ name: String) throws {
        switch name {
        case "default": break
        case "full": curve += [3_000_000]
        case "quick":
            // Whether everything still runs; says nothing about speed.
            repetitions = 1
            (small, large, curve) = (2000, 5000, [1000])
            (heaps, heapOperations) = ([1000], 1000)
            (reads, puts, refreshes, slowRefreshes) = (4000, 2000, 2000, 200)
            (manyDisconnects, singleDisconnects) = (100, 5)
            (idleSeconds, sustainedSeconds, duePerSecondMax) = (1, 3, 500)
        default: throw BenchmarkFailure("the scale is quick, default or full, not \(name)")
        }
    }
}
