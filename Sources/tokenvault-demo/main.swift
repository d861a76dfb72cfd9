// SPDX-License-Identifier: Apache-2.0

import CMemoryHygiene
import CWipingAllocator
import Glibc
import TokenVault
import TokenVaultCommand

// `tokenvault` for the demo, which looks into its memory from outside. The executable that is
// shipped calls `MemoryHygiene.hardenProcess()` here, so that no other process of the user's can,
// and keeps its secrets in `memfd_secret`, which nobody can read at all. Everything else is alike.
TokenVaultCommand.openStandardDescriptors()
MemoryHygiene.install()
SecretArena.forbidSecretMemory()
tv_let_read_memory()
guard tv_wiping_allocator_linked() != 0 else {
    let message = Array("tokenvault-demo: freed memory is not wiped: stopped\n".utf8)
    _ = unsafe write(STDERR_FILENO, message, message.count)
    exit(70)
}
exit(await TokenVaultCommand.run())
