#include "client/cmd_map_lines.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"

#define READ_SIZE (64u << 10)

char *ms_lines_room(struct ms_lines *lines, size_t *size_out)
{
    if (lines->begin > 0 && lines->capacity - lines->end < READ_SIZE + 1) {
        memmove(lines->data, lines->data + lines->begin, lines->end - lines->begin);
        lines->end -= lines->begin;
        lines->searched -= lines->begin;
        lines->begin = 0;
    }
    /* One byte is kept for the zero behind a last line without a delimiter. */
    if (lines->capacity - lines->end < READ_SIZE + 1) {
        size_t capacity = lines->capacity == 0 ? 2 * READ_SIZE : 2 * lines->capacity;
        char *grown = realloc(lines->data, capacity);

        if (grown == NULL) {
            return NULL;
        }
        lines->data = grown;
        lines->capacity = capacity;
    }
    *size_out = lines->capacity - lines->end - 1;
    return lines->data + lines->end;
}

void ms_lines_added(struct ms_lines *lines, size_t size)
{
    const char *at = lines->data != NULL ? lines->data + lines->end : NULL;

    ms_assert(size == 0 || size < lines->capacity - lines->end);
    lines->is_ended = lines->is_ended || size == 0;
    lines->end += size;
    while (size > 0) {
        const char *found = memchr(at, lines->delimiter, size);

        if (found == NULL) {
            return;
        }
        lines->delimiters++;
        size -= (size_t)(found - at) + 1;
        at = found + 1;
    }
}

static enum ms_lines_status give(struct ms_lines *lines, size_t length, size_t step,
                                 const char **line_out)
{
    char *line = lines->data + lines->begin;

    if (length > MS_LINE_MAX) {
        return MS_LINES_TOO_LONG;
    }
    if (memchr(line, '\0', length) != NULL) {
        return MS_LINES_NUL;
    }
    line[length] = '\0';
    lines->begin += step;
    lines->searched = lines->begin;
    *line_out = line;
    return MS_LINES_LINE;
}

enum ms_lines_status ms_lines_next(struct ms_lines *lines, const char **line_out)
{
    ms_assert(lines->begin <= lines->searched && lines->searched <= lines->end);
    if (lines->delimiters > 0) {
        const char *from = lines->data + lines->searched;
        const char *found = memchr(from, lines->delimiter, lines->end - lines->searched);

        ms_assert(found != NULL);
        const size_t length = (size_t)(found - lines->data) - lines->begin;
        const enum ms_lines_status status = give(lines, length, length + 1, line_out);

        lines->delimiters -= status == MS_LINES_LINE ? 1 : 0;
        return status;
    }
    const size_t left = lines->end - lines->begin;

    lines->searched = lines->end;
    if (left > MS_LINE_MAX) {
        return MS_LINES_TOO_LONG;
    }
    if (!lines->is_ended) {
        return MS_LINES_MORE;
    }
    return left == 0 ? MS_LINES_END : give(lines, left, left, line_out);
}

uint64_t ms_lines_waiting(const struct ms_lines *lines)
{
    const bool has_last = lines->is_ended && lines->end > lines->begin &&
                          lines->data[lines->end - 1] != lines->delimiter;

    return lines->delimiters + (has_last ? 1 : 0);
}

size_t ms_lines_buffered(const struct ms_lines *lines)
{
    return lines->end - lines->begin;
}

void ms_lines_free(struct ms_lines *lines)
{
    free(lines->data);
    *lines = (struct ms_lines){.delimiter = lines->delimiter};
}
