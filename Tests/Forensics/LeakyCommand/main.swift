// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault
import TokenVaultCommand

// The command as it would be without its care: plain allocators, no scrubbing, nothing hardened. A
// proof that no token stays in memory must fail on this one, or it proves nothing.
MemoryHygiene.forbidWiping()
exit(await TokenVaultCommand.run())
