// SPDX-License-Identifier: Apache-2.0
// The floor of a disconnect that nobody revokes: a fence committed, the key slot overwritten with
// random bytes and synced, then with zeros and synced, the record deleted and committed; so many
// at a time. Every connection is put back afterwards, untimed.
//
//   disconnect <home> <connections> <disconnects> <at a time>
#include "sealed_store.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int slots;

static void overwrite(const int *numbers, int count, const uint8_t *bytes) {
    for (int index = 0; index < count; index++) {
        off_t offset = (off_t)numbers[index] * SLOT_BYTES;
        require(pwrite(slots, bytes, SLOT_BYTES, offset) == SLOT_BYTES, "a slot");
    }
    require(fdatasync(slots) == 0, "a sync");
}

static void put_all(const int *numbers, int count, uint8_t *value) {
    sealed_store_begin();
    for (int index = 0; index < count; index++) sealed_store_put(numbers[index], value);
    sealed_store_commit();
}

static void disconnect_all(const int *numbers, int count, uint8_t *fence) {
    uint8_t random[SLOT_BYTES], zeros[SLOT_BYTES] = {0};
    put_all(numbers, count, fence);
    randombytes_buf(random, sizeof random);
    overwrite(numbers, count, random);
    overwrite(numbers, count, zeros);
    sealed_store_begin();
    for (int index = 0; index < count; index++) sealed_store_remove(numbers[index]);
    sealed_store_commit();
}

int main(int count, char **arguments) {
    require(count == 5, "usage: disconnect <home> <connections> <disconnects> <at a time>");
    int connections = atoi(arguments[2]), total = atoi(arguments[3]), group = atoi(arguments[4]);
    require(total > 0 && group > 0 && total <= connections, "numbers above zero");
    sealed_store_open(arguments[1], connections);
    char path[4096];
    snprintf(path, sizeof path, "%s/floor/slots", arguments[1]);
    slots = open(path, O_RDWR | O_CREAT, 0600);
    require(slots >= 0, path);
    uint8_t zeros[SLOT_BYTES] = {0}, value[VALUE_BYTES] = {0};
    for (int index = 0; index < connections; index++)
        require(write(slots, zeros, sizeof zeros) == sizeof zeros, path);
    require(fsync(slots) == 0, path);
    int *numbers = shuffled_numbers(connections);

    struct stopwatch since = stopwatch_start();
    for (int done = 0; done < total; done += group) {
        int left = total - done;
        disconnect_all(numbers + done, left < group ? left : group, value);
    }
    stopwatch_print(since, total);
    put_all(numbers, total, value);
    return 0;
}
