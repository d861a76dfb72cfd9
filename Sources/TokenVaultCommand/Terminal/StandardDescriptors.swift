// SPDX-License-Identifier: Apache-2.0

import Glibc

extension TokenVaultCommand {
    /// Opens those of the descriptors 0 to 2 on /dev/null that are closed: the next file that is
    /// opened would be one of them, and what is said to people would be written to it. Before
    /// anything else.
    public static func openStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO
        where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
            // The lowest that is free: this one.
            guard unsafe open("/dev/null", O_RDWR) == descriptor else { exit(70) }
        }
    }
}
