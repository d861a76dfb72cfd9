// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "wiping_allocator.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// glibc's own entry points, below the names that are replaced here.
extern void __libc_free(void *);

static unsigned long wiped_count;

void free(void *block) {
    if (block == NULL) return;
    int saved = errno;
    explicit_bzero(block, malloc_usable_size(block));
    __libc_free(block);
    errno = saved;
    __atomic_fetch_add(&wiped_count, 1, __ATOMIC_RELAXED);
}

void *realloc(void *block, size_t size) {
    if (block == NULL) return malloc(size);
    if (size == 0) {
        free(block);
        return NULL;
    }
    size_t held = malloc_usable_size(block);
    if (size <= held && size >= held / 2) return block;
    void *moved = malloc(size);
    if (moved == NULL) return NULL;
    memcpy(moved, block, held < size ? held : size);
    free(block);
    return moved;
}

void *reallocarray(void *block, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, total);
}

int tv_wiping_allocator_linked(void) {
    unsigned long before = __atomic_load_n(&wiped_count, __ATOMIC_RELAXED);
    void *volatile block = malloc(16);
    free(block);
    return __atomic_load_n(&wiped_count, __ATOMIC_RELAXED) != before;
}
