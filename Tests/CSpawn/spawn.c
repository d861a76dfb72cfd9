// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

int tv_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno; }

// Threads of dispatch block signals; whoever uses sockets ignores SIGPIPE.
static int reset_signals(posix_spawnattr_t *attributes) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawnattr_setsigmask(attributes, &none);
    if (failure == 0) failure = posix_spawnattr_setsigdefault(attributes, &all);
    if (failure != 0) return failure;
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int tv_spawn(pid_t *process, const char *program, char *const *words, char *const *variables,
             const char *directory, const int streams[3]) {
    posix_spawn_file_actions_t actions;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0) return failure;
    posix_spawnattr_t attributes;
    failure = posix_spawnattr_init(&attributes);
    if (failure != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return failure;
    }
    failure = reset_signals(&attributes);
    // Copies, none of them 0, 1 or 2: what is put in one place is still needed for the next.
    int copies[3] = {-1, -1, -1};
    for (int place = 0; failure == 0 && place < 3; place++) {
        if (streams[place] < 0) continue;
        copies[place] = fcntl(streams[place], F_DUPFD_CLOEXEC, 3);
        failure = copies[place] < 0
                      ? errno
                      : posix_spawn_file_actions_adddup2(&actions, copies[place], place);
    }
    if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (failure == 0 && directory != NULL)
        failure = posix_spawn_file_actions_addchdir_np(&actions, directory);
    if (failure == 0)
        failure = posix_spawn(process, program, &actions, &attributes, words, variables);
    for (int place = 0; place < 3; place++)
        if (copies[place] >= 0) close(copies[place]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}
