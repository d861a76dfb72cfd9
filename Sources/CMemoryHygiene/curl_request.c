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

bool tv_proxy(void *easy, const char *url, void *headers) {
    bool tunnels = url[0] != 0;
    return curl_easy_setopt(easy, CURLOPT_PROXY, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, tunnels ? 1L : 0L) == CURLE_OK &&
           // The fields for the provider are not for the proxy, nor the other way round.
           curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) == CURLE_OK &&
           curl_easy_setopt(
               easy, CURLOPT_PROXYHEADER, tunnels ? (struct curl_slist *)headers : NULL) ==
               CURLE_OK &&
           // What it answers is no part of the provider's answer.
           curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK;
}

long tv_proxy_status(void *easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status;
}

void tv_request_end(void *easy) {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
}
