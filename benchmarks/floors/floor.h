// SPDX-License-Identifier: Apache-2.0
// What the floors share: a stopwatch, and a vault opened in C by nothing but RecordFormat.
#pragma once
#include <lmdb.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_BYTES 1998
#define OVERHEAD_BYTES 64

// Ends the process with a message where `condition` does not hold.
void require(int condition, const char *what);

// Nanoseconds of the process's CPU time (all threads) and of the monotonic clock.
struct stopwatch {
    int64_t cpu, wall;
};
struct stopwatch stopwatch_start(void);
// Prints what the Swift side prints too: CPU and wall time of one operation, in nanoseconds.
void stopwatch_print(struct stopwatch since, int64_t operations);

// The numbers from 0 in an order that looks random, the same on both sides and at every call. The
// caller frees them.
int *shuffled_numbers(int count);

// xorshift64: which connection is next. The same cheap generator on both sides.
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct vault {
    uint8_t id[16];
    uint32_t term;
    uint8_t slot_key[32];
    uint8_t blinding_key[32];
    uint8_t store_mac_key[32];
    uint8_t root_seal_key[32];
    uint8_t event_seal_key[32];
    uint8_t batch_seal_key[32];
    const uint8_t *slots;
    size_t slot_count;
    MDB_env *environment;
    MDB_dbi records, meta, events;
};

// The plaintext of ROOT.
struct root {
    uint64_t count, generation, event, batch;
    uint8_t mac[32];
};

// Opens the vault in `home`/vault with the root key in `home`/root.key, for reading or for both.
void vault_open(struct vault *vault, const char *home, int writes);

// The blinded LMDB key of a connection.
void vault_key(const struct vault *vault, const char *connection, uint8_t key[32]);

// Opens a sealed value: the data key from its slot, then the record. Returns the number of bytes
// of padded plaintext; ends the process where something does not open.
size_t vault_open_value(
    const struct vault *vault, const uint8_t key[32], const MDB_val *value, uint8_t *plaintext);

// The same in two steps.
void vault_data_key(
    const struct vault *vault, const uint8_t key[32], const MDB_val *value, uint8_t data_key[32]);
size_t vault_open_record(
    const struct vault *vault, const uint8_t key[32], const MDB_val *value,
    const uint8_t data_key[32], uint8_t *plaintext);

// The associated data of a sealed value with this LMDB key. Returns its length.
#define ASSOCIATED_BYTES 112
size_t vault_associate(
    const struct vault *vault, const MDB_val *key, const uint8_t header[24],
    uint8_t associated[ASSOCIATED_BYTES]);

// The same of a slot.
#define SLOT_BYTES 128
#define SLOT_ASSOCIATED_BYTES 76
void vault_associate_slot(
    const struct vault *vault, uint32_t number, const uint8_t slot[SLOT_BYTES],
    uint8_t associated[SLOT_ASSOCIATED_BYTES]);

void vault_open_root(const struct vault *vault, MDB_txn *transaction, struct root *root);

// Adds a record to the store MAC, or takes it out.
void vault_toggle(
    const struct vault *vault, const MDB_val *key, const MDB_val *value, uint8_t mac[32]);
