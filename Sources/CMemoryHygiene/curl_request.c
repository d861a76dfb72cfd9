// SPDX-License-Identifier: Apache-2.0
#include "curl_request.h"

#include <curl/curl.h>
#include <stddef.h>

void tv_request_begin(void *easy, bool is_post, const char *verb) {
    curl_easy_setopt(easy, is_post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, verb);
}

void tv_resolve(void *easy, void *list) {
    curl_easy_setopt(easy, CURLOPT_RESOLVE, (struct curl_slist *)list);
}

void tv_request_end(void *easy) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
}
