/* What the tests of the store share: entries, and a directory that goes away. */
#ifndef TESTS_UNIT_IO_STORE_ENTRIES_H
#define TESTS_UNIT_IO_STORE_ENTRIES_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/io/store.h"
#include "proto/record.h"
#include "tests/support/suite.h"

/* Entries one behind the other, as an engine hands them over: those of odd numbers are not sealed. */
struct entries {
    uint8_t *data;
    size_t size, capacity;
    ms_seq seq;
};

static inline uint8_t *entries_room(struct entries *entries, size_t size)
{
    while (entries->capacity - entries->size < size) {
        entries->capacity = entries->capacity == 0 ? 4096 : entries->capacity * 2;
        entries->data = realloc(entries->data, entries->capacity);
        ck_assert_ptr_nonnull(entries->data);
    }
    return entries->data + entries->size;
}

/* A record whose payload is size bytes that depend on its number. */
static inline void entries_put_sized(struct entries *entries, ms_seq seq, size_t size)
{
    static uint8_t few[256];
    uint8_t *payload = size <= sizeof few ? few : malloc(size);
    struct ms_record record = {.kind = MS_RECORD_SUBMIT, .type = 2000, .payload = {payload, size}};
    uint8_t *at;

    record.id.seq = seq;
    memset(payload, (int)(seq % 251), size);
    at = entries_room(entries, ms_record_size_max(&record));
    uint8_t *end =
        seq % 2 == 0 ? ms_record_write(at, seq, &record) : ms_record_draft(at, seq, &record);
    entries->size += (size_t)(end - at);
    entries->seq = seq;
    if (payload != few) {
        free(payload);
    }
}

static inline void entries_put(struct entries *entries, ms_seq seq)
{
    entries_put_sized(entries, seq, 64);
}

static inline void entries_erase(struct entries *entries, ms_seq seq)
{
    uint8_t *at = entries_room(entries, MS_RECORD_HEADER_SIZE);

    uint8_t *end = seq % 2 == 0 ? ms_record_write_erase(at, seq) : ms_record_draft_erase(at, seq);
    entries->size += (size_t)(end - at);
}

static inline struct ms_bytes entries_take(struct entries *entries)
{
    struct ms_bytes bytes = {entries->data, entries->size};

    entries->size = 0;
    return bytes;
}

static inline void entries_finish(struct entries *entries)
{
    free(entries->data);
    *entries = (struct entries){0};
}

/* Whether an entry is what entries_put_sized made. */
static inline void entries_check(ms_seq seq, struct ms_bytes bytes, size_t size)
{
    struct ms_entry entry;
    struct ms_record_room room;
    struct ms_record record;

    ck_assert(ms_record_next(&bytes, &entry));
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_uint_eq(entry.seq, seq);
    ck_assert_int_eq(ms_record_read(&entry, &room, &record), MS_E_OK);
    ck_assert_uint_eq(record.id.seq, seq);
    ck_assert_uint_eq(record.payload.size, size);
    for (size_t i = 0; i < size; i += size / 16 + 1) {
        ck_assert_uint_eq(record.payload.data[i], seq % 251);
    }
}

struct place {
    char path[64]; /* a directory that the test owns */
    char data[80]; /* path/data, not made */
};

static inline void place_make(struct place *place)
{
    snprintf(place->path, sizeof place->path, "/tmp/ms-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place->path));
    snprintf(place->data, sizeof place->data, "%s/data", place->path);
}

static inline void place_empty(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char name[512];

        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        unlink(name);
    }
    if (directory != NULL) {
        closedir(directory);
    }
    rmdir(path);
}

/* Turns a bit of one byte of a file. */
static inline void spoil_byte(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static inline void place_remove(const struct place *place)
{
    place_empty(place->data);
    place_empty(place->path);
}

#define ENTRIES_MAIN(suite)                                                                        \
    int main(void)                                                                                 \
    {                                                                                              \
        return run_suite(suite());                                                                 \
    }

#endif
