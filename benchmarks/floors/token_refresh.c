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
#include "sealed_store.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN_FLIGHT_MAX 1024

// What is in flight: an easy handle, and the reply so far.
struct transfer {
    CURL *easy;
    size_t count;
    int connection;
    char reply[4096];
};

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
    queue.connections[queue.sealed++] = transfer->connection;
    pthread_cond_signal(&queue.grown);
    pthread_mutex_unlock(&queue.mutex);
}

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
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    // As small as the library has them: each transfer gets its own, and wiping costs by size.
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    if (certificates == NULL) return;
    curl_easy_setopt(easy, CURLOPT_CAINFO, certificates);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static void send_next(CURLM *multi, struct transfer *transfer, int connection) {
    transfer->count = 0;
    transfer->connection = connection;
    require(curl_multi_add_handle(multi, transfer->easy) == CURLM_OK, "a transfer");
}

// Takes what has ended and sends the next request on the same handle. Returns what it took.
static int retire(CURLM *multi, int *sent) {
    int taken = 0, left;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL; taken++) {
        CURL *easy = message->easy_handle;
        long status = 0;
        struct transfer *transfer;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
        require(message->data.result == CURLE_OK && status == 200, "a refresh that failed");
        curl_multi_remove_handle(multi, easy);
        seal(transfer);
        if (*sent < queue.total) send_next(multi, transfer, (*sent)++);
    }
    return taken;
}

static void refresh_all(CURLM *multi, struct transfer *transfers, int in_flight) {
    pthread_t committer;
    require(pthread_create(&committer, NULL, commit_all, NULL) == 0, "a thread");
    int sent = 0, done = 0;
    while (sent < in_flight && sent < queue.total) {
        send_next(multi, &transfers[sent], sent);
        sent++;
    }
    while (done < queue.total) {
        int running;
        curl_multi_perform(multi, &running);
        done += retire(multi, &sent);
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

    CURLM *multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)IN_FLIGHT_MAX);
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    headers = curl_slist_append(headers, "Expect:");
    // As long as what the vault sends: a client secret of 32 bytes, a refresh token of 96.
    headers = curl_slist_append(
        headers, "Authorization: Basic YmVuY2htYXJrOmFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFh");
    char body[160] = "grant_type=refresh_token&refresh_token=";
    for (size_t at = strlen(body), end = at + 96; at < end; at++) body[at] = 'r';
    for (int index = 0; index < in_flight; index++)
        prepare(&transfers[index], arguments[2], body, headers, certificates);

    struct stopwatch since = stopwatch_start();
    refresh_all(multi, transfers, in_flight);
    stopwatch_print(since, queue.total);
    require(certificates == NULL || tv_openssl_allocated(), "TLS that is not wiped");
    return 0;
}
