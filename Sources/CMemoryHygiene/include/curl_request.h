// SPDX-License-Identifier: Apache-2.0
// A request of curl's that is no POST of a form. All of it on the thread of its easy handle.
#pragma once
#include <stdbool.h>

// The next request goes by this method: POST or GET, under the name of `verb` where that is not
// NULL.
void tv_request_begin(void *easy, bool is_post, const char *verb);

// Host names are resolved by this list (CURLOPT_RESOLVE), which is not copied.
void tv_resolve(void *easy, void *list);

// The next requests go through this HTTP proxy, by CONNECT, with these header fields for it, which
// are not copied; through none where it is empty. The environment has no say in either case. False
// where curl refuses.
bool tv_proxy(void *easy, const char *url, void *headers);

// The HTTP status with which the proxy answered; 0 where it did not.
long tv_proxy_status(void *easy);

// Back to a POST.
void tv_request_end(void *easy);
