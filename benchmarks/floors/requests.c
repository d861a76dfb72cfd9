// SPDX-License-Identifier: Apache-2.0
#include "requests.h"
#include "floor.h"

#include <string.h>

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    require(transfer->count + size * count <= sizeof transfer->reply, "a reply that is too long");
    memcpy(transfer->reply + transfer->count, bytes, size * count);
    transfer->count += size * count;
    return size * count;
}

static void prepare(
    struct transfer *transfer, const char *url, struct curl_slist *headers,
    const char *certificates) {
    CURL *easy = transfer->easy = curl_easy_init();
    require(easy != NULL, "a handle");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "TokenVault");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    // As small as the library has them: each transfer gets its own, and wiping costs by size.
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    if (certificates == NULL) return;
    curl_easy_setopt(easy, CURLOPT_CAINFO, certificates);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

CURLM *requests_open(
    struct transfer *transfers, int in_flight, const char *url, const char *certificates) {
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IN_FLIGHT_MAX);
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    headers = curl_slist_append(headers, "Expect:");
    // As long as what the vault sends: a client secret of 32 bytes.
    headers = curl_slist_append(
        headers, "Authorization: Basic YmVuY2htYXJrOmFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh");
    for (int index = 0; index < in_flight; index++)
        prepare(&transfers[index], url, headers, certificates);
    return multi;
}

void requests_send(
    CURLM *multi, struct transfer *transfer, int owner, const char *body, size_t count) {
    transfer->count = 0;
    transfer->owner = owner;
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE, (long)count);
    require(curl_multi_add_handle(multi, transfer->easy) == CURLM_OK, "a transfer");
}

struct transfer *requests_answered(CURLM *multi) {
    int left;
    CURLMsg *message = curl_multi_info_read(multi, &left);
    if (message == NULL) return NULL;
    CURL *easy = message->easy_handle;
    long status = 0;
    struct transfer *transfer;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    require(message->data.result == CURLE_OK && status == 200, "a refresh that failed");
    curl_multi_remove_handle(multi, easy);
    return transfer;
}
