// SPDX-License-Identifier: Apache-2.0
// The floor of a durable refresh: a POST by curl multi, the reply parsed by cJSON, its tokens
// packed and sealed into a value of the library's size, and LMDB commits of 256 on a thread of
// their own. No attempt is recorded first and no old record is read. Over HTTP nothing is wiped;
// over TLS, with a file of CA certificates, curl and OpenSSL get the library's own allocators,
// which zero what they free.
//
//   token_refresh <home> <url> <in flight> <refreshes> [<CA file, or -> [<connections>]]
//
// Of so many connections the first are refreshed; of as many as refreshes where it is not said.
#include "memory_hygiene.h"
#include "requests.h"
#include "sealed_store.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Sealed values in the order in which they came; the committing thread follows.
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t grown;
    int sealed, total;
    int *connections;
    uint8_t (*values)[VALUE_BYTES];
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .grown = PTHREAD_COND_INITIALIZER};

static void *commit_all(void *context) {
    (void)context;
    for (int done = 0; done < queue.total;) {
        pthread_mutex_lock(&queue.mutex);
        while (queue.sealed - done < COMMIT_COUNT && queue.sealed < queue.total)
            pthread_cond_wait(&queue.grown, &queue.mutex);
        int left = queue.sealed - done;
        pthread_mutex_unlock(&queue.mutex);
        int count = left < COMMIT_COUNT ? left : COMMIT_COUNT;
        sealed_store_begin();
        for (int index = done; index < done + count; index++)
            sealed_store_put(queue.connections[index], queue.values[index]);
        sealed_store_commit();
        done += count;
    }
    return NULL;
}

static size_t append(uint8_t *plaintext, size_t at, const cJSON *item) {
    require(cJSON_IsString(item), "a reply without its tokens");
    size_t count = strlen(item->valuestring);
    require(at + count < PLAINTEXT_BYTES, "a reply that is too long");
    memcpy(plaintext + at, item->valuestring, count);
    return at + count;
}

static void seal(struct transfer *transfer) {
    cJSON *reply = cJSON_ParseWithLength(transfer->reply, transfer->count);
    require(reply != NULL, "a reply that is no JSON");
    const cJSON *lifetime = cJSON_GetObjectItemCaseSensitive(reply, "expires_in");
    require(cJSON_IsNumber(lifetime), "a reply without expires_in");
    uint8_t plaintext[PLAINTEXT_BYTES] = {0};
    memcpy(plaintext, &lifetime->valuedouble, 8);
    size_t at = append(plaintext, 8, cJSON_GetObjectItemCaseSensitive(reply, "access_token"));
    append(plaintext, at, cJSON_GetObjectItemCaseSensitive(reply, "refresh_token"));
    cJSON_Delete(reply);

    sealed_store_seal(plaintext, queue.values[queue.sealed]);
    pthread_mutex_lock(&queue.mutex);
    queue.connections[queue.sealed++] = transfer->owner;
    pthread_cond_signal(&queue.grown);
    pthread_mutex_unlock(&queue.mutex);
}

static void refresh_all(CURLM *multi, struct transfer *transfers, int in_flight) {
    // As long as the refresh tokens of the vault.
    char body[160] = "grant_type=refresh_token&refresh_token=";
    for (size_t at = strlen(body), end = at + 96; at < end; at++) body[at] = 'r';
    size_t length = strlen(body);
    pthread_t committer;
    require(pthread_create(&committer, NULL, commit_all, NULL) == 0, "a thread");
    int sent = 0, done = 0, running;
    for (; sent < in_flight && sent < queue.total; sent++)
        requests_send(multi, &transfers[sent], sent, body, length);
    while (done < queue.total) {
        curl_multi_perform(multi, &running);
        for (struct transfer *transfer; (transfer = requests_answered(multi)) != NULL; done++) {
            seal(transfer);
            if (sent == queue.total) continue;
            requests_send(multi, transfer, sent, body, length);
            sent++;
        }
        if (done < queue.total) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    pthread_join(committer, NULL);
}

int main(int count, char **arguments) {
    require(count >= 5 && count <= 7, "usage: see token_refresh.c");
    const char *certificates = count > 5 && strcmp(arguments[5], "-") != 0 ? arguments[5] : NULL;
    int in_flight = atoi(arguments[3]);
    queue.total = atoi(arguments[4]);
    require(in_flight > 0 && in_flight <= IN_FLIGHT_MAX && queue.total > 0, "numbers above zero");
    queue.connections = calloc((size_t)queue.total, sizeof *queue.connections);
    queue.values = calloc((size_t)queue.total, sizeof *queue.values);
    struct transfer *transfers = calloc((size_t)in_flight, sizeof *transfers);
    require(queue.connections != NULL && queue.values != NULL && transfers != NULL, "memory");
    if (certificates != NULL) tv_wiping_allocators_install();
    else curl_global_init(CURL_GLOBAL_ALL);
    int connections = count == 7 ? atoi(arguments[6]) : queue.total;
    require(connections >= queue.total, "more refreshes than connections");
    sealed_store_open(arguments[1], connections);

    CURLM *multi = requests_open(transfers, in_flight, arguments[2], certificates);
    struct stopwatch since = stopwatch_start();
    refresh_all(multi, transfers, in_flight);
    stopwatch_print(since, queue.total);
    require(certificates == NULL || tv_openssl_allocated(), "TLS that is not wiped");
    return 0;
}
