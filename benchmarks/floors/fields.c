// SPDX-License-Identifier: Apache-2.0
#include "fields.h"
#include "floor.h"

#include <string.h>

#define HEAD_BYTES 6

static void read_head(
    const uint8_t *fields, size_t count, size_t at, uint16_t *tag, uint32_t *length) {
    require(count - at >= HEAD_BYTES, "a record that is no fields");
    memcpy(tag, fields + at, sizeof *tag);
    memcpy(length, fields + at + 2, sizeof *length);
    require(*length <= count - at - HEAD_BYTES, "a field that is too long");
}

const uint8_t *fields_find(const uint8_t *fields, size_t count, uint16_t tag, uint32_t *length) {
    uint16_t found;
    for (size_t at = 0; at < count; at += HEAD_BYTES + *length) {
        read_head(fields, count, at, &found, length);
        if (found == tag) return fields + at + HEAD_BYTES;
    }
    return NULL;
}

static size_t append(
    uint8_t *fields, size_t at, uint16_t tag, const void *bytes, uint32_t length) {
    require(at + HEAD_BYTES + length <= FIELDS_MAX, "a record that is too long");
    memcpy(fields + at, &tag, sizeof tag);
    memcpy(fields + at + 2, &length, sizeof length);
    memcpy(fields + at + HEAD_BYTES, bytes, length);
    return at + HEAD_BYTES + length;
}

size_t fields_change(
    const uint8_t *fields, size_t count, const struct change *changes, int change_count,
    uint8_t *changed) {
    size_t written = 0;
    const struct change *next = changes, *end = changes + change_count;
    for (size_t at = 0; at < count || next < end;) {
        uint16_t tag = UINT16_MAX;
        uint32_t length = 0;
        if (at < count) read_head(fields, count, at, &tag, &length);
        if (next < end && next->tag <= tag) {
            if (next->bytes != NULL)
                written = append(changed, written, next->tag, next->bytes, next->count);
            if (next->tag == tag) at += HEAD_BYTES + length;
            next++;
        } else {
            written = append(changed, written, tag, fields + at + HEAD_BYTES, length);
            at += HEAD_BYTES + length;
        }
    }
    return written;
}
