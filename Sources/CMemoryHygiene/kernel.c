// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

// The wall clock cannot be set beyond the year 2232.
#define AFTER_ALL_CLOCKS INT64_C(9000000000)

static void watch_clock(int steps) {
    struct itimerspec never = {{0, 0}, {AFTER_ALL_CLOCKS, 0}};
    timerfd_settime(steps, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

int tv_alarm_open(int *timer, int *call, int *steps) {
    *steps = -1;
    *timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (*timer < 0) return errno;
    *call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (*call >= 0) {
        *steps = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
        if (*steps >= 0) watch_clock(*steps);
        return 0;
    }
    int failure = errno;
    close(*timer);
    return failure;
}

void tv_alarm_wait(int timer, int call, int steps, int64_t milliseconds) {
    // A value of zero would disarm the timer instead of ending the sleep at once.
    struct itimerspec until = {{0, 0}, {0, 1}};
    if (milliseconds != 0) {
        until.it_value.tv_sec = milliseconds / 1000;
        until.it_value.tv_nsec = milliseconds % 1000 * 1000000;
    }
    if (milliseconds >= 0) timerfd_settime(timer, 0, &until, NULL);
    struct pollfd descriptors[3] = {{call, POLLIN, 0}, {steps, POLLIN, 0}, {timer, POLLIN, 0}};
    while (poll(descriptors, milliseconds < 0 ? 2 : 3, -1) < 0 && errno == EINTR) {}
    uint64_t ignored;
    // Cancelled, since the clock was set: it is armed for the next time.
    if (descriptors[1].revents != 0) {
        if (read(steps, &ignored, sizeof ignored) < 0) {}
        watch_clock(steps);
    }
    if (read(call, &ignored, sizeof ignored) < 0) {}
}

void tv_alarm_call(int call) {
    uint64_t one = 1;
    if (write(call, &one, sizeof one) < 0) {}
}

void tv_alarm_close(int timer, int call, int steps) {
    if (steps >= 0) close(steps);
    close(timer);
    close(call);
}

int64_t tv_file_system(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (int64_t)status.f_type : 0;
}

unsigned tv_processor(void) {
    int processor = sched_getcpu();
    return processor < 0 ? 0 : (unsigned)processor;
}

void tv_thread_begin(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static _Thread_local int must_not_wait;
void tv_thread_must_not_wait(void) { must_not_wait++; }
void tv_thread_may_wait_again(void) { must_not_wait--; }
int tv_thread_may_wait(void) { return !must_not_wait; }

void tv_let_read_memory(void) { prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); }

// How much of a file is taken into the cache at a time, below what the kernel reads ahead at most.
#define CACHED_BYTES (128 << 10)

int tv_allocate(int file, int64_t used, int64_t bytes) {
    int result;
    do {
        result = fallocate(file, 0, 0, (off_t)bytes);
    } while (result != 0 && errno == EINTR);
    if (result != 0)
        return errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
    for (int64_t at = used; at < bytes; at += CACHED_BYTES)
        posix_fadvise(file, (off_t)at, CACHED_BYTES, POSIX_FADV_WILLNEED);
    return 1;
}
