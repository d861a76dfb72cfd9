// SPDX-License-Identifier: Apache-2.0
// What Swift cannot say about memory: allocators that wipe what they free, dead stack and vector
// registers scrubbed, a locked mapping for secrets, a process that leaves no core file.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Hands libcurl (curl_global_init_mem) and OpenSSL (CRYPTO_set_mem_functions) allocators that zero
// every block before it is freed. Idempotent. Must run before anything else uses either library:
// OpenSSL refuses afterwards and curl ignores the call in silence, so ask the two below.
void tv_wiping_allocators_install(void);

// For proofs that must fail: from here on the libraries get plain allocators and the scrubs do
// nothing. Before the call above only.
void tv_wiping_forbid(void);

// Whether anything was allocated through the wiping allocators since the start. False after a
// transfer (curl) or after a TLS handshake (OpenSSL) means that the library does not use them.
bool tv_curl_allocated(void);
bool tv_openssl_allocated(void);

// Has OpenSSL wipe what it has handed over to a curl handle: it decrypts where it has read, and a
// record that is not read to its end, since more came than was announced, stays there for as long
// as its connection is kept. Nothing where curl has another TLS library.
void tv_tls_records_wipe(void *easy);

// Zeroes the dead stack below the caller and all vector registers. The small one covers 16 KiB:
// what opening and sealing a record reach, and 3 KiB more in which the dynamic linker saves the
// vector registers, plaintext and all, where a function of another library is called for the first
// time. The large one covers 128 KiB, which is what curl and OpenSSL reach during a transfer.
void tv_scrub_small(void);
void tv_scrub_large(void);

enum tv_arena_kind {
    TV_ARENA_FAILED = 0,
    TV_ARENA_SECRET_MEMORY = 1,  // memfd_secret: not even root reads it through /proc
    TV_ARENA_LOCKED = 2,         // mmap and mlock, left out of core files
    TV_ARENA_UNLOCKED = 3,       // mmap alone: RLIMIT_MEMLOCK was too small
};

// Maps `byte_count` bytes (a multiple of the page size) between two guard pages; the region is not
// inherited by fork and not dumped. Returns its first byte, or NULL with *kind TV_ARENA_FAILED.
void *tv_arena_map(size_t byte_count, bool allow_secret_memory, int *kind);

// The signals of a crash end the process at once, without Swift's crash reporter; no variable has
// curl or OpenSSL write keys down or load what others chose; PR_SET_DUMPABLE 0 and RLIMIT_CORE 0.
// Before tv_wiping_allocators_install. False where one of the last two failed.
bool tv_harden_process(void);
