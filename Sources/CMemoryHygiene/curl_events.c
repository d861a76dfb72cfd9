// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "curl_events.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

// How many ready sockets are taken at a time.
#define READY_COUNT 256

// What is known of a descriptor.
enum { WATCHES_IN = 1, WATCHES_OUT = 2, WANTED = 4, OURS = 8 };

struct tv_events {
    CURLM *multi;
    int epoll, call, alarm;
    // When the alarm goes off, in milliseconds of the clock that counts suspend; -1 while it is
    // off.
    int64_t alarm_due;
    // Whether a transfer stands still for now, its socket unread.
    bool holds;
    // When curl's timer is due, in milliseconds of the monotonic clock; -1 while it has none.
    int64_t due;
    int ready_count;
    struct epoll_event ready[READY_COUNT];
    // By descriptor, as the enumeration above has it.
    uint8_t *sockets;
    int socket_count;
};

// OpenSSL's, where curl was built on it. Looked up by name, once.
static int (*_Atomic tls_has_pending)(const void *);

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

static bool reach(struct tv_events *events, int socket) {
    if (socket < events->socket_count) return true;
    int count = (socket | 255) + 1;
    uint8_t *sockets = realloc(events->sockets, (size_t)count);
    if (sockets == NULL) return false;
    events->sockets = sockets;
    while (events->socket_count < count) sockets[events->socket_count++] = 0;
    return true;
}

// Ends a connection that nobody waits at where something has come over it: more than an answer was
// announced to have. Not one that its server closes; curl sees that by itself.
static void end_if_talkative(struct tv_events *events, int socket) {
    char byte;
    if (!events->holds && recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
        shutdown(socket, SHUT_RDWR);
}

static void forget(struct tv_events *events, int socket) {
    epoll_ctl(events->epoll, EPOLL_CTL_DEL, socket, NULL);
    events->sockets[socket] &= OURS;
}

// curl tells what it waits for at a socket. One that is kept for the next request stays watched:
// that request will wait for the same, and two calls of the kernel are saved. `forget` is for
// descriptors that may be closed without a word.
static int watch(CURL *easy, curl_socket_t socket, int what, void *context, void *unused) {
    (void)easy, (void)unused;
    struct tv_events *events = context;
    if (!reach(events, socket)) return 0;
    uint8_t *known = &events->sockets[socket];
    if (what == CURL_POLL_REMOVE) {
        if (*known & OURS) {
            *known &= (uint8_t)~WANTED;
            end_if_talkative(events, socket);
        } else {
            forget(events, socket);
        }
        return 0;
    }
    uint8_t watches = (what != CURL_POLL_OUT ? WATCHES_IN : 0) |
                      (what != CURL_POLL_IN ? WATCHES_OUT : 0);
    uint8_t watched = *known & (WATCHES_IN | WATCHES_OUT);
    *known = (*known & OURS) | WANTED | watches;
    if (watches == watched) return 0;
    struct epoll_event wanted = {.data.fd = socket};
    if (watches & WATCHES_IN) wanted.events |= EPOLLIN;
    if (watches & WATCHES_OUT) wanted.events |= EPOLLOUT;
    int change = watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    // Where the kernel has no room, the transfer's deadline ends it.
    if (epoll_ctl(events->epoll, change, socket, &wanted) != 0) *known = (*known & OURS) | WANTED;
    return 0;
}

// A peer that is gone without a word is found out: after 15 seconds of silence it is asked every 5,
// and 30 seconds without an acknowledgement end the connection. A request is taken by the kernel in
// one piece, so that no copy of its rest waits in curl. Where an option is refused the transfer's
// own limit has to do.
static void set_options(int socket) {
    static const struct { int level, name, value; } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},   {IPPROTO_TCP, TCP_KEEPIDLE, 15},
        {IPPROTO_TCP, TCP_KEEPINTVL, 5}, {IPPROTO_TCP, TCP_KEEPCNT, 3},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000}, {SOL_SOCKET, SO_SNDBUF, 131072},
    };
    for (size_t index = 0; index < sizeof options / sizeof *options; index++)
        setsockopt(socket, options[index].level, options[index].name, &options[index].value,
                   sizeof options[index].value);
}

int tv_events_socket(struct tv_events *events, int family, int type, int protocol) {
    int opened = socket(family, type | SOCK_CLOEXEC, protocol);
    if (opened < 0) return opened;
    if (type == SOCK_STREAM) set_options(opened);
    if (reach(events, opened)) events->sockets[opened] = OURS;
    return opened;
}

// The kernel stops watching what is closed.
static int close_socket(void *context, curl_socket_t socket) {
    struct tv_events *events = context;
    if (socket < events->socket_count) events->sockets[socket] = 0;
    return close(socket);
}

void tv_events_follow(struct tv_events *events, void *easy) {
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, events);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
}

static int set_timer(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    struct tv_events *events = context;
    events->due = milliseconds < 0 ? -1 : now() + milliseconds;
    return 0;
}

struct tv_events *tv_events_open(void *multi) {
    struct tv_events *events = calloc(1, sizeof *events);
    if (events == NULL) return NULL;
    events->multi = multi;
    tls_has_pending = (int (*)(const void *))dlsym(RTLD_DEFAULT, "SSL_has_pending");
    events->due = events->alarm_due = -1;
    events->epoll = epoll_create1(EPOLL_CLOEXEC);
    events->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    events->alarm = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event call = {.events = EPOLLIN, .data.fd = events->call};
    struct epoll_event alarm = {.events = EPOLLIN, .data.fd = events->alarm};
    if (events->epoll < 0 || events->call < 0 || events->alarm < 0 ||
        epoll_ctl(events->epoll, EPOLL_CTL_ADD, events->call, &call) != 0 ||
        epoll_ctl(events->epoll, EPOLL_CTL_ADD, events->alarm, &alarm) != 0) {
        tv_events_close(events);
        return NULL;
    }
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, events);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, events);
    return events;
}

// A broken connection counts as readable and writable: curl finds out why when it tries.
static int bits(uint32_t ready) {
    int broken = (ready & (EPOLLERR | EPOLLHUP)) != 0;
    return (broken || (ready & EPOLLIN) ? CURL_CSELECT_IN : 0) |
           (broken || (ready & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
}

void tv_events_alarm(struct tv_events *events, int64_t moment) {
    if (events->alarm_due >= 0 && events->alarm_due <= moment) return;
    struct itimerspec due = {
        .it_value = {.tv_sec = moment / 1000, .tv_nsec = moment % 1000 * 1000000 + 1}};
    if (timerfd_settime(events->alarm, TFD_TIMER_ABSTIME, &due, NULL) == 0)
        events->alarm_due = moment;
}

bool tv_events_serve(struct tv_events *events) {
    int running;
    bool moved = false;
    for (int index = 0; index < events->ready_count; index++) {
        int socket = events->ready[index].data.fd;
        if (socket == events->call) {
            uint64_t ignored;
            if (read(socket, &ignored, sizeof ignored) < 0) continue;
        } else if (socket == events->alarm) {
            uint64_t ignored;
            events->alarm_due = -1;
            if (read(socket, &ignored, sizeof ignored) < 0) continue;
        } else if (events->sockets[socket] & WANTED) {
            moved = true;
            curl_multi_socket_action(
                events->multi, socket, bits(events->ready[index].events), &running);
        } else {
            // A kept connection that its server closes, or talks on; curl looks before it uses it
            // again.
            if (events->sockets[socket] & OURS) end_if_talkative(events, socket);
            forget(events, socket);
        }
    }
    events->ready_count = 0;
    if (events->due < 0 || now() < events->due) return moved;
    events->due = -1;
    curl_multi_socket_action(events->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    // curl is silent where the next moment is the one that it told before.
    long left = -1;
    if (events->due < 0 && curl_multi_timeout(events->multi, &left) == CURLM_OK)
        set_timer(events->multi, left, events);
    return true;
}

void tv_events_wait(struct tv_events *events, int64_t milliseconds) {
    if (events->due >= 0) {
        int64_t left = events->due - now();
        if (left < milliseconds) milliseconds = left < 0 ? 0 : left;
    }
    int limit = milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
    int count = epoll_wait(events->epoll, events->ready, READY_COUNT, limit);
    events->ready_count = count < 0 ? 0 : count;
}

void tv_events_wake(struct tv_events *events) {
    uint64_t one = 1;
    if (write(events->call, &one, sizeof one) < 0) return;
}

void tv_events_hold(struct tv_events *events, bool holds) { events->holds = holds; }

bool tv_tls_holds_excess(void *easy) {
    curl_off_t declared = -1, arrived = 0;
    curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &declared);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &arrived);
    if (declared < 0 || arrived < declared) return false;
    struct curl_tlssessioninfo *session = NULL;
    curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session);
    if (session == NULL || session->backend != CURLSSLBACKEND_OPENSSL || session->internals == NULL)
        return false;
    int (*has_pending)(const void *) = tls_has_pending;
    return has_pending != NULL && has_pending(session->internals) == 1;
}

void tv_events_close(struct tv_events *events) {
    if (events->epoll >= 0) close(events->epoll);
    if (events->call >= 0) close(events->call);
    if (events->alarm >= 0) close(events->alarm);
    free(events->sockets);
    free(events);
}
