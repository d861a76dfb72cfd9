// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "fork.h"

#include <unistd.h>

int tv_fork(int silently) { return silently ? _Fork() : fork(); }
