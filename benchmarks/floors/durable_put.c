// SPDX-License-Identifier: Apache-2.0
// The floor of a durable put: plaintexts of the library's size sealed and put over old ones, in
// LMDB commits of 256, all on one thread. No old record is read, no event is written, nothing is
// wiped.
//
//   durable_put <home> <connections> <puts>
#include "sealed_store.h"

#include <sodium.h>
#include <stdlib.h>

int main(int count, char **arguments) {
    require(count == 4, "usage: durable_put <home> <connections> <puts>");
    int connections = atoi(arguments[2]), puts = atoi(arguments[3]);
    require(connections > 0 && puts > 0 && puts <= connections, "numbers above zero");
    sealed_store_open(arguments[1], connections);
    int *numbers = shuffled_numbers(connections);
    uint8_t plaintext[PLAINTEXT_BYTES], value[VALUE_BYTES];
    randombytes_buf(plaintext, sizeof plaintext);

    struct stopwatch since = stopwatch_start();
    for (int done = 0; done < puts;) {
        sealed_store_begin();
        for (int left = COMMIT_COUNT; left > 0 && done < puts; left--, done++) {
            sealed_store_seal(plaintext, value);
            sealed_store_put(numbers[done], value);
        }
        sealed_store_commit();
    }
    stopwatch_print(since, puts);
    return 0;
}
