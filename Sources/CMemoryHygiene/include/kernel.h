// SPDX-License-Identifier: Apache-2.0
// What Swift's Glibc module lacks: timerfd and eventfd, statfs, the name of a thread.
#pragma once
#include <stdint.h>

// A thread's sleep until a deadline, a call, or a step of the wall clock, on the clock that counts
// suspend. Opens the three descriptors; returns 0 or an errno. `steps` is -1 where the kernel does
// not tell of steps.
int tv_alarm_open(int *timer, int *call, int *steps);
// Sleeps at most `milliseconds` (for ever where negative), or until the next call or step. A step
// since the last sleep ends it at once.
void tv_alarm_wait(int timer, int call, int steps, int64_t milliseconds);
// Ends the present or the next sleep. From any thread.
void tv_alarm_call(int call);
void tv_alarm_close(int timer, int call, int steps);

// The magic number of the file system under `path` (statfs(2)); 0 where it cannot be told.
int64_t tv_file_system(const char *path);

// The processor that runs the calling thread at this moment: a hint, for spreading.
unsigned tv_processor(void);

// Names the calling thread as debuggers show it; at most 15 bytes count. A file that outgrows what
// the process may write is an error to it (EFBIG), not the signal that ends the process.
void tv_thread_begin(const char *name);

// From now on the calling thread never waits for a block of the arena: what it would wait for may
// be held by what waits for it. For ever, or until as many calls of the second.
void tv_thread_must_not_wait(void);
void tv_thread_may_wait_again(void);
int tv_thread_may_wait(void);

// Lets other processes of this user read this one's memory where Yama would refuse (ptrace_scope 1,
// the default of Ubuntu). For proofs that no secret is left; harmless where there is no Yama.
void tv_let_read_memory(void);

// Gives an open file blocks and length up to `bytes`, and the cache its pages from `used` on, one
// by one: nothing is read for them, because nothing was written there. Where a long write makes
// them instead, the kernel (ext4 from 6.16 on, XFS) makes few large ones, and looks through all of
// such a one whenever 4 KiB of it are written: a third of what a commit costs. 0 where the disk is
// full; a file system that cannot do that is taken at its word when it is written.
int tv_allocate(int file, int64_t used, int64_t bytes);
