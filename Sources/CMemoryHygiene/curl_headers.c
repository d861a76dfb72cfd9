// SPDX-License-Identifier: Apache-2.0
#include "curl_headers.h"

#include <curl/curl.h>

void *tv_headers_add(void *list, const char *field) {
    struct curl_slist *longer = curl_slist_append(list, field);
    return longer ? longer : list;
}

void tv_headers_free(void *list) { curl_slist_free_all(list); }
