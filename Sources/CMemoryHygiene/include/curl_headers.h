// SPDX-License-Identifier: Apache-2.0
// Lists of header fields as libcurl wants them.
#pragma once

// Adds a copy of a field, name and value, to a list; NULL is an empty one. Returns the list; as it
// was where there is no memory.
void *tv_headers_add(void *list, const char *field);

// Frees a list. No request may have it.
void tv_headers_free(void *list);
