// SPDX-License-Identifier: Apache-2.0

internal import CWipingAllocator
internal import Glibc
internal import TokenVault

// Before anything else: OpenSSL and curl take their allocators only while they are untouched.
MemoryHygiene.install()

// The `tokenvault` executable calls `MemoryHygiene.hardenProcess()` here. This one must not: that
// call also keeps other processes of the same user from reading this one's memory, and being read
// by another process is what the demo is about. For the same reason its secrets lie in locked
// memory, not in `memfd_secret`, which no scanner can see.
SecretArena.forbidSecretMemory()

guard tv_wiping_allocator_linked() != 0 else {
    Console().write("tokenvault-demo: freed memory is not wiped in this build: stopped\n")
    exit(70)
}
Leftovers.shared.clearOnSignals()
exit(await Demo.run(CommandLine.arguments))
