// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// One rule set for every Swift target: nothing unsafe unmarked, nothing imported by accident.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// `make races` sets the variable. Only what is ours is watched: under the sanitizer Swift 6.3.1
/// cannot compile swift-collections.
let isWatched = Context.environment["TOKENVAULT_THREAD_SANITIZER"] != nil
let watched: [SwiftSetting] = isWatched ? [.unsafeFlags(["-sanitize=thread"])] : []

/// Whoever embeds the library alone says `traits: []`, and fetches swift-collections and no more.
let tools = "Tools"

/// What only the front, the catalog, the commands and the practice server need.
func tool(_ product: String, _ package: String) -> Target.Dependency {
    .product(name: product, package: package, condition: .when(traits: [tools]))
}

let package = Package(
    name: "TokenVault",
    products: [
        .library(name: "TokenVault", targets: ["TokenVault"]),
        .library(name: "ProviderCatalog", targets: ["ProviderCatalog"]),
        .library(name: "CallbackFront", targets: ["CallbackFront"]),
        .library(name: "VaultAPI", targets: ["VaultAPI"]),
        // For executables only: see its header.
        .library(name: "CWipingAllocator", targets: ["CWipingAllocator"]),
        // For a platform's own tests: a provider, and a clock that can be set.
        .library(name: "ProviderSimulator", targets: ["ProviderSimulator"]),
        .library(name: "TokenVaultTesting", targets: ["TokenVaultTesting"]),
        .library(name: "TokenVaultServices", targets: ["TokenVaultServices"]),
        .executable(name: "tokenvault", targets: ["tokenvault"]),
        .executable(name: "provider-simulator", targets: ["provider-simulator"]),
    ],
    traits: [
        .default(enabledTraits: [tools]),
        .trait(name: tools, description: "Everything but the library."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        // `make docs`. No target uses it, so that nobody who embeds the library fetches it.
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The four C libraries of the vault, and the only C of ours.
        .systemLibrary(
            name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(
            name: "CMemoryHygiene", dependencies: ["CCurl"],
            linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "CWipingAllocator"),

        // The library.
        .target(
            name: "TokenVault",
            dependencies: [
                "CSodium", "CLMDB", "CCurl", "CCrypto", "CMemoryHygiene",
                .product(name: "BasicContainers", package: "swift-collections"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: strict + watched),
        .target(
            name: "TokenVaultTesting", dependencies: ["TokenVault"], swiftSettings: strict),
        .target(
            name: "ProviderCatalog",
            dependencies: ["TokenVault", tool("Yams", "Yams")],
            resources: [.embedInCode("Providers")],
            swiftSettings: strict),

        // What stands on it.
        .target(
            name: "CallbackFront",
            dependencies: [
                "TokenVault",
                tool("Hummingbird", "hummingbird"),
                tool("HummingbirdCore", "hummingbird"),
                tool("HTTPTypes", "swift-http-types"),
                tool("Logging", "swift-log"),
                tool("Mustache", "swift-mustache"),
                tool("NIOCore", "swift-nio"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("Pages")],
            swiftSettings: strict),
        // For platforms in other languages.
        .target(
            name: "VaultAPI",
            dependencies: [
                "TokenVault", "CallbackFront", "ProviderCatalog",
                tool("Hummingbird", "hummingbird"),
                tool("HummingbirdCore", "hummingbird"),
                tool("HTTPTypes", "swift-http-types"),
                tool("Logging", "swift-log"),
                tool("NIOCore", "swift-nio"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
            ],
            resources: [.embedInCode("openapi.json")],
            swiftSettings: strict),
        .target(
            name: "TokenVaultServices",
            dependencies: [
                "TokenVault", "CallbackFront",
                tool("HTTPTypes", "swift-http-types"),
                tool("Hummingbird", "hummingbird"),
                tool("HummingbirdCore", "hummingbird"),
                tool("Logging", "swift-log"),
                tool("NIOCore", "swift-nio"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
                tool("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "TokenVaultCommand",
            dependencies: [
                "TokenVault", "ProviderCatalog", "CallbackFront", "VaultAPI", "ProviderSimulator",
                "TokenVaultServices",
                tool("ArgumentParser", "swift-argument-parser"),
                tool("Logging", "swift-log"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
                tool("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "tokenvault",
            dependencies: ["TokenVaultCommand", "TokenVault", "CWipingAllocator"],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),

        // A practice authorization server: the demo, the tests (a platform's, too) and the
        // benchmarks use it.
        .target(
            name: "ProviderSimulator",
            dependencies: [
                tool("Crypto", "swift-crypto"),
                tool("CryptoExtras", "swift-crypto"),
                tool("Hummingbird", "hummingbird"),
                tool("HummingbirdCore", "hummingbird"),
                tool("HummingbirdTLS", "hummingbird"),
                tool("HTTPTypes", "swift-http-types"),
                tool("Logging", "swift-log"),
                tool("NIOCore", "swift-nio"),
                tool("NIOSSL", "swift-nio-ssl"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
                tool("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "provider-simulator",
            dependencies: [
                "ProviderSimulator",
                tool("ArgumentParser", "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Like tokenvault, but others may look into its memory, as `make demo` does.
        .executableTarget(
            name: "tokenvault-demo",
            dependencies: [
                "TokenVaultCommand", "TokenVault", "CMemoryHygiene", "CWipingAllocator",
            ],
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),

        // The vault's side of the benchmarks; their floors in C are compiled by benchmarks/run.
        .executableTarget(
            name: "tokenvault-bench", dependencies: ["TokenVault"], path: "benchmarks/Harness",
            swiftSettings: strict + watched,
            linkerSettings: isWatched ? [.unsafeFlags(["-sanitize=thread"])] : []),

        // Tests mirror Sources.
        .testTarget(
            name: "BenchmarkTests", dependencies: ["tokenvault-bench"], swiftSettings: strict),
        .target(name: "CSpawn", path: "Tests/CSpawn"),
        .target(
            name: "TestSupport", dependencies: ["TokenVault", "CSpawn"],
            path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "TestSupportTests", dependencies: ["TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "TokenVaultTests", dependencies: ["TokenVault", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ProviderSimulatorTests",
            dependencies: [
                "ProviderSimulator", "TestSupport", "provider-simulator",
                tool("Crypto", "swift-crypto"),
                tool("NIOCore", "swift-nio"),
                tool("NIOPosix", "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LifeTests",
            dependencies: ["TokenVault", "TokenVaultTesting", "TestSupport", "ProviderSimulator"],
            swiftSettings: strict),
        // What the article on a platform's tests shows: it sees what another package would see.
        .testTarget(
            name: "PlatformTests",
            dependencies: ["TokenVault", "TokenVaultTesting", "ProviderSimulator"],
            packageAccess: false, swiftSettings: strict),
        // Against authorization servers that are not ours; Server/prepare installs them.
        .testTarget(
            name: "RealServerTests", dependencies: ["TokenVault", "TestSupport"],
            exclude: ["Server"], swiftSettings: strict),
        .testTarget(
            name: "ReadmeTests",
            dependencies: ["embed-in-hummingbird", "ProviderSimulator", "TestSupport"],
            exclude: ["consumer", "hummingbird", "newcomer"], swiftSettings: strict),
        // The program of the article, built as an embedder would.
        .executableTarget(
            name: "embed-in-hummingbird",
            dependencies: [
                "TokenVault", "CallbackFront", "TokenVaultServices",
                tool("Hummingbird", "hummingbird"),
                tool("Logging", "swift-log"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
            ],
            path: "Tests/ReadmeTests/hummingbird"),
        .testTarget(
            name: "ProviderCatalogTests", dependencies: ["ProviderCatalog", "TokenVault"],
            swiftSettings: strict),
        // The catalog's definitions, driven at the providers that the practice server plays.
        .testTarget(
            name: "CatalogTests",
            dependencies: [
                "ProviderCatalog", "TokenVault", "TokenVaultTesting", "TestSupport",
                "ProviderSimulator",
            ],
            swiftSettings: strict),
        // The executable is no dependency: its allocator must not become the tests' own.
        .testTarget(
            name: "TokenVaultCommandTests",
            dependencies: [
                "TokenVaultCommand", "TokenVault", "ProviderSimulator", "TestSupport",
            ],
            swiftSettings: strict),
        // Like tokenvault, but careless: what the memory proof must fail on.
        .executableTarget(
            name: "tokenvault-leaky", dependencies: ["TokenVaultCommand", "TokenVault"],
            path: "Tests/Forensics/LeakyCommand", swiftSettings: strict),
        // A host of the library, whose memory is searched. Nothing but what an embedder can do.
        .executableTarget(
            name: "proof-subject", dependencies: ["TokenVault"], path: "Tests/ProofSubject",
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),
        .testTarget(
            name: "ProofTests", dependencies: ["TokenVault", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "CallbackFrontTests",
            dependencies: [
                "CallbackFront", "TokenVault", "ProviderSimulator", "TestSupport",
                tool("Hummingbird", "hummingbird"),
                tool("HTTPTypes", "swift-http-types"),
                tool("Logging", "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "VaultAPITests",
            dependencies: [
                "VaultAPI", "TokenVault", "TokenVaultTesting", "ProviderSimulator", "TestSupport",
                tool("HTTPTypes", "swift-http-types"),
                tool("Logging", "swift-log"),
                tool("NIOCore", "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TokenVaultServicesTests",
            dependencies: [
                "TokenVaultServices", "TokenVault", "CallbackFront", "ProviderSimulator",
                "TestSupport",
                tool("Logging", "swift-log"),
                tool("ServiceLifecycle", "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        // A process that is killed, and the tests that do it.
        .target(name: "CCrashPoints", path: "Tests/Crash/CCrashPoints"),
        .executableTarget(
            name: "crash-subject", dependencies: ["TokenVault", "TestSupport", "CCrashPoints"],
            path: "Tests/Crash/crash-subject", swiftSettings: strict),
        .executableTarget(
            name: "fork-subject", dependencies: ["TokenVault", "TestSupport", "CCrashPoints"],
            path: "Tests/Crash/fork-subject", swiftSettings: strict),
        .testTarget(
            name: "CrashTests",
            dependencies: [
                "TokenVault", "TestSupport", "CCrashPoints", "crash-subject", "fork-subject",
                "provider-simulator",
            ],
            swiftSettings: strict),
        // The vault's own code on one thread, with a virtual clock, network and disk.
        .target(
            name: "Simulation",
            dependencies: [
                "TokenVault", "TestSupport",
                .product(name: "BasicContainers", package: "swift-collections"),
            ],
            path: "Tests/Simulation", exclude: ["README.md"], swiftSettings: strict),
        .executableTarget(
            name: "simulate", dependencies: ["Simulation", "TestSupport"],
            path: "Tests/Simulate", swiftSettings: strict),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation", "simulate", "TokenVault", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
