// SPDX-License-Identifier: Apache-2.0
// What the C library has for the start of a program and Swift does not see: it takes _GNU_SOURCE.
#pragma once
#include <sys/types.h>

// Both ends of a pipe, the one to read first. No program that is started inherits them.
// Returns 0, or an error number.
int tv_pipe(int ends[2]);

// Starts a program with three descriptors and no others, no signal blocked and none ignored.
// `words` are its name and its arguments, `variables` its environment; each ends with NULL.
// `directory` is where it begins; NULL: where we are. `streams` are its input, output and errors,
// which stay open here; -1: ours.
// Returns 0, or an error number: ENOENT where there is no such program or directory.
int tv_spawn(pid_t *process, const char *program, char *const *words, char *const *variables,
             const char *directory, const int streams[3]);
