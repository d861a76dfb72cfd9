// SPDX-License-Identifier: Apache-2.0
// Which of curl's sockets are ready, by epoll: curl_multi_perform asks after every transfer each
// time one of them moves, which at a thousand in flight is most of the work.
#pragma once
#include <stdint.h>

struct tv_events;

// Watches the sockets and the timer of a curl multi handle. NULL where there is no memory or no
// descriptor left. All of it on one thread, except `tv_events_wake`.
struct tv_events *tv_events_open(void *multi);

// Lets curl do what can be done without waiting.
void tv_events_serve(struct tv_events *events);

// Sleeps until there is something to do, or somebody wakes it, or the time is over.
void tv_events_wait(struct tv_events *events, int64_t milliseconds);

// Ends the present or the next sleep. From any thread.
void tv_events_wake(struct tv_events *events);

// After the multi handle is gone.
void tv_events_close(struct tv_events *events);
