// SPDX-License-Identifier: Apache-2.0
// A request of curl's that is no POST of a form. All of it on the thread of its easy handle.
#pragma once
#include <stdbool.h>

// Appends a copy of a header field's line to a list, which is NULL at first. Returns the list, the
// line left out where there is no memory for it.
void *tv_fields_append(void *fields, const char *line);

// Sends these fields, behind the one that `lent` (an element of such a list) names then, and by
// this method: POST or GET, under the name of `verb` where that is not NULL. Takes the list over.
void tv_request_begin(void *easy, void *lent, void *fields, bool is_post, const char *verb);

// Back to a POST with the fields that every request has; frees the others.
void tv_request_end(void *easy, void *lent, void *common_fields);
