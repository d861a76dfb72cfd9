// SPDX-License-Identifier: Apache-2.0
//
// Looks for what is left of secrets: every 16-byte window of every encoded form of given needles,
// in all mappings of a process and in all files below a directory.
//
//     cc -O2 -Wall -Wextra -Werror -o residue_scanner residue_scanner.c
//     residue_scanner [--pid PID] [--directory DIR] < needles
//
// A needle is a line "name mask-hex masked-hex": the secret is mask XOR masked. No clear needle is
// therefore in a pipe, and this process keeps windows only XORed with a random pad, so that a scan
// of the scanner does not find them either.
//
// Prints one JSON object. Exit status: 0 no hit, 1 hits, 2 the scan could not be done or not be
// finished, which is never reported as 0.

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WINDOW = 16,                    // a hit is this many equal bytes
    NEEDLE_LIMIT = 64 * 1024,       // bytes of one needle
    NAME_LIMIT = 64,                // bytes of a needle's name
    LINE_LIMIT = 4 * NEEDLE_LIMIT + NAME_LIMIT + 8,
    FORM_LIMIT = 3 * NEEDLE_LIMIT,  // %XX is the longest form
    CHUNK = 1 << 20,                // bytes read at a time
    PAGE = 4096,
    HITS_SHOWN = 100,
    UNREADABLE_SHOWN = 100,
    RAW_DISTINCT = 6,               // fewer distinct bytes in a window of the secret: too plain
    FORM_DISTINCT = 4,              // the same for a window of an encoded form
};

// A larger private anonymous region (a reservation, such as a sanitizer's) is read only where the
// kernel has a page: what it has no page for is zero.
static const uint64_t SPARSE_FROM = 256ull << 20;

typedef struct {
    uint64_t low, high;             // the window XOR the pad
    uint32_t needle, index;
    uint16_t form;
    bool used;
} Window;

typedef struct {
    const char *where;              // as in /proc/PID/maps, or the path of a file
    uint64_t start;                 // address in the process; 0 for a file
    bool memory;
} Place;

static const char *const FORMS[] = {
    "raw", "base64", "base64url", "percent-upper", "percent-lower", "percent-reserved-upper",
    "percent-reserved-lower", "form-upper", "form-lower", "utf16le", "utf16be", "hex-upper",
    "hex-lower", "json",
};

static Window *table;
static uint64_t table_size, window_count, plain_count;   // table_size is a power of two
static uint8_t *bloom;
static int table_shift = 64, bloom_shift;
static uint64_t pad_low, pad_high, hash_factor;

static char (*names)[NAME_LIMIT];
static uint32_t needle_count;

static uint64_t region_count, file_count, byte_count, absent_bytes;
static uint64_t hit_count, run_count, unreadable_count;
static bool incomplete;             // something that had to be read could not be

static char *hits_text, *unreadable_text;
static size_t hits_size, unreadable_size;
static FILE *hits, *unreadable;

static uint8_t buffer[WINDOW + CHUNK];
static uint8_t form_bytes[FORM_LIMIT + WINDOW];

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("residue_scanner: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

// MARK: Windows

static uint64_t load(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t hash(uint64_t low)
{
    return (low ^ pad_low) * hash_factor;
}

static void grow_table(void)
{
    uint64_t old_size = table_size;
    Window *old = table;
    table_size = old_size ? old_size * 2 : 1 << 12;
    table_shift -= old_size ? 1 : 12;
    table = calloc(table_size, sizeof *table);
    if (table == NULL) fail("no memory for %" PRIu64 " windows", table_size);
    for (uint64_t i = 0; i < old_size; i++) {
        if (!old[i].used) continue;
        uint64_t at = old[i].low * hash_factor >> table_shift;
        while (table[at].used) at = (at + 1) & (table_size - 1);
        table[at] = old[i];
    }
    free(old);
}

static const Window *find_window(uint64_t low, uint64_t high)
{
    uint64_t at = hash(low) >> table_shift;
    for (; table[at].used; at = (at + 1) & (table_size - 1)) {
        if (table[at].low == (low ^ pad_low) && table[at].high == (high ^ pad_high)) {
            return &table[at];
        }
    }
    return NULL;
}

static void insert_window(const uint8_t *bytes, uint32_t needle, uint16_t form, uint32_t index)
{
    // Forms coincide where nothing had to be encoded; the first that made a window names it.
    if (table_size != 0 && find_window(load(bytes), load(bytes + 8)) != NULL) return;
    if (window_count * 2 >= table_size) grow_table();
    uint64_t at = hash(load(bytes)) >> table_shift;
    while (table[at].used) at = (at + 1) & (table_size - 1);
    table[at] = (Window){
        .low = load(bytes) ^ pad_low, .high = load(bytes + 8) ^ pad_high,
        .needle = needle, .index = index, .form = form, .used = true,
    };
    window_count++;
}

static int distinct_bytes(const uint8_t *bytes)
{
    bool seen[256] = {false};
    int count = 0;
    for (int i = 0; i < WINDOW; i++) {
        count += !seen[bytes[i]];
        seen[bytes[i]] = true;
    }
    explicit_bzero(seen, sizeof seen);
    return count;
}

static void insert_form(size_t length, uint32_t needle, uint16_t form)
{
    int least = form == 0 ? RAW_DISTINCT : FORM_DISTINCT;
    for (size_t i = 0; i + WINDOW <= length; i++) {
        if (distinct_bytes(form_bytes + i) < least) {
            if (form == 0) {
                fail("needle %s: window %zu is too plain to search for", names[needle], i);
            }
            // Five random bytes as %XX are plain now and then. The windows around it are not.
            plain_count++;
            continue;
        }
        insert_window(form_bytes + i, needle, form, (uint32_t)i);
    }
    explicit_bzero(form_bytes, length);
}

// The bitmap has at least 16 bits for each window, so that few offsets go on to the table.
static void build_bloom(void)
{
    int bits = 20;
    while ((1ull << bits) < window_count * 16) bits++;
    bloom_shift = 64 - bits;
    bloom = calloc(1ull << (bits - 3), 1);
    if (bloom == NULL) fail("no memory for the bitmap");
    for (uint64_t i = 0; i < table_size; i++) {
        if (!table[i].used) continue;
        uint64_t bit = table[i].low * hash_factor >> bloom_shift;
        bloom[bit >> 3] |= (uint8_t)(1 << (bit & 7));
    }
}

// MARK: Forms

static const char UPPER[] = "0123456789ABCDEF";
static const char LOWER[] = "0123456789abcdef";

// The characters of base64 that depend on the needle alone, when it starts `before` bytes after a
// multiple of three in a longer text.
static size_t base64(const uint8_t *bytes, size_t length, size_t before, bool url)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t first = (8 * before + 5) / 6, end = 8 * (before + length) / 6, count = 0;
    for (size_t character = first; character < end; character++) {
        unsigned value = 0;
        for (size_t bit = 6 * character; bit < 6 * character + 6; bit++) {
            size_t in_needle = bit - 8 * before;
            value = value << 1 | (bytes[in_needle / 8] >> (7 - in_needle % 8) & 1);
        }
        char letter = letters[value];
        if (url && letter == '+') letter = '-';
        if (url && letter == '/') letter = '_';
        form_bytes[count++] = (uint8_t)letter;
    }
    return count;
}

static bool unreserved(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_';
}

enum Escape { EVERY_BYTE, RESERVED, FORM };

// RFC 3986 leaves "~" alone and writes a space as %20; a form (WHATWG URL, 5.2) leaves "*" alone
// and writes a space as "+".
static size_t percent(const uint8_t *bytes, size_t length, enum Escape escape, const char *digits)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = bytes[i];
        bool plain = escape != EVERY_BYTE &&
                     (unreserved(byte) || byte == (escape == FORM ? '*' : '~'));
        if (plain) {
            form_bytes[count++] = byte;
        } else if (escape == FORM && byte == ' ') {
            form_bytes[count++] = '+';
        } else {
            form_bytes[count++] = '%';
            form_bytes[count++] = (uint8_t)digits[byte >> 4];
            form_bytes[count++] = (uint8_t)digits[byte & 15];
        }
    }
    return count;
}

static size_t utf16(const uint8_t *bytes, size_t length, size_t low)
{
    for (size_t i = 0; i < length; i++) {
        form_bytes[2 * i + low] = bytes[i];
        form_bytes[2 * i + 1 - low] = 0;
    }
    return 2 * length;
}

static size_t hexadecimal(const uint8_t *bytes, size_t length, const char *digits)
{
    for (size_t i = 0; i < length; i++) {
        form_bytes[2 * i] = (uint8_t)digits[bytes[i] >> 4];
        form_bytes[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
    }
    return 2 * length;
}

// Some writers of JSON, Foundation's among them, escape the solidus too.
static size_t json(const uint8_t *bytes, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '"' || bytes[i] == '\\' || bytes[i] == '/') form_bytes[count++] = '\\';
        form_bytes[count++] = bytes[i];
    }
    return count;
}

static void insert_needle(const uint8_t *bytes, size_t length, uint32_t needle)
{
    memcpy(form_bytes, bytes, length);
    insert_form(length, needle, 0);
    for (size_t before = 0; before < 3; before++) {
        insert_form(base64(bytes, length, before, false), needle, 1);
        insert_form(base64(bytes, length, before, true), needle, 2);
    }
    insert_form(percent(bytes, length, EVERY_BYTE, UPPER), needle, 3);
    insert_form(percent(bytes, length, EVERY_BYTE, LOWER), needle, 4);
    insert_form(percent(bytes, length, RESERVED, UPPER), needle, 5);
    insert_form(percent(bytes, length, RESERVED, LOWER), needle, 6);
    insert_form(percent(bytes, length, FORM, UPPER), needle, 7);
    insert_form(percent(bytes, length, FORM, LOWER), needle, 8);
    insert_form(utf16(bytes, length, 0), needle, 9);
    insert_form(utf16(bytes, length, 1), needle, 10);
    insert_form(hexadecimal(bytes, length, UPPER), needle, 11);
    insert_form(hexadecimal(bytes, length, LOWER), needle, 12);
    insert_form(json(bytes, length), needle, 13);
}

// MARK: Needles on stdin

static int hex_digit(char character)
{
    if (character >= '0' && character <= '9') return character - '0';
    if (character >= 'a' && character <= 'f') return character - 'a' + 10;
    if (character >= 'A' && character <= 'F') return character - 'A' + 10;
    return -1;
}

static int hex_byte(const char *text)
{
    int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
    return low < 0 ? -1 : high << 4 | low;
}

static uint8_t clear[NEEDLE_LIMIT];

// Wide registers keep what memcpy moved last, and binding a library call for the first time spills
// them onto the stack. So a copy of zeros of the same length goes the same way, and then the stack
// that is no longer in use is overwritten.
static void __attribute__((noinline)) scrub_registers_and_stack(size_t length)
{
    static const uint8_t zeros[NEEDLE_LIMIT];
    uint8_t stack[128 * 1024];
    memcpy(form_bytes, zeros, length);
    memcpy(clear, zeros, length);
    __asm__ volatile("" : : "r"(form_bytes), "r"(clear) : "memory");
    explicit_bzero(stack, sizeof stack);
}

static void read_needle(char *line, size_t number)
{
    char *rest = line, *name = strsep(&rest, " "), *mask = strsep(&rest, " "), *masked = rest;
    if (mask == NULL || masked == NULL || *name == 0 || strlen(name) >= NAME_LIMIT) {
        fail("line %zu: expected \"name mask-hex masked-hex\"", number);
    }
    size_t length = strlen(mask) / 2;
    if (strlen(mask) != 2 * length || strlen(masked) != 2 * length) {
        fail("line %zu: the two hexadecimal texts differ in length or are odd", number);
    }
    if (length < WINDOW || length > NEEDLE_LIMIT) {
        fail("needle %s: has %zu bytes, must have %d to %d", name, length, WINDOW, NEEDLE_LIMIT);
    }
    names = reallocarray(names, needle_count + 1, sizeof *names);
    if (names == NULL) fail("no memory for names");
    strcpy(names[needle_count], name);

    for (size_t i = 0; i < length; i++) {
        int a = hex_byte(mask + 2 * i), b = hex_byte(masked + 2 * i);
        if (a < 0 || b < 0) fail("line %zu: not hexadecimal", number);
        clear[i] = (uint8_t)(a ^ b);
    }
    insert_needle(clear, length, needle_count);
    scrub_registers_and_stack(length);
    needle_count++;
}

static void read_needles(void)
{
    static char line[LINE_LIMIT];
    for (size_t number = 1; fgets(line, sizeof line, stdin) != NULL; number++) {
        size_t length = strlen(line);
        if (length == sizeof line - 1) fail("line %zu: too long", number);
        if (length > 0 && line[length - 1] == '\n') line[length - 1] = 0;
        if (line[0] != 0) read_needle(line, number);
    }
    if (ferror(stdin)) fail("stdin: %s", strerror(errno));
    if (needle_count == 0) fail("no needle on stdin: a scan for nothing would find nothing");
}

// MARK: Looking

static void write_text(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++) {
        if (*c == '"' || *c == '\\') fprintf(file, "\\%c", *c);
        else if (*c < 32 || *c >= 127) fprintf(file, "\\u%04x", *c);
        else fputc(*c, file);
    }
    fputc('"', file);
}

// One copy of a needle is many windows, so that neighbouring hits are listed as one.
static struct {
    Window first;
    char where[512];
    uint64_t offset, address, windows;
    bool memory;
} run;

static void write_run(void)
{
    bool shown = run.windows > 0 && run_count++ < HITS_SHOWN;
    uint64_t windows = run.windows;
    run.windows = 0;
    if (!shown) return;
    fprintf(hits, "%s{\"needle\": ", run_count > 1 ? ", " : "");
    write_text(hits, names[run.first.needle]);
    fprintf(hits, ", \"form\": \"%s\", \"where\": ", FORMS[run.first.form]);
    write_text(hits, run.where);
    fprintf(hits, ", \"offset\": %" PRIu64, run.offset);
    if (run.memory) fprintf(hits, ", \"address\": \"0x%" PRIx64 "\"", run.address);
    fprintf(hits, ", \"window\": %" PRIu32 ", \"windows\": %" PRIu64 "}", run.first.index,
            windows);
}

static void report_hit(const Window *window, const Place *place, uint64_t offset)
{
    hit_count++;
    bool continues = run.windows > 0 && offset == run.offset + run.windows &&
                     place->start + offset == run.address + run.windows &&
                     window->needle == run.first.needle && window->form == run.first.form &&
                     window->index == run.first.index + run.windows &&
                     strncmp(place->where, run.where, sizeof run.where - 1) == 0;
    if (!continues) {
        write_run();
        run.first = *window;
        run.offset = offset;
        run.address = place->start + offset;
        run.memory = place->memory;
        snprintf(run.where, sizeof run.where, "%s", place->where);
    }
    run.windows++;
}

static void report_unreadable(const char *where, uint64_t start, uint64_t bytes, const char *why)
{
    if (unreadable_count++ >= UNREADABLE_SHOWN) return;
    fprintf(unreadable, "%s{\"where\": ", unreadable_count > 1 ? ", " : "");
    write_text(unreadable, where);
    fprintf(unreadable, ", \"address\": \"0x%" PRIx64 "\", \"bytes\": %" PRIu64 ", \"why\": ",
            start, bytes);
    write_text(unreadable, why);
    fputc('}', unreadable);
}

// Looks at every offset of `bytes`. Offset 0 of `bytes` is `offset` in the place.
static void look(const uint8_t *bytes, size_t length, const Place *place, uint64_t offset)
{
    if (length < WINDOW) return;
    for (size_t i = 0; i <= length - WINDOW; i++) {
        uint64_t low = load(bytes + i), bit = hash(low) >> bloom_shift;
        if ((bloom[bit >> 3] >> (bit & 7) & 1) == 0) continue;
        const Window *window = find_window(low, load(bytes + i + 8));
        if (window != NULL) report_hit(window, place, offset + i);
    }
}

// The last bytes looked at, so that a window across two reads, or two adjacent mappings, is seen.
static uint64_t carried, carried_end;

static void forget_carried(void)
{
    carried = 0;
    carried_end = 0;
    explicit_bzero(buffer, sizeof buffer);
}

// Reads a piece of at most CHUNK bytes behind what was carried over and looks at both.
// Returns what pread returned.
static ssize_t look_at_piece(int file, uint64_t position, size_t length, const Place *place)
{
    if (carried_end != position) carried = 0;
    ssize_t count = pread(file, buffer + WINDOW, length, (off_t)position);
    if (count <= 0) return count;
    byte_count += (uint64_t)count;
    // What was carried may come from the mapping before: its offset here is then "negative", and
    // shows as a very large number beside the address, which stays right.
    look(buffer + WINDOW - carried, carried + (size_t)count, place,
         position - place->start - carried);

    uint64_t total = carried + (uint64_t)count, keep = total < WINDOW - 1 ? total : WINDOW - 1;
    memmove(buffer + WINDOW - keep, buffer + WINDOW + count - keep, keep);
    explicit_bzero(buffer + WINDOW, (size_t)count);
    carried = keep;
    carried_end = position + (uint64_t)count;
    return count;
}

// MARK: A process

static void look_at_sparse(int memory, int pagemap, uint64_t start, uint64_t end,
                           const Place *place);

// Reads [start, end) of a process, going on page by page where it does not let itself be read.
// `pagemap` is -1 where the page table has already been asked.
static void look_at_range(int memory, int pagemap, uint64_t start, uint64_t end,
                          const Place *place)
{
    uint64_t bad_start = 0, bad_bytes = 0;
    int bad_error = 0;
    for (uint64_t position = start; position < end;) {
        uint64_t length = end - position < CHUNK ? end - position : CHUNK;
        ssize_t count = look_at_piece(memory, position, length, place);
        if (count > 0) {
            position += (uint64_t)count;
            continue;
        }
        if (count == 0) fail("process ended while it was read");
        if (errno == EINTR) continue;
        if (errno != EIO && errno != EFAULT && errno != ENOMEM) {
            fail("%s: %s", place->where, strerror(errno));
        }
        // A database's map may be far larger than its file, and nothing is behind the file's end.
        if (pagemap >= 0 && end - position > SPARSE_FROM) {
            look_at_sparse(memory, pagemap, position, end, place);
            break;
        }
        if (bad_bytes == 0) bad_start = position;
        bad_error = errno;
        uint64_t next = (position | (PAGE - 1)) + 1;
        bad_bytes += next - position;
        position = next;
    }
    if (bad_bytes > 0) {
        report_unreadable(place->where, bad_start, bad_bytes, strerror(bad_error));
    }
}

// Reads a very large range only where the kernel says that it has a page, in RAM or in swap.
static void look_at_sparse(int memory, int pagemap, uint64_t start, uint64_t end,
                           const Place *place)
{
    static uint64_t entries[64 * 1024];
    uint64_t run = 0;   // start of the pages that exist, 0 if the last page did not
    for (uint64_t position = start; position < end;) {
        uint64_t pages = (end - position) / PAGE;
        if (pages > sizeof entries / 8) pages = sizeof entries / 8;
        ssize_t count = pread(pagemap, entries, pages * 8, (off_t)(position / PAGE * 8));
        if (count <= 0) fail("pagemap: %s", count == 0 ? "ended" : strerror(errno));
        for (ssize_t i = 0; i < count / 8; i++, position += PAGE) {
            bool exists = entries[i] >> 62 != 0;
            if (exists && run == 0) run = position;
            if (!exists) absent_bytes += PAGE;
            if (!exists && run != 0) {
                look_at_range(memory, -1, run, position, place);
                run = 0;
            }
        }
    }
    if (run != 0) look_at_range(memory, -1, run, end, place);
}

static void look_at_mapping(int memory, int pagemap, char *line)
{
    uint64_t start, end, inode;
    char permissions[5];
    int name_at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*s %" SCNu64 " %n", &start, &end,
               permissions, &inode, &name_at) < 4) {
        fail("cannot read a line of maps");
    }
    char *name = line + name_at;
    name[strcspn(name, "\n")] = 0;
    // The kernel's own data, the same for every process, and not readable from another one.
    if (strncmp(name, "[vvar", 5) == 0 || strcmp(name, "[vsyscall]") == 0) return;

    Place place = {.where = *name ? name : "anonymous", .start = start, .memory = true};
    if (strcmp(name, "[heap]") == 0) place.where = "heap";
    if (strcmp(name, "[stack]") == 0) place.where = "stack";
    region_count++;
    // A page of a shared mapping may be in memory or in swap without being in the page table, so
    // the table speaks for private anonymous memory only.
    if (end - start > SPARSE_FROM && inode == 0 && permissions[3] == 'p') {
        look_at_sparse(memory, pagemap, start, end, &place);
    } else {
        look_at_range(memory, pagemap, start, end, &place);
    }
}

static int open_of_process(long pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/%s", pid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("%s: %s", path, strerror(errno));
    return file;
}

static void look_at_process(long pid)
{
    int memory = open_of_process(pid, "mem"), pagemap = open_of_process(pid, "pagemap");
    FILE *maps = fdopen(open_of_process(pid, "maps"), "r");
    if (maps == NULL) fail("maps: %s", strerror(errno));
    char *line = NULL;
    size_t capacity = 0;
    uint64_t before = byte_count;
    while (getline(&line, &capacity, maps) > 0) look_at_mapping(memory, pagemap, line);
    free(line);
    fclose(maps);
    close(pagemap);
    close(memory);
    forget_carried();
    if (byte_count == before) fail("process %ld: not a byte of it could be read", pid);
}

// MARK: A directory

static void look_at_file(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        report_unreadable(path, 0, 0, strerror(errno));
        incomplete = true;
        return;
    }
    file_count++;
    forget_carried();
    Place place = {.where = path};
    ssize_t count = 0;
    for (uint64_t position = 0; ; position += (uint64_t)count) {
        do count = look_at_piece(file, position, CHUNK, &place);
        while (count < 0 && errno == EINTR);
        if (count <= 0) break;
    }
    if (count < 0) {
        report_unreadable(path, 0, 0, strerror(errno));
        incomplete = true;
    }
    close(file);
}

static void look_at_directory(const char *path)
{
    DIR *directory = opendir(path);
    if (directory == NULL) fail("%s: %s", path, strerror(errno));
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *below;
        if (asprintf(&below, "%s/%s", path, entry->d_name) < 0) fail("no memory for a path");
        // A name is written to the disk as well. The place is the directory, so as not to print it.
        Place place = {.where = path};
        look((const uint8_t *)entry->d_name, strlen(entry->d_name), &place, 0);

        struct stat status;
        if (lstat(below, &status) < 0) fail("%s: %s", below, strerror(errno));
        if (S_ISDIR(status.st_mode)) look_at_directory(below);
        if (S_ISREG(status.st_mode)) look_at_file(below);
        if (S_ISLNK(status.st_mode)) {
            char target[PATH_MAX + 1];
            ssize_t length = readlink(below, target, sizeof target);
            if (length > 0) look((const uint8_t *)target, (size_t)length, &place, 0);
        }
        free(below);
        errno = 0;
    }
    if (errno != 0) fail("%s: %s", path, strerror(errno));
    closedir(directory);
}

// MARK: The command

static void print_report(long pid)
{
    write_run();
    fclose(hits);
    fclose(unreadable);
    printf("{\"pid\": %ld, \"needles\": %" PRIu32 ", \"windows\": %" PRIu64
           ", \"plain_windows\": %" PRIu64, pid, needle_count, window_count, plain_count);
    printf(", \"regions\": %" PRIu64 ", \"files\": %" PRIu64 ", \"bytes\": %" PRIu64
           ", \"absent_bytes\": %" PRIu64 ", \"complete\": %s",
           region_count, file_count, byte_count, absent_bytes, incomplete ? "false" : "true");
    printf(", \"unreadable\": [%s], \"unreadable_count\": %" PRIu64, unreadable_text,
           unreadable_count);
    printf(", \"hits\": [%s], \"copies\": %" PRIu64 ", \"hit_count\": %" PRIu64 "}\n",
           hits_text, run_count, hit_count);
    if (fflush(stdout) != 0) fail("stdout: %s", strerror(errno));
}

int main(int argument_count, char **arguments)
{
    long pid = 0;
    const char *directory = NULL;
    for (int i = 1; i < argument_count; i += 2) {
        char *end = NULL;
        if (i + 1 == argument_count) fail("%s: needs a value", arguments[i]);
        if (strcmp(arguments[i], "--pid") == 0) {
            pid = strtol(arguments[i + 1], &end, 10);
            if (pid <= 0 || *end != 0) fail("not a process id: %s", arguments[i + 1]);
        } else if (strcmp(arguments[i], "--directory") == 0) {
            directory = arguments[i + 1];
        } else {
            fail("unknown option %s", arguments[i]);
        }
    }
    if (pid == 0 && directory == NULL) fail("nothing to scan: give --pid, --directory or both");

    uint64_t random[3];
    if (getrandom(random, sizeof random, 0) != sizeof random) fail("no random bytes");
    pad_low = random[0];
    pad_high = random[1];
    hash_factor = random[2] | 1;
    hits = open_memstream(&hits_text, &hits_size);
    unreadable = open_memstream(&unreadable_text, &unreadable_size);
    if (hits == NULL || unreadable == NULL) fail("no memory for the report");

    read_needles();
    build_bloom();
    if (pid != 0) look_at_process(pid);
    if (directory != NULL) look_at_directory(directory);
    print_report(pid);
    if (hit_count > 0) return 1;
    return incomplete ? 2 : 0;
}
