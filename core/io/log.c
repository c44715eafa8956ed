#include "core/io/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/clock.h"

#define LINE_MAX_SIZE 2048
#define REPEATS       32 /* different lines whose repetition is noticed */
#define REPEAT_WINDOW (1 * MS_SEC)

/* A line without its time; cut, not lost, when it is too long. */
struct line {
    size_t length;
    char text[LINE_MAX_SIZE];
};

struct repeat {
    uint64_t hash;
    ms_time written_at;
    uint64_t repeated_count; /* held back since then */
    struct line line;
};

struct ms_log {
    int fd;
    enum ms_log_format format;
    enum ms_level level;
    bool has_time;
    pthread_mutex_t lock;
    struct repeat repeats[REPEATS];
};

const char *const ms_log_format_names[] = {
    [MS_LOG_LOGFMT] = "logfmt", [MS_LOG_JSON] = "json", NULL};
const char *const ms_log_level_names[] = {[MS_LEVEL_ERROR] = "error",
                                          [MS_LEVEL_WARN] = "warn",
                                          [MS_LEVEL_INFO] = "info",
                                          [MS_LEVEL_DEBUG] = "debug",
                                          NULL};

/* The journal says with JOURNAL_STREAM=device:inode which stream leads to it. */
static bool is_journal(int fd)
{
    const char *journal = getenv("JOURNAL_STREAM");
    struct stat status;
    char own[64];

    if (journal == NULL || fstat(fd, &status) != 0) {
        return false;
    }
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    return strcmp(own, journal) == 0;
}

struct ms_log *ms_log_create(int fd, enum ms_log_format format, enum ms_level level)
{
    struct ms_log *log = calloc(1, sizeof *log);

    if (log != NULL) {
        log->fd = fd;
        log->format = format;
        log->level = level;
        log->has_time = !is_journal(fd);
        pthread_mutex_init(&log->lock, NULL);
    }
    return log;
}

void ms_log_set_level(struct ms_log *log, enum ms_level level)
{
    pthread_mutex_lock(&log->lock);
    log->level = level;
    pthread_mutex_unlock(&log->lock);
}

static void add(struct line *line, const char *text, size_t size)
{
    size_t room = sizeof line->text - line->length;

    if (size > room) {
        size = room;
    }
    memcpy(line->text + line->length, text, size);
    line->length += size;
}

static void add_string(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the well-formed UTF-8 sequence at text, which ends in a zero; 0 = malformed. */
static size_t utf8_length(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;

    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] >= 0xc2 && at[0] < 0xe0) {
        return is_continuation(at[1]) ? 2 : 0;
    }
    if (at[0] >= 0xe0 && at[0] < 0xf0) {
        bool is_long = at[0] == 0xe0 && at[1] < 0xa0;
        bool is_surrogate = at[0] == 0xed && at[1] >= 0xa0;

        return is_continuation(at[1]) && is_continuation(at[2]) && !is_long && !is_surrogate ? 3
                                                                                             : 0;
    }
    if (at[0] >= 0xf0 && at[0] < 0xf5) {
        bool is_outside = (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90);

        return is_continuation(at[1]) && is_continuation(at[2]) && is_continuation(at[3]) &&
                       !is_outside
                   ? 4
                   : 0;
    }
    return 0;
}

/* One character, escaped as both formats have it; returns the bytes of text it took. */
static size_t add_escaped(struct line *line, const char *text)
{
    size_t length = utf8_length(text);
    char escape[8];

    if (length == 0) {
        add_string(line, "\\ufffd");
        return 1;
    }
    if (*text == '"' || *text == '\\') {
        add_string(line, "\\");
        add(line, text, 1);
    } else if (*text == '\n') {
        add_string(line, "\\n");
    } else if (*text == '\t') {
        add_string(line, "\\t");
    } else if ((uint8_t)*text < 0x20 || *text == 0x7f) {
        snprintf(escape, sizeof escape, "\\u%04x", (unsigned)(uint8_t)*text);
        add_string(line, escape);
    } else {
        add(line, text, length);
    }
    return length;
}

static void add_quoted(struct line *line, const char *text)
{
    add_string(line, "\"");
    while (*text != '\0') {
        text += add_escaped(line, text);
    }
    add_string(line, "\"");
}

/* In logfmt a word stands as it is. */
static bool is_word(const char *text)
{
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if ((uint8_t)*text <= ' ' || (uint8_t)*text >= 0x7f || strchr("=\"\\", *text) != NULL) {
            return false;
        }
    }
    return true;
}

static void add_name(const struct ms_log *log, struct line *line, const char *name)
{
    if (log->format == MS_LOG_JSON) {
        add_string(line, line->length == 0 ? "\"" : ",\"");
        add_string(line, name);
        add_string(line, "\":");
    } else {
        add_string(line, line->length == 0 ? "" : " ");
        add_string(line, name);
        add_string(line, "=");
    }
}

static void add_text(const struct ms_log *log, struct line *line, const char *name,
                     const char *text)
{
    add_name(log, line, name);
    if (log->format == MS_LOG_LOGFMT && is_word(text)) {
        add_string(line, text);
    } else {
        add_quoted(line, text);
    }
}

static void add_number(const struct ms_log *log, struct line *line, const char *name,
                       int64_t number)
{
    char digits[24];

    add_name(log, line, name);
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    add_string(line, digits);
}

static void begin(const struct ms_log *log, struct line *line, enum ms_level level,
                  const char *message)
{
    line->length = 0;
    add_text(log, line, "level", ms_log_level_names[level]);
    add_text(log, line, "msg", message);
}

/* One write for the whole line, so that lines of several processes do not mix. */
static void put(const struct ms_log *log, const struct line *body, uint64_t repeated_count)
{
    char out[LINE_MAX_SIZE + 128], time[MS_RFC3339_SIZE], repeated[40] = "";
    bool is_json = log->format == MS_LOG_JSON;
    int length;
    ssize_t written;

    if (repeated_count > 0) {
        snprintf(repeated, sizeof repeated, is_json ? ",\"repeated\":%llu" : " repeated=%llu",
                 (unsigned long long)repeated_count);
    }
    ms_clock_print(time);
    if (!log->has_time) {
        length = snprintf(out, sizeof out, is_json ? "{%.*s%s}\n" : "%.*s%s\n", (int)body->length,
                          body->text, repeated);
    } else {
        length = snprintf(out, sizeof out, is_json ? "{\"ts\":\"%s\",%.*s%s}\n" : "ts=%s %.*s%s\n",
                          time, (int)body->length, body->text, repeated);
    }
    ms_assert(length > 0 && (size_t)length < sizeof out);
    do {
        written = write(log->fd, out, (size_t)length);
    } while (written < 0 && errno == EINTR);
}

static uint64_t hash_of(const struct line *line)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a: only to tell lines apart */

    for (size_t i = 0; i < line->length; i++) {
        hash = (hash ^ (uint8_t)line->text[i]) * 0x100000001b3u;
    }
    return hash;
}

static bool is_same(const struct repeat *repeat, const struct line *line, uint64_t hash)
{
    return repeat->hash == hash && repeat->line.length == line->length &&
           memcmp(repeat->line.text, line->text, line->length) == 0;
}

/* What was held back and is no longer repeated is said once more, with its count. */
static void release_others(struct ms_log *log, const struct repeat *own, ms_time now)
{
    for (size_t i = 0; i < REPEATS; i++) {
        struct repeat *repeat = &log->repeats[i];

        if (repeat != own && repeat->repeated_count > 0 &&
            now >= repeat->written_at + REPEAT_WINDOW) {
            put(log, &repeat->line, repeat->repeated_count);
            repeat->repeated_count = 0;
        }
    }
}

static void emit(struct ms_log *log, const struct line *line)
{
    uint64_t hash = hash_of(line), repeated = 0;
    struct repeat *repeat = &log->repeats[hash % REPEATS];
    ms_time now = ms_clock_now();

    release_others(log, repeat, now);
    if (is_same(repeat, line, hash)) {
        if (now < repeat->written_at + REPEAT_WINDOW) {
            repeat->repeated_count++;
            return;
        }
        repeated = repeat->repeated_count;
    } else {
        if (repeat->repeated_count > 0) {
            put(log, &repeat->line, repeat->repeated_count);
        }
        repeat->hash = hash;
        repeat->line.length = line->length;
        memcpy(repeat->line.text, line->text, line->length);
    }
    repeat->repeated_count = 0;
    repeat->written_at = now;
    put(log, line, repeated);
}

void ms_log_destroy(struct ms_log *log)
{
    if (log == NULL) {
        return;
    }
    release_others(log, NULL, MS_TIME_NEVER);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

/* A line that was cut in the middle of a value would be no JSON. */
static bool fits(const struct ms_log *log, const struct line *line)
{
    return log->format == MS_LOG_LOGFMT || line->length < sizeof line->text;
}

void ms_log_write(struct ms_log *log, enum ms_level level, const char *message,
                  const struct ms_log_field *fields)
{
    struct line line;

    if (log == NULL) {
        return;
    }
    pthread_mutex_lock(&log->lock);
    if (level <= log->level) {
        begin(log, &line, level, message);
        for (; fields->name != NULL; fields++) {
            size_t before = line.length;

            if (fields->text != NULL) {
                add_text(log, &line, fields->name, fields->text);
            } else {
                add_number(log, &line, fields->name, fields->number);
            }
            if (!fits(log, &line)) {
                line.length = before;
            }
        }
        emit(log, &line);
    }
    pthread_mutex_unlock(&log->lock);
}

/* Such that printing it again gives the same text. */
static bool is_integer(const char *text)
{
    const char *first = text + (*text == '-');
    size_t digits = strspn(first, "0123456789");

    return digits > 0 && digits < 16 && first[digits] == '\0' && (*first != '0' || digits == 1);
}

/* Takes name=value or name="value" off the head of logfmt text; false at its end. */
static bool next_field(char **at, char **name_out, char **value_out)
{
    char *text = *at + strspn(*at, " "), *end;

    if (*text == '\0') {
        return false;
    }
    *name_out = text;
    text += strcspn(text, "= ");
    if (*text != '=') { /* a word without a value */
        *value_out = text + strlen(text);
        *at = *text == '\0' ? text : text + 1;
        *text = '\0';
        return true;
    }
    *text++ = '\0';
    if (*text == '"') {
        *value_out = ++text;
        end = text + strcspn(text, "\"");
    } else {
        *value_out = text;
        end = text + strcspn(text, " ");
    }
    *at = *end == '\0' ? end : end + 1;
    *end = '\0';
    return true;
}

/* The fields of pure code come as logfmt text; it is taken apart so that no name or value of a peer
 * can put a line break, or a field of its own, into the log. */
static void write_trace(void *context, enum ms_level level, const char *message, const char *fields)
{
    struct ms_log *log = context;
    char copy[MS_TRACE_LINE_MAX], *at = copy, *name, *value;
    struct line line;

    pthread_mutex_lock(&log->lock);
    if (level <= log->level) {
        snprintf(copy, sizeof copy, "%s", fields);
        begin(log, &line, level, message);
        while (next_field(&at, &name, &value)) {
            size_t before = line.length;

            if (is_integer(value)) {
                add_number(log, &line, name, strtoll(value, NULL, 10));
            } else {
                add_text(log, &line, name, value);
            }
            if (!fits(log, &line)) {
                line.length = before;
            }
        }
        emit(log, &line);
    }
    pthread_mutex_unlock(&log->lock);
}

/* The level is checked here, too, because it may change after the trace was handed out. */
struct ms_trace ms_log_trace(struct ms_log *log)
{
    return (struct ms_trace){.sink = write_trace, .context = log, .level = log->level};
}
