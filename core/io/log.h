/* The log of a program: lines on stderr, logfmt or JSON, nothing else.
 *
 *     ts=2026-11-20T13:43:26.123Z level=info msg="session dead" slave=a held=3
 *
 * The time is left out when stderr is the journal's, which stamps lines itself. The same line again
 * within a second is counted, not written; the next one that is written ends in repeated=N.
 * Thread-safe: a line is one write. */
#ifndef CORE_IO_LOG_H
#define CORE_IO_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "core/trace.h"

enum ms_log_format {
    MS_LOG_LOGFMT,
    MS_LOG_JSON,
};

/* For option tables: MS_OPTION_ENUM choices of enum ms_log_format and enum ms_level. */
extern const char *const ms_log_format_names[];
extern const char *const ms_log_level_names[];

struct ms_log;

/* fd is borrowed, normally 2. NULL: no memory. */
struct ms_log *ms_log_create(int fd, enum ms_log_format format, enum ms_level level);
void ms_log_destroy(struct ms_log *log); /* writes what was held back; accepts NULL */
void ms_log_set_level(struct ms_log *log, enum ms_level level);

/* One value of a line. Names are words of a-z, 0-9 and _; texts may be anything, NULL too. */
struct ms_log_field {
    const char *name;
    const char *text; /* NULL: the number */
    int64_t number;
};

static inline struct ms_log_field ms_log_text(const char *name, const char *text)
{
    return (struct ms_log_field){.name = name, .text = text == NULL ? "" : text};
}

#define MS_LOG_TEXT(key, value)   ms_log_text(key, value)
#define MS_LOG_NUMBER(key, value) ((struct ms_log_field){.name = (key), .number = (int64_t)(value)})

/* ms_log(log, MS_LEVEL_INFO, "serving", MS_LOG_TEXT("address", text), MS_LOG_NUMBER("port", 1));
 * log may be NULL: nothing is written. */
#define ms_log(log, level, ...)                                                                    \
    ms_log_pick(log, level, __VA_ARGS__, ((struct ms_log_field){.name = NULL}))
#define ms_log_pick(log, level, message, ...)                                                      \
    ms_log_write(log, level, message, (const struct ms_log_field[]){__VA_ARGS__})

/* fields end at the first without a name. */
void ms_log_write(struct ms_log *log, enum ms_level level, const char *message,
                  const struct ms_log_field *fields);

/* A trace whose lines go to this log; hand it to an engine. */
struct ms_trace ms_log_trace(struct ms_log *log);

#endif
