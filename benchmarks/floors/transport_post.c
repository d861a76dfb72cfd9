// SPDX-License-Identifier: Apache-2.0
// The floor of the transport: refresh requests by curl multi on one thread, their answers parsed by
// cJSON, nothing stored. With `wiping`, curl and OpenSSL get the library's own allocators, which
// zero what they free.
//
//   transport_post <url> <in flight> <requests> <plain or wiping> [<file of certificates>]
#include "floor.h"
#include "memory_hygiene.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT_MAX 1024

// What is in flight: an easy handle, and the reply so far.
struct transfer {
    CURL *easy;
    size_t count;
    char reply[4096];
};

static size_t receive(char *bytes, size_t size, size_t count, void *context) {
    struct transfer *transfer = context;
    require(transfer->count + size * count <= sizeof transfer->reply, "a reply that is too long");
    memcpy(transfer->reply + transfer->count, bytes, size * count);
    transfer->count += size * count;
    return size * count;
}

static void prepare(
    struct transfer *transfer, const char *url, const char *body, struct curl_slist *headers,
    const char *certificates) {
    CURL *easy = transfer->easy = curl_easy_init();
    require(easy != NULL, "a handle");
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "TokenVault");
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (certificates != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, certificates);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static void judge(const struct transfer *transfer) {
    cJSON *reply = cJSON_ParseWithLength(transfer->reply, transfer->count);
    require(reply != NULL, "a reply that is no JSON");
    require(
        cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(reply, "expires_in")) &&
            cJSON_IsString(cJSON_GetObjectItemCaseSensitive(reply, "access_token")) &&
            cJSON_IsString(cJSON_GetObjectItemCaseSensitive(reply, "refresh_token")),
        "a reply without its members");
    cJSON_Delete(reply);
}

static void send_next(CURLM *multi, struct transfer *transfer) {
    transfer->count = 0;
    require(curl_multi_add_handle(multi, transfer->easy) == CURLM_OK, "a transfer");
}

// Takes what has ended and sends the next request on the same handle. Returns what it took.
static int retire(CURLM *multi, int *unsent) {
    int taken = 0, left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL; taken++) {
        CURL *easy = message->easy_handle;
        long status = 0;
        struct transfer *transfer;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        require(message->data.result == CURLE_OK && status == 200, "a request that failed");
        curl_multi_remove_handle(multi, easy);
        judge(transfer);
        if (*unsent > 0) {
            *unsent -= 1;
            send_next(multi, transfer);
        }
    }
    return taken;
}

static void post(CURLM *multi, struct transfer *transfers, int in_flight, int requests) {
    int unsent = requests, done = 0;
    for (int index = 0; index < in_flight && unsent > 0; index++, unsent--)
        send_next(multi, &transfers[index]);
    while (done < requests) {
        int running;
        curl_multi_perform(multi, &running);
        done += retire(multi, &unsent);
        if (done < requests) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
}

int main(int count, char **arguments) {
    require(
        count == 5 || count == 6,
        "usage: transport_post <url> <in flight> <requests> <plain or wiping> [<certificates>]");
    int in_flight = atoi(arguments[2]), requests = atoi(arguments[3]);
    require(in_flight > 0 && in_flight <= IN_FLIGHT_MAX && requests > 0, "numbers above zero");
    if (strcmp(arguments[4], "wiping") == 0) tv_wiping_allocators_install();
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IN_FLIGHT_MAX);
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    headers = curl_slist_append(headers, "Expect:");
    // As long as what the vault sends: a client secret of 32 bytes, a refresh token of 96.
    headers = curl_slist_append(
        headers, "Authorization: Basic YmVuY2htYXJrOmFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh");
    char body[160] = "grant_type=refresh_token&refresh_token=";
    for (size_t at = strlen(body), end = at + 96; at < end; at++) body[at] = 'r';
    struct transfer *transfers = calloc((size_t)in_flight, sizeof *transfers);
    require(transfers != NULL, "memory");
    for (int index = 0; index < in_flight; index++)
        prepare(
            &transfers[index], arguments[1], body, headers, count == 6 ? arguments[5] : NULL);

    // The connections are made before the time runs.
    post(multi, transfers, in_flight, in_flight * 4);
    struct stopwatch since = stopwatch_start();
    post(multi, transfers, in_flight, requests);
    stopwatch_print(since, requests);
    return 0;
}
