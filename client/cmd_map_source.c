#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cmd_map.h"

#define COUNT_SIZE (256u << 10)

/* Lines from where the file stands to its end. A count for people: it need not be right if the file
 * grows meanwhile. */
static uint64_t count_lines(int fd, char delimiter)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    char *buffer = malloc(COUNT_SIZE);
    uint64_t count = 0;
    char last = delimiter;

    while (buffer != NULL && at >= 0) {
        const ssize_t size = pread(fd, buffer, COUNT_SIZE, at);

        if (size <= 0) {
            break;
        }
        for (const char *c = buffer; (c = memchr(c, delimiter, (size_t)(buffer + size - c)));) {
            count++;
            c++;
        }
        last = buffer[size - 1];
        at += size;
    }
    free(buffer);
    return count + (last != delimiter ? 1 : 0);
}

bool ms_source_open(struct ms_source *source, const struct ms_cli *cli, const char *path,
                    bool is_counted)
{
    struct stat status;

    source->fd = -1;
    if (path == NULL) {
        return true;
    }
    const bool is_stdin = strcmp(path, "-") == 0;

    source->name = is_stdin ? "standard input" : path;
    source->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source->fd < 0 || fstat(source->fd, &status) != 0) {
        ms_cli_say(cli, "%s: %s", source->name, strerror(errno));
        return false;
    }
    if (S_ISDIR(status.st_mode)) {
        ms_cli_say(cli, "%s: %s", source->name, strerror(EISDIR));
        return false;
    }
    source->is_regular = S_ISREG(status.st_mode);
    if (source->is_regular && is_counted) {
        source->counted = count_lines(source->fd, source->lines.delimiter);
    }
    if (isatty(source->fd)) {
        ms_cli_say(cli, "arguments are read from the terminal, one per line; Ctrl-D ends them");
    }
    return true;
}

void ms_source_close(struct ms_source *source)
{
    if (source->fd > STDIN_FILENO) {
        close(source->fd);
    }
    source->fd = -1;
    ms_lines_free(&source->lines);
    ms_joblog_free(&source->skip);
}

bool ms_source_read(struct ms_source *source, const struct ms_cli *cli)
{
    size_t size;
    char *room = ms_lines_room(&source->lines, &size);

    if (room == NULL) {
        ms_cli_say(cli, "out of memory");
        return false;
    }
    const ssize_t got = read(source->fd, room, size);

    if (got >= 0) {
        ms_lines_added(&source->lines, (size_t)got);
    } else if (errno != EINTR && errno != EAGAIN) {
        ms_cli_say(cli, "%s: %s", source->name, strerror(errno));
        return false;
    }
    return true;
}

static enum ms_source_status next_line(struct ms_source *source, const struct ms_cli *cli,
                                       const char **argument_out)
{
    for (;;) {
        switch (ms_lines_next(&source->lines, argument_out)) {
        case MS_LINES_LINE:
            return MS_SOURCE_ARGUMENT;
        case MS_LINES_END:
            return MS_SOURCE_END;
        case MS_LINES_TOO_LONG:
            ms_cli_say(cli, "%s: line %llu is longer than %u bytes", source->name,
                       (unsigned long long)source->seq + 1, MS_LINE_MAX);
            return MS_SOURCE_ERROR;
        case MS_LINES_NUL:
            ms_cli_say(cli, "%s: line %llu has a NUL byte; say -0 if NUL ends each argument",
                       source->name, (unsigned long long)source->seq + 1);
            return MS_SOURCE_ERROR;
        default:
            if (!source->is_regular) {
                return MS_SOURCE_WAIT;
            }
            if (!ms_source_read(source, cli)) {
                return MS_SOURCE_ERROR;
            }
            break;
        }
    }
}

enum ms_source_status ms_source_next(struct ms_source *source, const struct ms_cli *cli,
                                     const char **argument_out, uint64_t *seq_out)
{
    for (;;) {
        if (source->list == NULL) {
            const enum ms_source_status status = next_line(source, cli, argument_out);

            if (status != MS_SOURCE_ARGUMENT) {
                return status;
            }
        } else if (source->seq == source->list_count) {
            return MS_SOURCE_END;
        } else {
            *argument_out = source->list[source->seq];
        }
        *seq_out = ++source->seq;
        if (!ms_joblog_has(&source->skip, source->seq)) {
            return MS_SOURCE_ARGUMENT;
        }
        source->skipped++;
    }
}

/* Of arguments that were not yet handed out, those that will be passed over. */
static uint64_t count_skips_ahead(const struct ms_source *source, uint64_t last)
{
    uint64_t count = 0;

    if (source->skip.count == 0) {
        return 0;
    }
    for (uint64_t seq = source->seq + 1; seq <= last; seq++) {
        count += ms_joblog_has(&source->skip, seq) ? 1 : 0;
    }
    return count;
}

uint64_t ms_source_total(const struct ms_source *source)
{
    uint64_t last = source->counted;

    if (source->list != NULL) {
        last = source->list_count;
    } else if (source->lines.is_ended) {
        last = source->seq + ms_lines_waiting(&source->lines);
    }
    if (last < source->seq) {
        return 0;
    }
    return last - source->skipped - count_skips_ahead(source, last);
}
