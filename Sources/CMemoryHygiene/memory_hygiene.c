// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "memory_hygiene.h"
#include "process.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// Set at the first allocation. Read first, so that the cache line stays shared between threads.
static atomic_bool curl_allocated, openssl_allocated;
static void mark(atomic_bool *allocated) {
    if (!atomic_load_explicit(allocated, memory_order_relaxed))
        atomic_store_explicit(allocated, true, memory_order_relaxed);
}

// The blocks in which curl and OpenSSL keep the bytes of a transfer, made anew for each: zeroed,
// they wait here for the next. malloc would give the memory back to the kernel, which would then
// have to supply every page that is wiped, anew for every request.
#define SPARE_COUNT 256
static struct spares {
    const size_t size, count_max;
    size_t count;
    pthread_mutex_t mutex;
    void *blocks[SPARE_COUNT];
} spares[] = {
    // curl's buffer of each transfer, where it is as small as the library sets it.
    {4352, SPARE_COUNT, 0, PTHREAD_MUTEX_INITIALIZER, {NULL}},
    // A TLS record and its frame, and curl's buffers as they are by default.
    {17408, 32, 0, PTHREAD_MUTEX_INITIALIZER, {NULL}},
};
// How much shorter than the spares a block may be that is taken from them.
#define SPARE_SLACK 1280

static struct spares *spares_for(size_t size) {
    for (size_t index = 0; index < sizeof spares / sizeof *spares; index++)
        if (size <= spares[index].size && size + SPARE_SLACK > spares[index].size)
            return &spares[index];
    return NULL;
}

// A thread that holds one of the locks while another forks is not there in the child to let it go.
static void hold_spares(void) {
    for (size_t index = 0; index < sizeof spares / sizeof *spares; index++)
        pthread_mutex_lock(&spares[index].mutex);
}
static void let_spares_go(void) {
    for (size_t index = 0; index < sizeof spares / sizeof *spares; index++)
        pthread_mutex_unlock(&spares[index].mutex);
}

static void *wiping_malloc(size_t size) {
    struct spares *kept = spares_for(size);
    if (kept == NULL) return malloc(size);
    void *block = NULL;
    pthread_mutex_lock(&kept->mutex);
    if (kept->count > 0) block = kept->blocks[--kept->count];
    pthread_mutex_unlock(&kept->mutex);
    return block != NULL ? block : malloc(kept->size);
}

static bool keep(void *block, size_t held) {
    struct spares *kept = held >= spares[0].size ? spares_for(held & ~(size_t)15) : NULL;
    if (kept == NULL || held < kept->size) return false;
    pthread_mutex_lock(&kept->mutex);
    bool has_room = kept->count < kept->count_max;
    if (has_room) kept->blocks[kept->count++] = block;
    pthread_mutex_unlock(&kept->mutex);
    return has_room;
}

static void wiping_free(void *block) {
    if (block == NULL) return;
    size_t held = malloc_usable_size(block);
    explicit_bzero(block, held);
    if (!keep(block, held)) free(block);
}

// Never realloc(): it may move the block and leave the old bytes behind.
static void *wiping_realloc(void *block, size_t size) {
    if (block == NULL) return wiping_malloc(size);
    size_t held = malloc_usable_size(block);
    if (size != 0 && size <= held && size >= held / 2) return block;
    void *moved = wiping_malloc(size == 0 ? 1 : size);
    if (moved == NULL) return NULL;
    memcpy(moved, block, held < size ? held : size);
    wiping_free(block);
    return moved;
}

static void *curl_malloc(size_t size) {
    mark(&curl_allocated);
    return wiping_malloc(size);
}
static void *curl_calloc(size_t count, size_t size) {
    mark(&curl_allocated);
    return calloc(count, size);
}
static char *curl_strdup(const char *text) {
    mark(&curl_allocated);
    return strdup(text);
}

static void *openssl_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    mark(&openssl_allocated);
    return wiping_malloc(size);
}
static void *openssl_realloc(void *block, size_t size, const char *file, int line) {
    (void)file, (void)line;
    if (size == 0) {
        wiping_free(block);
        return NULL;
    }
    return wiping_realloc(block, size);
}
static void openssl_free(void *block, const char *file, int line) {
    (void)file, (void)line;
    wiping_free(block);
}

typedef int (*set_mem_functions)(
    void *(*)(size_t, const char *, int), void *(*)(void *, size_t, const char *, int),
    void (*)(void *, const char *, int));

static bool wiping_forbidden;
void tv_wiping_forbid(void) { wiping_forbidden = true; }

static void install_once(void) {
    if (wiping_forbidden) {
        curl_global_init(CURL_GLOBAL_ALL);
        return;
    }
    // Looked up by name, because curl may have been built on another TLS library.
    pthread_atfork(hold_spares, let_spares_go, let_spares_go);
    set_mem_functions set = (set_mem_functions)dlsym(RTLD_DEFAULT, "CRYPTO_set_mem_functions");
    if (set != NULL) set(openssl_malloc, openssl_realloc, openssl_free);
    curl_global_init_mem(
        CURL_GLOBAL_ALL, curl_malloc, wiping_free, wiping_realloc, curl_strdup, curl_calloc);
}

void tv_wiping_allocators_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_once);
}

// SSL_OP_CLEANSE_PLAINTEXT, which versions before 3.0 ignore.
#define CLEANSE_PLAINTEXT UINT64_C(2)

static CURLcode wipe_records(CURL *easy, void *context, void *unused) {
    (void)easy, (void)unused;
    uint64_t (*set)(void *, uint64_t) =
        (uint64_t(*)(void *, uint64_t))dlsym(RTLD_DEFAULT, "SSL_CTX_set_options");
    if (set != NULL) set(context, CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

void tv_tls_records_wipe(void *easy) {
    // Another library's context is another structure.
    const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
    if (wiping_forbidden || library == NULL || strncmp(library, "OpenSSL/", 8) != 0) return;
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, wipe_records);
}

bool tv_curl_allocated(void) { return atomic_load(&curl_allocated); }
bool tv_openssl_allocated(void) { return atomic_load(&openssl_allocated); }

#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void scrub_avx512(void) {
    __asm__ volatile(
        "vpxorq %%zmm16,%%zmm16,%%zmm16\n vpxorq %%zmm17,%%zmm17,%%zmm17\n"
        "vpxorq %%zmm18,%%zmm18,%%zmm18\n vpxorq %%zmm19,%%zmm19,%%zmm19\n"
        "vpxorq %%zmm20,%%zmm20,%%zmm20\n vpxorq %%zmm21,%%zmm21,%%zmm21\n"
        "vpxorq %%zmm22,%%zmm22,%%zmm22\n vpxorq %%zmm23,%%zmm23,%%zmm23\n"
        "vpxorq %%zmm24,%%zmm24,%%zmm24\n vpxorq %%zmm25,%%zmm25,%%zmm25\n"
        "vpxorq %%zmm26,%%zmm26,%%zmm26\n vpxorq %%zmm27,%%zmm27,%%zmm27\n"
        "vpxorq %%zmm28,%%zmm28,%%zmm28\n vpxorq %%zmm29,%%zmm29,%%zmm29\n"
        "vpxorq %%zmm30,%%zmm30,%%zmm30\n vpxorq %%zmm31,%%zmm31,%%zmm31\n"
        "vzeroall\n" ::: "memory");
}
__attribute__((target("avx"))) static void scrub_avx(void) {
    __asm__ volatile("vzeroall" ::: "memory");
}
static void scrub_sse2(void) {
    __asm__ volatile(
        "pxor %%xmm0,%%xmm0\n pxor %%xmm1,%%xmm1\n pxor %%xmm2,%%xmm2\n pxor %%xmm3,%%xmm3\n"
        "pxor %%xmm4,%%xmm4\n pxor %%xmm5,%%xmm5\n pxor %%xmm6,%%xmm6\n pxor %%xmm7,%%xmm7\n"
        "pxor %%xmm8,%%xmm8\n pxor %%xmm9,%%xmm9\n pxor %%xmm10,%%xmm10\n pxor %%xmm11,%%xmm11\n"
        "pxor %%xmm12,%%xmm12\n pxor %%xmm13,%%xmm13\n pxor %%xmm14,%%xmm14\n"
        "pxor %%xmm15,%%xmm15\n" ::: "memory");
}
// The calling convention keeps nothing in vector registers across a call, so a plain function may
// clear them all; the call through a pointer keeps the compiler from assuming otherwise.
static void scrub_registers(void) {
    static void (*_Atomic chosen)(void);
    void (*scrub)(void) = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (scrub == NULL) {
        __builtin_cpu_init();
        scrub = __builtin_cpu_supports("avx512f") ? scrub_avx512
                : __builtin_cpu_supports("avx")   ? scrub_avx
                                                  : scrub_sse2;
        atomic_store_explicit(&chosen, scrub, memory_order_relaxed);
    }
    scrub();
}
#elif defined(__aarch64__)
// v8 to v15 hold callee-saved halves: only their upper 64 bits may be cleared.
static void scrub_registers(void) {
    __asm__ volatile(
        "movi v0.2d,#0\n movi v1.2d,#0\n movi v2.2d,#0\n movi v3.2d,#0\n movi v4.2d,#0\n"
        "movi v5.2d,#0\n movi v6.2d,#0\n movi v7.2d,#0\n"
        "mov v8.d[1],xzr\n mov v9.d[1],xzr\n mov v10.d[1],xzr\n mov v11.d[1],xzr\n"
        "mov v12.d[1],xzr\n mov v13.d[1],xzr\n mov v14.d[1],xzr\n mov v15.d[1],xzr\n"
        "movi v16.2d,#0\n movi v17.2d,#0\n movi v18.2d,#0\n movi v19.2d,#0\n movi v20.2d,#0\n"
        "movi v21.2d,#0\n movi v22.2d,#0\n movi v23.2d,#0\n movi v24.2d,#0\n movi v25.2d,#0\n"
        "movi v26.2d,#0\n movi v27.2d,#0\n movi v28.2d,#0\n movi v29.2d,#0\n movi v30.2d,#0\n"
        "movi v31.2d,#0\n" ::: "memory", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16",
        "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
        "v30", "v31");
}
#else
static void scrub_registers(void) {}
#endif

__attribute__((noinline)) void tv_scrub_small(void) {
    if (wiping_forbidden) return;
    char dead[16 * 1024];
    explicit_bzero(dead, sizeof dead);
    scrub_registers();
}

__attribute__((noinline)) void tv_scrub_large(void) {
    if (wiping_forbidden) return;
    char dead[128 * 1024];
    explicit_bzero(dead, sizeof dead);
    scrub_registers();
}

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

void *tv_arena_map(size_t byte_count, bool allow_secret_memory, int *kind) {
    tv_process();
    *kind = TV_ARENA_FAILED;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *reserved = mmap(
        NULL, byte_count + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) return NULL;
    char *base = reserved + page;
    int protection = PROT_READ | PROT_WRITE;

    int descriptor = allow_secret_memory ? (int)syscall(SYS_memfd_secret, O_CLOEXEC) : -1;
    if (descriptor >= 0) {
        if (ftruncate(descriptor, (off_t)byte_count) == 0 &&
            mmap(base, byte_count, protection, MAP_SHARED | MAP_FIXED, descriptor, 0) == base) {
            *kind = TV_ARENA_SECRET_MEMORY;
        }
        close(descriptor);
    }
    if (*kind == TV_ARENA_FAILED) {
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
        if (mmap(base, byte_count, protection, flags, -1, 0) != base) {
            munmap(reserved, byte_count + 2 * page);
            return NULL;
        }
        *kind = mlock(base, byte_count) == 0 ? TV_ARENA_LOCKED : TV_ARENA_UNLOCKED;
    }
    madvise(base, byte_count, MADV_DONTDUMP);
    madvise(base, byte_count, MADV_DONTFORK);
    tv_leave_region(base, byte_count);
    return base;
}
