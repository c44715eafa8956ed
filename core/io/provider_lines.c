/* The lines of a file; each is a command. The cursor is where the next one begins, in bytes, as text. With follow= a file that grows
 * is read on: its last line counts when it is ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/io/provider.h"
#include "core/limits.h"
#include "core/types.h"

#define BLOCK_SIZE  (64u << 10)
#define CURSOR_SIZE 24

struct lines {
    char *file;
    int64_t follow_us; /* 0 = it does not grow */
    char *bytes;       /* of the file, from offset on */
    size_t size, capacity;
    int64_t offset;
};

static const char *const keys[] = {"file", "follow", NULL};

static void close_lines(void *self)
{
    struct lines *lines = self;

    free(lines->file);
    free(lines->bytes);
    free(lines);
}

static void *open_lines(const struct ms_provider_setup *setup, struct ms_provider_reply *reply)
{
    const char *file = ms_provider_value(setup, "file");
    const char *follow = ms_provider_value(setup, "follow");
    struct ms_complaint complaint;
    ms_time pause = 0;

    if (file == NULL || file[0] == '\0') {
        snprintf(reply->why, sizeof reply->why, "file= says whose lines");
        return NULL;
    }
    if (follow != NULL && !ms_parse_duration(follow, &pause, &complaint)) {
        snprintf(reply->why, sizeof reply->why, "follow=%.64s is no duration, such as 1s", follow);
        return NULL;
    }
    struct lines *lines = calloc(1, sizeof *lines);

    if (lines == NULL || (lines->file = malloc(strlen(file) + 1)) == NULL) {
        snprintf(reply->why, sizeof reply->why, "out of memory");
        free(lines);
        return NULL;
    }
    memcpy(lines->file, file, strlen(file) + 1);
    lines->follow_us = pause;
    return lines;
}

static int fail(struct ms_provider_reply *reply, const char *file, const char *what)
{
    snprintf(reply->why, sizeof reply->why, "%.128s: %s", file, what);
    return MS_PROVIDER_FAILED;
}

static int make_room(struct lines *lines)
{
    const size_t capacity = lines->capacity > 0 ? 2 * lines->capacity : BLOCK_SIZE;
    char *larger;

    if (lines->capacity - lines->size > 0) {
        return 1;
    }
    larger = lines->capacity <= 2 * (size_t)MS_PAYLOAD_MAX_CEILING ? realloc(lines->bytes, capacity)
                                                                   : NULL;
    if (larger == NULL) {
        return 0;
    }
    lines->bytes = larger;
    lines->capacity = capacity;
    return 1;
}

/* What the lines are put from. */
struct reading {
    struct ms_provider_reply *reply;
    uint32_t left; /* lines that are still wanted */
};

static void put_line(const struct lines *lines, struct reading *reading, size_t from, size_t size,
                     size_t next)
{
    char cursor[CURSOR_SIZE];
    const struct ms_provider_command command = {
        .payload = lines->bytes + from,
        .payload_size = size,
        .cursor = cursor,
        .cursor_size = (size_t)snprintf(cursor, sizeof cursor, "%lld",
                                        (long long)(lines->offset + (int64_t)next)),
    };

    reading->reply->put(reading->reply, &command);
    reading->left--;
}

/* The whole lines that were read; what is left of the bytes is moved to their beginning. */
static void put_lines(struct lines *lines, struct reading *reading)
{
    size_t from = 0;
    const char *end;

    while (reading->left > 0 && from < lines->size &&
           (end = memchr(lines->bytes + from, '\n', lines->size - from)) != NULL) {
        const size_t next = (size_t)(end - lines->bytes) + 1;

        put_line(lines, reading, from, next - 1 - from, next);
        from = next;
    }
    lines->size -= from;
    lines->offset += (int64_t)from;
    if (lines->size > 0) {
        memmove(lines->bytes, lines->bytes + from, lines->size);
    }
}

/* What read said last. */
static int at_end(struct lines *lines, struct reading *reading)
{
    if (lines->follow_us > 0) {
        reading->reply->rest_us = lines->follow_us;
        return MS_PROVIDER_REST;
    }
    if (lines->size > 0) { /* the last one has no end */
        put_line(lines, reading, 0, lines->size, lines->size);
    }
    return MS_PROVIDER_END;
}

static int read_on(struct lines *lines, int fd, struct reading *reading)
{
    while (reading->left > 0) {
        ssize_t count;

        if (!make_room(lines)) {
            return fail(reading->reply, lines->file, "a line is too long");
        }
        do {
            count = pread(fd, lines->bytes + lines->size, lines->capacity - lines->size,
                          lines->offset + (int64_t)lines->size);
        } while (count < 0 && errno == EINTR);
        if (count < 0) {
            return fail(reading->reply, lines->file, strerror(errno));
        }
        if (count == 0) {
            return at_end(lines, reading);
        }
        lines->size += (size_t)count;
        put_lines(lines, reading);
    }
    return MS_PROVIDER_MORE;
}

static int read_cursor(const struct ms_provider_ask *ask, int64_t *offset)
{
    char text[CURSOR_SIZE] = "";
    char *end;

    if (ask->cursor_size == 0) {
        *offset = 0;
        return 1;
    }
    if (ask->cursor_size >= sizeof text) {
        return 0;
    }
    memcpy(text, ask->cursor, ask->cursor_size);
    *offset = strtoll(text, &end, 10);
    return end != text && *end == '\0' && *offset >= 0;
}

static int produce(void *self, const struct ms_provider_ask *ask, struct ms_provider_reply *reply)
{
    struct lines *lines = self;
    struct reading reading = {.reply = reply, .left = ask->count};
    int fd, more;

    if (!read_cursor(ask, &lines->offset)) {
        return fail(reply, lines->file, "the cursor is of another provider");
    }
    lines->size = 0;
    fd = open(lines->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && lines->follow_us > 0) {
        reply->rest_us = lines->follow_us;
        return MS_PROVIDER_REST; /* it comes later */
    }
    if (fd < 0) {
        return fail(reply, lines->file, strerror(errno));
    }
    more = read_on(lines, fd, &reading);
    close(fd);
    return more;
}

const struct ms_provider ms_provider_lines = {
    MS_PROVIDER_HEADER, .name = "lines",      .keys = keys,
    .open = open_lines, .close = close_lines, .produce = produce,
};
