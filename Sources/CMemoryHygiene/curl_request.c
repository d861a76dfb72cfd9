// SPDX-License-Identifier: Apache-2.0
#include "curl_request.h"

#include <curl/curl.h>
#include <stddef.h>

void *tv_fields_append(void *fields, const char *line) {
    struct curl_slist *longer = curl_slist_append(fields, line);
    return longer != NULL ? longer : fields;
}

void tv_request_begin(void *easy, void *lent, void *fields, bool is_post, const char *verb) {
    ((struct curl_slist *)lent)->next = fields;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, is_post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, verb);
}

void tv_request_end(void *easy, void *lent, void *common_fields) {
    struct curl_slist *element = lent;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, common_fields);
    curl_slist_free_all(element->next);
    element->next = common_fields;
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
}
