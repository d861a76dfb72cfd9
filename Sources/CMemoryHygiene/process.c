// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "process.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

// On a page that the kernel fills with zeros in a child.
static _Atomic uint32_t nobody_asked;
static _Atomic uint32_t *_Atomic mark = &nobody_asked;
// Is inherited, and says which number the mark had.
static _Atomic uint32_t number;

// Beyond these nothing is left behind; a process has one arena, and few vaults.
#define REGIONS_MAX 64
#define DESCRIPTORS_MAX 1024
static struct {
    void *_Atomic start;
    size_t byte_count;
} regions[REGIONS_MAX];
static _Atomic size_t region_count;
// One more than the descriptor; 0 where there is none.
static _Atomic int descriptors[DESCRIPTORS_MAX];

void tv_leave_region(void *start, size_t byte_count) {
    size_t index = atomic_fetch_add(&region_count, 1);
    if (index >= REGIONS_MAX) return;
    regions[index].byte_count = byte_count;
    atomic_store(&regions[index].start, start);
}

void tv_leave_descriptor(int descriptor) {
    for (size_t index = 0; index < DESCRIPTORS_MAX; index++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&descriptors[index], &none, descriptor + 1)) return;
    }
}

void tv_keep_descriptor(int descriptor) {
    for (size_t index = 0; index < DESCRIPTORS_MAX; index++) {
        int wanted = descriptor + 1;
        if (atomic_compare_exchange_strong(&descriptors[index], &wanted, 0)) return;
    }
}

// In a child. Only what may be done there while other threads of the parent held locks.
static void leave(void) {
    for (size_t index = 0; index < REGIONS_MAX; index++) {
        void *start = atomic_exchange(&regions[index].start, NULL);
        if (start == NULL) continue;
        // Somewhere else, where there is something by now, or the kernel is older than the flag.
        void *fence = mmap(
            start, regions[index].byte_count, PROT_NONE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (fence != MAP_FAILED && fence != start) munmap(fence, regions[index].byte_count);
    }
    atomic_store(&region_count, 0);
    int nothing = -1;
    for (size_t index = 0; index < DESCRIPTORS_MAX; index++) {
        int descriptor = atomic_exchange(&descriptors[index], 0) - 1;
        if (descriptor < 0) continue;
        if (nothing < 0) nothing = eventfd(0, EFD_CLOEXEC);
        if (nothing >= 0) dup3(nothing, descriptor, O_CLOEXEC);
    }
    if (nothing >= 0) close(nothing);
}

static uint32_t ask(void);

static void forked(void) {
    // Where the kernel did not.
    atomic_store(mark, 0);
    ask();
}

static void begin(void) {
    size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
    void *page =
        mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) {
        madvise(page, page_size, MADV_WIPEONFORK);
        atomic_store(&mark, (_Atomic uint32_t *)page);
    }
    pthread_atfork(NULL, NULL, forked);
}

static uint32_t ask(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin);
    uint32_t seen = atomic_load(mark);
    if (seen != 0) return seen;
    uint32_t next = atomic_load(&number) + 1;
    if (!atomic_compare_exchange_strong(mark, &seen, next)) return seen;
    atomic_store(&number, next);
    if (next > 1) leave();
    return next;
}

uint32_t tv_process(void) {
    uint32_t seen = atomic_load_explicit(
        atomic_load_explicit(&mark, memory_order_acquire), memory_order_acquire);
    return seen != 0 ? seen : ask();
}
