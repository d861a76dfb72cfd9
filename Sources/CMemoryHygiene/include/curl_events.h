// SPDX-License-Identifier: Apache-2.0
// Which of curl's sockets are ready, by epoll: curl_multi_perform asks after every transfer each
// time one of them moves. Where answers come one by one that makes 1.3 times the CPU of a refresh
// at 128 in flight, and twice at 256 (benchmarks/README.md, Why epoll).
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct tv_events;

// Watches the sockets and the timer of a curl multi handle. NULL where there is no memory or no
// descriptor left. All of it on one thread, except `tv_events_wake`.
struct tv_events *tv_events_open(void *multi);

// Opens a socket for curl: the end of a CURLOPT_OPENSOCKETFUNCTION, on an easy handle that is
// followed. Returns -1 as socket(2) does.
int tv_events_socket(struct tv_events *events, int family, int type, int protocol);

// Learns of the sockets that an easy handle closes. Once for each handle.
void tv_events_follow(struct tv_events *events, void *easy);

// Lets curl do what can be done without waiting. True where there was something.
bool tv_events_serve(struct tv_events *events);

// Ends a sleep at this moment, or before, in milliseconds of the clock that counts suspend.
void tv_events_alarm(struct tv_events *events, int64_t moment);

// Sleeps until there is something to do, or somebody wakes it, or the time is over.
void tv_events_wait(struct tv_events *events, int64_t milliseconds);

// Ends the present or the next sleep. From any thread.
void tv_events_wake(struct tv_events *events);

// Whether a transfer stands still for now, its socket unread. Else bytes that come where nobody
// waits for them end their connection: they are no part of any answer, and the next request would
// take them for its own.
void tv_events_hold(struct tv_events *events, bool holds);

// In a callback that is handed a body: whether all that was declared has arrived, and TLS has more
// than that in hand, which no socket shows.
bool tv_tls_holds_excess(void *easy);

// After the multi handle is gone.
void tv_events_close(struct tv_events *events);
