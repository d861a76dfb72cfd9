// SPDX-License-Identifier: Apache-2.0
// The plaintext of a record as RecordFormat has it: fields of tag (2 bytes), length (4) and value.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define FIELDS_MAX 2048

// What becomes of a field: its new value, or none where `bytes` is NULL.
struct change {
    uint16_t tag;
    uint32_t count;
    const void *bytes;
};

// Where the value of a field begins, and its length; NULL where there is no such field.
const uint8_t *fields_find(const uint8_t *fields, size_t count, uint16_t tag, uint32_t *length);

// Writes `changed`, with room for FIELDS_MAX bytes: what is in `fields` with the changes made, both
// by ascending tags. Returns its length.
size_t fields_change(
    const uint8_t *fields, size_t count, const struct change *changes, int change_count,
    uint8_t *changed);
