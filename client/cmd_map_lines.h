/* Cuts what is read into arguments, one per line or per NUL. Holds at most a line and what was read
 * ahead, never the whole input. Reads nothing by itself. */
#ifndef CLIENT_CMD_MAP_LINES_H
#define CLIENT_CMD_MAP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS_LINE_MAX (1u << 20) /* of one argument, in bytes */

enum ms_lines_status {
    MS_LINES_LINE,
    MS_LINES_MORE, /* more must be read first */
    MS_LINES_END,
    MS_LINES_TOO_LONG, /* a line is longer than MS_LINE_MAX */
    MS_LINES_NUL       /* a line has a NUL byte, which no argument can have */
};

struct ms_lines {
    char delimiter; /* '\n' or '\0' */
    bool is_ended;
    char *data;
    size_t begin, end, capacity;
    size_t searched;     /* no delimiter in [begin, searched) */
    uint64_t delimiters; /* in [begin, end) */
};

/* Room to read into: *size_out bytes, at least one. NULL: memory is out. Invalidates lines returned. */
char *ms_lines_room(struct ms_lines *lines, size_t *size_out);

/* So many bytes were read into it; 0 = that was the end. */
void ms_lines_added(struct ms_lines *lines, size_t size);

/* The next one, ended by a zero; valid until the next call of room. */
enum ms_lines_status ms_lines_next(struct ms_lines *lines, const char **line_out);

/* Lines that are here and not yet taken; the last one counts only once the end is known. */
uint64_t ms_lines_waiting(const struct ms_lines *lines);
size_t ms_lines_buffered(const struct ms_lines *lines); /* bytes */

void ms_lines_free(struct ms_lines *lines);

#endif
