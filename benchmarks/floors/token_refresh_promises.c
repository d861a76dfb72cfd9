// SPDX-License-Identifier: Apache-2.0
// The floor of a durable refresh that promises what the library does, on a vault that the library
// made: the old record opened under the key in its slot, and its refresh token sent; the attempt
// durable before the first byte leaves, one record for 256 and gone with their results; the new
// tokens merged into the record, if nobody changed it meanwhile, and durable with ROOT and store
// MAC; the headers looked at that say when to come again; whatever touched plaintext wiped: heaps
// of curl, OpenSSL and cJSON, buffers, dead stack, vector registers. One thread for requests and
// one that commits. No schedule, no limits of a provider, no answer but a success.
//
//   token_refresh_promises <home> <url> <in flight> <refreshes> [<CA file>]
#include "memory_hygiene.h"
#include "requests.h"
#include "vault_writer.h"

#include <cjson/cJSON.h>
#include <malloc.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

// Those in flight, two batches before and what waits for its commit behind.
#define ATTEMPTS_MAX (IN_FLIGHT_MAX + 6 * BATCH_MAX)
#define BODY_MAX 512

// One refresh, in locked memory.
struct attempt {
    struct connection connection;
    int64_t sent;
    size_t body_count;
    char body[BODY_MAX];
};

static struct attempt *attempts;

// Between the two threads.
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int total;
    // Attempts that nobody uses.
    int unused[ATTEMPTS_MAX], unused_count;
    // A batch, and whether it still has to be recorded.
    struct connection *batch[BATCH_MAX];
    int batch_count, is_recorded;
    // Those whose new record is to be put.
    struct connection *answered[ATTEMPTS_MAX];
    int answered_count, is_last_answered;
} queue = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct attempt *attempt_of(struct connection *connection) {
    return (struct attempt *)((char *)connection - offsetof(struct attempt, connection));
}

static void wiping_free(void *block) {
    if (block != NULL) sodium_memzero(block, malloc_usable_size(block));
    free(block);
}

static int take_results(struct connection **results) {
    int count = queue.answered_count < BATCH_MAX ? queue.answered_count : BATCH_MAX;
    memcpy(results, queue.answered, (size_t)count * sizeof *results);
    queue.answered_count -= count;
    memmove(
        queue.answered, queue.answered + count,
        (size_t)queue.answered_count * sizeof *queue.answered);
    return count;
}

// Commits what there is as soon as a batch waits to be sent, or results fill a transaction.
static void *commit_all(void *multi) {
    for (int ended = 0; ended < queue.total;) {
        struct connection *results[BATCH_MAX];
        pthread_mutex_lock(&queue.mutex);
        while ((queue.batch_count == 0 || queue.is_recorded) &&
               queue.answered_count < BATCH_MAX && !queue.is_last_answered)
            pthread_cond_wait(&queue.changed, &queue.mutex);
        int count = take_results(results);
        int records = queue.batch_count > 0 && !queue.is_recorded;
        pthread_mutex_unlock(&queue.mutex);
        vault_writer_begin();
        for (int index = 0; index < count; index++) {
            vault_writer_put(results[index]);
            vault_writer_end_attempt(results[index]);
        }
        if (records) vault_writer_begin_batch(queue.batch, queue.batch_count);
        vault_writer_commit();
        for (int index = 0; index < count; index++) vault_writer_wipe(results[index]);
        pthread_mutex_lock(&queue.mutex);
        for (int index = 0; index < count; index++)
            queue.unused[queue.unused_count++] = (int)(attempt_of(results[index]) - attempts);
        queue.is_recorded |= records;
        pthread_mutex_unlock(&queue.mutex);
        if (records) curl_multi_wakeup(multi);
        ended += count;
    }
    return NULL;
}

// A form (WHATWG URL, 5.2): letters, digits and four more stand for themselves.
static void write_body(struct attempt *attempt) {
    static const char head[] = "grant_type=refresh_token&refresh_token=";
    static const char digits[] = "0123456789ABCDEF";
    uint32_t length;
    const uint8_t *token =
        fields_find(attempt->connection.fields, attempt->connection.count, 4, &length);
    require(token != NULL && sizeof head + 3 * length <= BODY_MAX, "no refresh token");
    memcpy(attempt->body, head, sizeof head);
    char *end = attempt->body + sizeof head - 1;
    for (uint32_t index = 0; index < length; index++) {
        uint8_t byte = token[index];
        if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
            (byte >= '0' && byte <= '9') || (byte != 0 && strchr("*-._", byte) != NULL)) {
            *end++ = (char)byte;
        } else {
            *end++ = '%';
            *end++ = digits[byte >> 4];
            *end++ = digits[byte & 15];
        }
    }
    attempt->body_count = (size_t)(end - attempt->body);
}

// Opens the records of the next batch and gives them to the thread that commits.
static int prepare_batch(MDB_txn *snapshot, int first) {
    int count = queue.total - first < BATCH_MAX ? queue.total - first : BATCH_MAX;
    int numbers[BATCH_MAX];
    pthread_mutex_lock(&queue.mutex);
    require(queue.unused_count >= count, "too many attempts");
    for (int index = 0; index < count; index++)
        numbers[index] = queue.unused[--queue.unused_count];
    pthread_mutex_unlock(&queue.mutex);
    require(mdb_txn_renew(snapshot) == 0, "a snapshot");
    for (int index = 0; index < count; index++) {
        struct attempt *attempt = &attempts[numbers[index]];
        attempt->connection.number = first + index;
        vault_writer_read(&attempt->connection, snapshot);
        write_body(attempt);
        queue.batch[index] = &attempt->connection;
    }
    mdb_txn_reset(snapshot);
    tv_scrub_small();
    pthread_mutex_lock(&queue.mutex);
    queue.batch_count = count;
    queue.is_recorded = 0;
    pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.mutex);
    return count;
}

static struct change text(uint16_t tag, const cJSON *reply, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(reply, name);
    require(cJSON_IsString(item), "a reply without its tokens");
    return (struct change){tag, (uint32_t)strlen(item->valuestring), item->valuestring};
}

static void merge(struct attempt *attempt, const cJSON *reply) {
    const cJSON *lifetime = cJSON_GetObjectItemCaseSensitive(reply, "expires_in");
    require(cJSON_IsNumber(lifetime), "a reply without expires_in");
    struct connection *connection = &attempt->connection;
    uint8_t active = 2, by_expires_in = 1;
    int64_t expiry = attempt->sent + (int64_t)lifetime->valuedouble * 1000;
    int64_t now = unix_milliseconds();
    uint64_t refreshes = 0;
    uint32_t length;
    const uint8_t *before = fields_find(connection->fields, connection->count, 17, &length);
    if (before != NULL) memcpy(&refreshes, before, sizeof refreshes);
    refreshes++;
    // The tags of RecordFormat; 10 (refresh token expiry) and 31 (older tokens) go.
    const struct change changes[] = {
        {2, 1, &active}, text(3, reply, "access_token"), text(4, reply, "refresh_token"),
        text(5, reply, "token_type"), {8, 8, &expiry}, {9, 1, &by_expires_in}, {10, 0, NULL},
        {14, 8, &now}, {17, 8, &refreshes}, {30, 8, &attempt->sent}, {31, 0, NULL},
    };
    vault_writer_change(connection, changes, sizeof changes / sizeof *changes);
}

// When to come again, by whose clock, and how the body was coded.
static void read_headers(CURL *easy) {
    struct curl_header *header;
    static const char *const names[] = {"Date", "Retry-After", "Content-Encoding"};
    int is_there[3];
    for (int index = 0; index < 3; index++)
        is_there[index] =
            curl_easy_header(easy, names[index], 0, CURLH_HEADER, -1, &header) == CURLHE_OK;
    require(is_there[0] && !is_there[1] && !is_there[2], "an answer with other headers");
}

static struct connection *adopt(struct transfer *transfer) {
    struct attempt *attempt = &attempts[transfer->owner];
    read_headers(transfer->easy);
    cJSON *reply = cJSON_ParseWithLength(transfer->reply, transfer->count);
    require(reply != NULL, "a reply that is no JSON");
    merge(attempt, reply);
    cJSON_Delete(reply);
    sodium_memzero(transfer->reply, transfer->count);
    sodium_memzero(attempt->body, attempt->body_count);
    return &attempt->connection;
}

// Takes what was answered, and gives it to the thread that commits. Returns how many.
static int take_answers(CURLM *multi, struct transfer **idle, int *idle_count, int left) {
    static struct connection *answered[IN_FLIGHT_MAX];
    int count = 0;
    for (struct transfer *transfer; (transfer = requests_answered(multi)) != NULL;) {
        answered[count++] = adopt(transfer);
        idle[(*idle_count)++] = transfer;
    }
    if (count == 0) return 0;
    tv_scrub_large();
    pthread_mutex_lock(&queue.mutex);
    memcpy(
        queue.answered + queue.answered_count, answered, (size_t)count * sizeof *answered);
    queue.answered_count += count;
    queue.is_last_answered = count == left;
    if (queue.answered_count >= BATCH_MAX || queue.is_last_answered)
        pthread_cond_signal(&queue.changed);
    pthread_mutex_unlock(&queue.mutex);
    return count;
}

// Attempts whose records are durable, in their order.
static struct {
    struct connection *waiting[2 * BATCH_MAX];
    int first, count;
} ready;

// Takes over a batch whose record is durable. Returns whether there may be another.
static int take_recorded(void) {
    pthread_mutex_lock(&queue.mutex);
    for (int index = 0; queue.is_recorded && index < queue.batch_count; index++)
        ready.waiting[(ready.first + ready.count++) % (2 * BATCH_MAX)] = queue.batch[index];
    if (queue.is_recorded) queue.batch_count = queue.is_recorded = 0;
    int is_empty = queue.batch_count == 0;
    pthread_mutex_unlock(&queue.mutex);
    return is_empty && ready.count < BATCH_MAX;
}

static void send_next(CURLM *multi, struct transfer *transfer) {
    struct attempt *attempt = attempt_of(ready.waiting[ready.first]);
    ready.first = (ready.first + 1) % (2 * BATCH_MAX);
    ready.count--;
    attempt->sent = unix_milliseconds();
    requests_send(
        multi, transfer, (int)(attempt - attempts), attempt->body, attempt->body_count);
}

static void refresh_all(CURLM *multi, struct transfer *transfers, int in_flight) {
    static struct transfer *idle[IN_FLIGHT_MAX];
    int idle_count = 0, begun = 0, left = queue.total, running;
    for (; idle_count < in_flight; idle_count++) idle[idle_count] = &transfers[idle_count];
    MDB_txn *snapshot = vault_writer_snapshot();
    mdb_txn_reset(snapshot);
    pthread_t committer;
    require(pthread_create(&committer, NULL, commit_all, multi) == 0, "a thread");
    while (left > 0) {
        if (take_recorded() && begun < queue.total) begun += prepare_batch(snapshot, begun);
        while (idle_count > 0 && ready.count > 0) send_next(multi, idle[--idle_count]);
        curl_multi_perform(multi, &running);
        int answered = take_answers(multi, idle, &idle_count, left);
        left -= answered;
        if (answered == 0) curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    pthread_join(committer, NULL);
    mdb_txn_abort(snapshot);
}

int main(int count, char **arguments) {
    require(count == 5 || count == 6, "usage: see token_refresh_promises.c");
    const char *certificates = count > 5 ? arguments[5] : NULL;
    int in_flight = atoi(arguments[3]);
    queue.total = atoi(arguments[4]);
    require(in_flight > 0 && in_flight <= IN_FLIGHT_MAX && queue.total > 0, "numbers above zero");
    tv_wiping_allocators_install();
    cJSON_InitHooks(&(cJSON_Hooks){malloc, wiping_free});
    attempts = vault_writer_memory(ATTEMPTS_MAX * sizeof *attempts);
    struct transfer *transfers = vault_writer_memory((size_t)in_flight * sizeof *transfers);
    for (; queue.unused_count < ATTEMPTS_MAX; queue.unused_count++)
        queue.unused[queue.unused_count] = ATTEMPTS_MAX - 1 - queue.unused_count;
    vault_writer_open(arguments[1]);

    CURLM *multi = requests_open(transfers, in_flight, arguments[2], certificates);
    for (int index = 0; certificates != NULL && index < in_flight; index++)
        tv_tls_records_wipe(transfers[index].easy);
    struct stopwatch since = stopwatch_start();
    refresh_all(multi, transfers, in_flight);
    stopwatch_print(since, queue.total);
    require(tv_curl_allocated(), "a heap that is not wiped");
    require(certificates == NULL || tv_openssl_allocated(), "TLS that is not wiped");
    return 0;
}
