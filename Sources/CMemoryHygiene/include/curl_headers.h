// SPDX-License-Identifier: Apache-2.0
// Lists of header fields as libcurl wants them.
#pragma once

// Adds a copy of a field, name and value, to a list; NULL is an empty one. Returns the list; as it
// was where there is no memory.
void *tv_headers_add(void *list, const char *field);

// A list of one field that is not copied: a text, which must outlive the list. NULL where there is
// no memory.
void *tv_header_lend(const void *field);

// Frees such a list, and nothing of the field.
void tv_header_return(void *list);

// Frees a list. No request may have it.
void tv_headers_free(void *list);
