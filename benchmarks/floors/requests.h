// SPDX-License-Identifier: Apache-2.0
// What the floors of a refresh share: requests to a token endpoint by curl multi, on one thread.
#pragma once
#include <curl/curl.h>
#include <stddef.h>

#define IN_FLIGHT_MAX 1024

// What is in flight: an easy handle, whose refresh it is, and the reply so far.
struct transfer {
    CURL *easy;
    int owner;
    size_t count;
    char reply[4096];
};

// Makes `in_flight` handles for requests to `url`; curl is initialised before. Over TLS with a file
// of CA certificates.
CURLM *requests_open(
    struct transfer *transfers, int in_flight, const char *url, const char *certificates);

// Sends a body, which stays where it is until the answer is there.
void requests_send(
    CURLM *multi, struct transfer *transfer, int owner, const char *body, size_t count);

// One that was answered with 200, and is free for the next; NULL where there is none now.
struct transfer *requests_answered(CURLM *multi);
