// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "memory_hygiene.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

// Swift's crash reporter has installed its handlers before main. It prints what registers point at,
// which may be a token, and holds on to the process's output while it does.
static void restore_handlers(void) {
    const int numbers[] = {SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP};
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        struct sigaction present, usual = {.sa_handler = SIG_DFL};
        if (sigaction(numbers[index], NULL, &present) != 0) continue;
        // What whoever started the process has it ignore stays so.
        if (present.sa_handler != SIG_IGN) sigaction(numbers[index], &usual, NULL);
    }
}

// What would have curl write down the keys of each TLS connection, or OpenSSL load what somebody
// else chose.
static void forget_variables(void) {
    const char *const names[] = {"SSLKEYLOGFILE",   "OPENSSL_CONF",    "OPENSSL_CONF_INCLUDE",
                                 "OPENSSL_ENGINES", "OPENSSL_MODULES", NULL};
    for (const char *const *name = names; *name != NULL; name++) unsetenv(*name);
}

bool tv_harden_process(void) {
    restore_handlers();
    forget_variables();
    struct rlimit none = {0, 0};
    bool undumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    return setrlimit(RLIMIT_CORE, &none) == 0 && undumpable;
}
