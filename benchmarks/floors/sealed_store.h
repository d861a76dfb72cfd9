// SPDX-License-Identifier: Apache-2.0
// What the floors of writing share: a database of sealed values as long as the library's, under
// keys that are hashed as the library's are.
#pragma once
#include "floor.h"

#define COMMIT_COUNT 256
#define PLAINTEXT_BYTES (VALUE_BYTES - OVERHEAD_BYTES)

// Opens `home`/floor, and fills it where it has fewer records than `count`, so that what is
// measured overwrites as it does in life.
void sealed_store_open(const char *home, int count);

// Seals a plaintext under a fresh random nonce.
void sealed_store_seal(const uint8_t plaintext[PLAINTEXT_BYTES], uint8_t value[VALUE_BYTES]);

// Begin, put or remove as often as wanted, commit: one transaction at a time.
void sealed_store_begin(void);
void sealed_store_put(int connection, uint8_t value[VALUE_BYTES]);
void sealed_store_remove(int connection);
void sealed_store_commit(void);
