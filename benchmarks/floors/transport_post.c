// SPDX-License-Identifier: Apache-2.0
// The floor of the transport: refresh requests by curl multi on one thread, their answers parsed by
// cJSON, nothing stored. With `wiping`, curl and OpenSSL get the library's own allocators, which
// zero what they free.
//
//   transport_post <url> <in flight> <requests> <plain or wiping> [<file of certificates>]
#include "floor.h"
#include "memory_hygiene.h"
#include "requests.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

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

// Sends `requests` requests, each as soon as a handle is free.
static void post(
    CURLM *multi, struct transfer *transfers, int in_flight, int requests, const char *body) {
    size_t count = strlen(body);
    int unsent = requests, done = 0;
    for (int index = 0; index < in_flight && unsent > 0; index++, unsent--)
        requests_send(multi, &transfers[index], index, body, count);
    while (done < requests) {
        int running;
        curl_multi_perform(multi, &running);
        for (struct transfer *taken; (taken = requests_answered(multi)) != NULL; done++) {
            judge(taken);
            if (unsent == 0) continue;
            unsent -= 1;
            requests_send(multi, taken, taken->owner, body, count);
        }
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
    // As long as what the vault sends: a refresh token of 96 bytes.
    char body[160] = "grant_type=refresh_token&refresh_token=";
    for (size_t at = strlen(body), end = at + 96; at < end; at++) body[at] = 'r';
    struct transfer *transfers = calloc((size_t)in_flight, sizeof *transfers);
    require(transfers != NULL, "memory");
    CURLM *multi =
        requests_open(transfers, in_flight, arguments[1], count == 6 ? arguments[5] : NULL);

    // The connections are made before the time runs.
    post(multi, transfers, in_flight, in_flight * 4, body);
    struct stopwatch since = stopwatch_start();
    post(multi, transfers, in_flight, requests, body);
    stopwatch_print(since, requests);
    return 0;
}
