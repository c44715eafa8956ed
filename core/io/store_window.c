#include "core/io/store_window.h"

#include <endian.h>
#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"

enum { AT_SIZE = 0, AT_SEQ = 8, AT_KIND = 16 };

/* Buffers beyond this are given back after use, so that one flood does not stay in memory. */
#define KEEP_BYTES_MAX (1u << 20)

size_t ms_store_entry_size(const uint8_t *entry)
{
    uint32_t size;

    memcpy(&size, entry + AT_SIZE, sizeof size);
    return le32toh(size);
}

ms_seq ms_store_entry_seq(const uint8_t *entry)
{
    uint64_t seq;

    memcpy(&seq, entry + AT_SEQ, sizeof seq);
    return le64toh(seq);
}

bool ms_store_entry_is_erase(const uint8_t *entry)
{
    return entry[AT_KIND] == MS_RECORD_ERASE;
}

/* Room for one more element; doubling keeps the copies rare. */
static void *grown(void *array, size_t *capacity, size_t needed, size_t element)
{
    size_t wanted = *capacity == 0 ? 64 : *capacity;
    void *larger;

    while (wanted < needed) {
        wanted *= 2;
    }
    if (wanted == *capacity) {
        return array;
    }
    larger = realloc(array, wanted * element);
    ms_assert(larger != NULL);
    *capacity = wanted;
    return larger;
}

struct ms_store_window *ms_store_window_create(void)
{
    struct ms_store_window *window = calloc(1, sizeof *window);

    ms_assert(window != NULL);
    return window;
}

void ms_store_window_destroy(struct ms_store_window *window)
{
    if (window == NULL) {
        return;
    }
    free(window->bytes);
    free(window->puts);
    free(window->erases);
    free(window);
}

void ms_store_window_clear(struct ms_store_window *window)
{
    const bool is_large = window->capacity > KEEP_BYTES_MAX;

    if (is_large) {
        free(window->bytes);
        free(window->puts);
        free(window->erases);
        *window = (struct ms_store_window){0};
        return;
    }
    window->size = 0;
    window->count = 0;
    window->live = 0;
    window->erases_count = 0;
    window->unwritten = 0;
    window->seq = 0;
}

uint8_t *ms_store_window_reserve(struct ms_store_window *window, size_t size)
{
    window->bytes = grown(window->bytes, &window->capacity, window->size + size, 1);
    return window->bytes + window->size;
}

/* Numbers rise by one when nothing else is numbered in between, so the first guess is mostly right;
 * where there are gaps the put lies before it. */
struct ms_store_put *ms_store_window_find(const struct ms_store_window *window, ms_seq seq)
{
    size_t low = 0, high;

    if (window->count == 0 || seq < window->puts[0].seq ||
        seq > window->puts[window->count - 1].seq) {
        return NULL;
    }
    high = window->count - 1;
    if (seq - window->puts[0].seq < high) {
        high = (size_t)(seq - window->puts[0].seq);
    }
    if (window->puts[high].seq == seq) {
        return &window->puts[high];
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (window->puts[middle].seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return window->puts[low].seq == seq ? &window->puts[low] : NULL;
}

static struct ms_store_put put_at(ms_seq seq, size_t offset)
{
    return (struct ms_store_put){.seq = seq, .offset = offset & (UINT64_MAX >> 1)};
}

/* Numbers of dead records may come again: whoever reads a store back and numbers on cannot know of them. */
static void forget_dead_from(struct ms_store_window *window, ms_seq seq)
{
    while (window->count > 0 && window->puts[window->count - 1].seq >= seq) {
        ms_assert(window->puts[window->count - 1].is_dead);
        window->count--;
        window->size = window->puts[window->count].offset;
    }
}

/* Its entry goes to the end of the bytes. */
static void add_put(struct ms_store_window *window, ms_seq seq)
{
    if (window->count == window->puts_capacity) {
        window->puts =
            grown(window->puts, &window->puts_capacity, window->count + 1, sizeof *window->puts);
    }
    window->puts[window->count++] = put_at(seq, window->size);
    window->live++;
}

static void add_erase(struct ms_store_window *window, ms_seq seq)
{
    struct ms_store_put *put = ms_store_window_find(window, seq);

    if (put != NULL) {
        window->live -= !put->is_dead;
        window->unwritten += !put->is_dead;
        put->is_dead = 1;
        return;
    }
    if (window->erases_count == window->erases_capacity) {
        window->erases = grown(window->erases, &window->erases_capacity, window->erases_count + 1,
                               sizeof *window->erases);
    }
    window->erases[window->erases_count++] = seq;
}

void ms_store_window_add(struct ms_store_window *window, ms_seq seq, struct ms_bytes entries)
{
    while (entries.size > 0) {
        const uint8_t *entry = entries.data;
        size_t size;

        ms_assert(entries.size >= MS_RECORD_HEADER_SIZE);
        size = ms_store_entry_size(entry);
        ms_assert(size >= MS_RECORD_HEADER_SIZE);
        ms_assert(size <= entries.size);
        if (ms_store_entry_is_erase(entry)) {
            add_erase(window, ms_store_entry_seq(entry));
        } else {
            uint8_t *to;

            forget_dead_from(window, ms_store_entry_seq(entry));
            to = ms_store_window_reserve(window, size);
            memcpy(to, entry, size);
            add_put(window, ms_store_entry_seq(entry));
            window->size += size;
        }
        entries.data += size;
        entries.size -= size;
    }
    window->seq = seq;
    if (window->count > 0 && seq < window->puts[window->count - 1].seq) {
        window->seq = window->puts[window->count - 1].seq;
    }
}

struct ms_bytes ms_store_window_entry(const struct ms_store_window *window, size_t index)
{
    const uint8_t *entry = window->bytes + window->puts[index].offset;

    ms_assert(index < window->count);
    return (struct ms_bytes){entry, ms_store_entry_size(entry)};
}

static void forget_dead(struct ms_store_window *window)
{
    size_t size = 0, count = 0;

    for (size_t i = 0; i < window->count; i++) {
        struct ms_store_put put = window->puts[i];
        const size_t end = i + 1 < window->count ? window->puts[i + 1].offset : window->size;
        const size_t entry_size = end - put.offset;

        if (put.is_dead) {
            continue;
        }
        memmove(window->bytes + size, window->bytes + put.offset, entry_size);
        window->puts[count++] = put_at(put.seq, size);
        size += entry_size;
    }
    ms_assert(count == window->live);
    window->size = size;
    window->count = count;
}

void ms_store_window_pack(struct ms_store_window *window)
{
    if (window->live < window->count) {
        forget_dead(window);
    }
    ms_record_seal(window->bytes, window->size);
}
