// SPDX-License-Identifier: Apache-2.0
// The functions below take the place of glibc's for the executable and for liblmdb alike: a
// definition in the executable goes before those of shared libraries.
#define _GNU_SOURCE
#include "crash_points.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static struct tv_progress *watched;

struct tv_progress *tv_progress_open(const char *path, int create) {
    int file = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);
    if (file < 0) return NULL;
    void *mapped = MAP_FAILED;
    if (!create || ftruncate(file, 4096) == 0) {
        mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    close(file);
    return mapped == MAP_FAILED ? NULL : mapped;
}

void tv_progress_close(struct tv_progress *progress) { munmap(progress, 4096); }

void tv_progress_watch(struct tv_progress *progress) {
    __atomic_store_n(&watched, progress, __ATOMIC_RELEASE);
}

uint32_t tv_progress_begin(uint32_t operation) {
    struct tv_progress *progress = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
    if (progress == NULL) return 0;
    if (operation != 0 && operation == progress->aim) {
        if (progress->aim_skips > 0) {
            progress->aim_skips -= 1;
        } else {
            progress->aim |= 0x80000000;
        }
    }
    __atomic_store_n(&progress->operation, operation, __ATOMIC_RELEASE);
    return __atomic_exchange_n(&progress->writes, 0, __ATOMIC_ACQ_REL);
}

static void die_if_aimed_at(struct tv_progress *progress) {
    uint32_t operation = __atomic_load_n(&progress->operation, __ATOMIC_ACQUIRE);
    if (operation == 0 || progress->aim != (operation | 0x80000000)) return;
    if (__atomic_load_n(&progress->writes, __ATOMIC_ACQUIRE) != progress->aim_writes) return;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// Dying before write k + 1 is dying after write k, with everything that happens in between done.
static void before_durable_write(void) {
    struct tv_progress *progress = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
    if (progress != NULL) die_if_aimed_at(progress);
}

static void after_durable_write(void) {
    struct tv_progress *progress = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
    if (progress != NULL) __atomic_add_fetch(&progress->writes, 1, __ATOMIC_ACQ_REL);
}

int fdatasync(int file) {
    before_durable_write();
    int result = (int)syscall(SYS_fdatasync, file);
    after_durable_write();
    return result;
}

int fsync(int file) {
    before_durable_write();
    int result = (int)syscall(SYS_fsync, file);
    after_durable_write();
    return result;
}

// LMDB writes its meta page through a descriptor that syncs every write.
static int syncs(int file) { return (fcntl(file, F_GETFL) & O_DSYNC) != 0; }

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    int durable = syncs(file);
    if (durable) before_durable_write();
    ssize_t result = syscall(SYS_pwrite64, file, bytes, count, offset);
    if (durable) after_durable_write();
    return result;
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return pwrite64(file, bytes, count, offset);
}
