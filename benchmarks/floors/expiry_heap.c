// SPDX-License-Identifier: Apache-2.0
// The floor of the schedule: an indexed 4-ary min-heap of deadlines, in plain C.
//
//   expiry_heap <build|update|churn> <count> <operations>
//
// Entries of 16 bytes, positions of 4, the hole moved instead of entries swapped, no check of any
// index. `build` inserts `count` entries; `update` moves a random one to a random time; `churn`
// takes the earliest and puts it back 50 to 60 minutes later.
#include "floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MILLISECONDS UINT64_C(3600000)

struct entry {
    int64_t deadline;
    uint32_t handle;
    uint32_t queue;
};

struct heap {
    struct entry *entries;
    uint32_t *positions;
    size_t count;
};

static void bubble_up(struct heap *heap, struct entry entry, size_t hole) {
    while (hole > 0) {
        size_t parent = (hole - 1) / 4;
        if (heap->entries[parent].deadline <= entry.deadline) break;
        heap->entries[hole] = heap->entries[parent];
        heap->positions[heap->entries[hole].handle] = (uint32_t)hole;
        hole = parent;
    }
    heap->entries[hole] = entry;
    heap->positions[entry.handle] = (uint32_t)hole;
}

static void trickle_down(struct heap *heap, struct entry entry, size_t hole) {
    for (;;) {
        size_t first = 4 * hole + 1;
        if (first >= heap->count) break;
        size_t end = first + 4 < heap->count ? first + 4 : heap->count;
        size_t least = first;
        for (size_t child = first + 1; child < end; child++)
            if (heap->entries[child].deadline < heap->entries[least].deadline) least = child;
        if (heap->entries[least].deadline >= entry.deadline) break;
        heap->entries[hole] = heap->entries[least];
        heap->positions[heap->entries[hole].handle] = (uint32_t)hole;
        hole = least;
    }
    heap->entries[hole] = entry;
    heap->positions[entry.handle] = (uint32_t)hole;
}

static void insert(struct heap *heap, struct entry entry) {
    bubble_up(heap, entry, heap->count++);
}

static void update(struct heap *heap, uint32_t handle, int64_t deadline) {
    size_t position = heap->positions[handle];
    struct entry entry = {deadline, handle, 0};
    if (deadline < heap->entries[position].deadline) bubble_up(heap, entry, position);
    else trickle_down(heap, entry, position);
}

static struct entry pop(struct heap *heap) {
    struct entry first = heap->entries[0];
    heap->count--;
    if (heap->count > 0) trickle_down(heap, heap->entries[heap->count], 0);
    return first;
}

static void build(struct heap *heap, size_t count, uint64_t *state) {
    free(heap->entries);
    free(heap->positions);
    heap->entries = malloc(count * sizeof(struct entry));
    heap->positions = malloc(count * sizeof(uint32_t));
    heap->count = 0;
    require(heap->entries != NULL && heap->positions != NULL, "no memory");
    for (uint32_t handle = 0; handle < count; handle++)
        insert(heap, (struct entry){(int64_t)(next_random(state) % HOUR_MILLISECONDS), handle, 0});
}

int main(int count_of_arguments, char **arguments) {
    require(
        count_of_arguments == 4, "usage: expiry_heap <build|update|churn> <count> <operations>");
    const char *work = arguments[1];
    size_t count = strtoul(arguments[2], NULL, 10);
    int64_t operations = strtoll(arguments[3], NULL, 10);
    require(count > 0 && operations > 0, "numbers above zero");
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    struct heap heap = {NULL, NULL, 0};
    build(&heap, count, &state);

    struct stopwatch stopwatch = stopwatch_start();
    if (strcmp(work, "build") == 0) {
        int64_t rounds = (operations + (int64_t)count - 1) / (int64_t)count;
        for (int64_t round = 0; round < rounds; round++) build(&heap, count, &state);
        operations = rounds * (int64_t)count;
    } else if (strcmp(work, "update") == 0) {
        for (int64_t done = 0; done < operations; done++) {
            uint32_t handle = (uint32_t)(next_random(&state) % count);
            update(&heap, handle, (int64_t)(next_random(&state) % HOUR_MILLISECONDS));
        }
    } else {
        require(strcmp(work, "churn") == 0, "build, update or churn");
        for (int64_t done = 0; done < operations; done++) {
            struct entry entry = pop(&heap);
            entry.deadline += (int64_t)(HOUR_MILLISECONDS / 6 * 5);
            entry.deadline += (int64_t)(next_random(&state) % (HOUR_MILLISECONDS / 6));
            insert(&heap, entry);
        }
    }
    stopwatch_print(stopwatch, operations);
    // The outcome is used, and the same on both sides.
    fprintf(stderr, "expiry_heap: earliest %lld\n", (long long)heap.entries[0].deadline);
    return 0;
}
