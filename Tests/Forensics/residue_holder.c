// SPDX-License-Identifier: Apache-2.0
//
// A process for the scanner's own tests: holds bytes where it is told, wipes them when it is told.
//
// Reads lines "PLACE mask-hex masked-hex" and holds mask XOR masked in that place: heap, stack,
// map, hidden (a mapping made inaccessible) or secret (memfd_secret). "wipe" wipes all of them.
// Answers each line with "ok", or "no" where the kernel lacks the place. Ends with its input.

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LIMIT = 64 * 1024, PLACES = 64 };

typedef struct {
    unsigned char *bytes;
    int inaccessible;
} Held;

static Held held[PLACES];
static int held_count;

static unsigned char *map(int file, int flags)
{
    void *address = mmap(NULL, LIMIT, PROT_READ | PROT_WRITE, flags, file, 0);
    return address == MAP_FAILED ? NULL : address;
}

static unsigned char *secret(void)
{
    int file = (int)syscall(447 /* memfd_secret */, 0);
    if (file < 0 || ftruncate(file, LIMIT) != 0) return NULL;
    return map(file, MAP_SHARED);
}

static int hold(const char *place, const char *mask, const char *masked, unsigned char *stack)
{
    int hidden = strcmp(place, "hidden") == 0;
    unsigned char *bytes = NULL;
    if (strcmp(place, "heap") == 0) bytes = malloc(LIMIT);
    if (strcmp(place, "stack") == 0) bytes = stack;
    if (strcmp(place, "map") == 0 || hidden) bytes = map(-1, MAP_PRIVATE | MAP_ANONYMOUS);
    if (strcmp(place, "secret") == 0) bytes = secret();
    if (bytes == NULL || held_count == PLACES) return 0;
    for (size_t i = 0; i < LIMIT && mask[2 * i] > ' '; i++) {
        unsigned a, b;
        if (sscanf(mask + 2 * i, "%2x", &a) != 1) return 0;
        if (sscanf(masked + 2 * i, "%2x", &b) != 1) return 0;
        bytes[i] = (unsigned char)(a ^ b);
    }
    if (hidden && mprotect(bytes, LIMIT, PROT_NONE) != 0) return 0;
    held[held_count++] = (Held){bytes, hidden};
    return 1;
}

static void wipe(void)
{
    for (int i = 0; i < held_count; i++) {
        if (held[i].inaccessible) mprotect(held[i].bytes, LIMIT, PROT_READ | PROT_WRITE);
        explicit_bzero(held[i].bytes, LIMIT);
    }
}

int main(void)
{
    static char line[4 * LIMIT + 64];
    unsigned char stack[LIMIT] = {0};
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line, *place = strsep(&rest, " \n");
        int done = 1;
        if (strcmp(place, "wipe") == 0) {
            wipe();
        } else {
            char *mask = strsep(&rest, " "), *masked = rest;
            done = mask != NULL && masked != NULL && hold(place, mask, masked, stack);
        }
        puts(done ? "ok" : "no");
        fflush(stdout);
    }
    return 0;
}
