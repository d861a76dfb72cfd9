// SPDX-License-Identifier: Apache-2.0

import CWipingAllocator
import Glibc
import TokenVault
import TokenVaultCommand

TokenVaultCommand.openStandardDescriptors()
// Before anything else: from here on no crash is reported, and OpenSSL and curl, which take their
// allocators only while they are untouched, find nothing in the environment that gives keys away.
let isHardened = MemoryHygiene.hardenProcess()
MemoryHygiene.install()
guard tv_wiping_allocator_linked() != 0, isHardened else {
    let message = Array("tokenvault: this process cannot keep secrets to itself: stopped\n".utf8)
    _ = unsafe write(STDERR_FILENO, message, message.count)
    exit(70)
}
exit(await TokenVaultCommand.run())
