// SPDX-License-Identifier: Apache-2.0
#include "curl_headers.h"

#include <curl/curl.h>
#include <stdlib.h>

void *tv_headers_add(void *list, const char *field) {
    struct curl_slist *longer = curl_slist_append(list, field);
    return longer ? longer : list;
}

void *tv_header_lend(const void *field) {
    struct curl_slist *list = calloc(1, sizeof *list);
    if (list) list->data = (char *)field;
    return list;
}

void tv_header_return(void *list) { free(list); }

void tv_headers_free(void *list) { curl_slist_free_all(list); }
