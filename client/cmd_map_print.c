#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/cmd_map.h"
#include "core/invariant.h"

#define WIDTH_DEFAULT 80
#define PATH_ROOM     64 /* behind the directory: number and file */
#define ERASE_LINE    "\r\033[K"

static void erase_bar(struct ms_mapper *mapper)
{
    if (mapper->is_bar_drawn) {
        fputs(ERASE_LINE, stderr);
        fflush(stderr);
        mapper->is_bar_drawn = false;
    }
}

void ms_mapper_say(struct ms_mapper *mapper, const char *format, ...)
{
    va_list arguments;

    erase_bar(mapper);
    va_start(arguments, format);
    ms_cli_say_list(mapper->cli, format, arguments);
    va_end(arguments);
}

/* ---- joblog ---- */

static bool read_joblog(struct ms_mapper *mapper, FILE *file)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    bool is_read = true;

    while (is_read && (length = getline(&line, &capacity, file)) > 0) {
        struct ms_joblog_row row;

        if (line[length - 1] != '\n') {
            break; /* cut off: it did not end */
        }
        line[length - 1] = '\0';
        if (ms_joblog_parse(line, &row)) {
            const bool is_ok = row.exitval == 0 && row.signal == 0;

            is_read = ms_joblog_mark(&mapper->source.skip, row.seq,
                                     is_ok || !mapper->settings->resume_failed);
        }
    }
    free(line);
    if (!is_read) {
        ms_mapper_say(mapper, "out of memory");
    }
    return is_read;
}

/* Leaves the file at its end, which is that of a line. */
static bool begin_joblog(FILE *file)
{
    if (fseek(file, 0, SEEK_END) != 0) {
        return false;
    }
    if (ftell(file) == 0) {
        return fputs(MS_JOBLOG_HEADER, file) >= 0;
    }
    if (fseek(file, -1, SEEK_END) != 0) {
        return false;
    }
    const int last = fgetc(file);

    return fseek(file, 0, SEEK_END) == 0 && (last == '\n' || fputc('\n', file) != EOF);
}

bool ms_mapper_open_joblog(struct ms_mapper *mapper)
{
    const char *path = mapper->settings->joblog;
    const bool is_resuming = mapper->settings->resume || mapper->settings->resume_failed;

    if (path == NULL || (mapper->settings->dry_run && !is_resuming)) {
        return true;
    }
    if (is_resuming) {
        FILE *file = fopen(path, "re");

        if (file != NULL) {
            const bool is_read = read_joblog(mapper, file);

            fclose(file);
            if (!is_read) {
                return false;
            }
        } else if (errno != ENOENT) {
            ms_mapper_say(mapper, "%s: %s", path, strerror(errno));
            return false;
        }
    }
    if (mapper->settings->dry_run) {
        return true;
    }
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | (is_resuming ? 0 : O_TRUNC), 0666);

    mapper->joblog = fd >= 0 ? fdopen(fd, "r+") : NULL;
    if (mapper->joblog == NULL || !begin_joblog(mapper->joblog) || fflush(mapper->joblog) != 0) {
        ms_mapper_say(mapper, "%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

/* The command as text, in mapper->text. */
static bool print_command(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    mapper->text.size = 0;
    return ms_template_expand(mapper->template, (const char *)job->argument.data, job->seq,
                              &mapper->expansion) &&
           ms_expansion_print(&mapper->expansion, &mapper->text);
}

static void record_joblog(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    struct ms_cli_bytes line = {.data = NULL};
    const struct ms_joblog_row row = {
        .seq = job->seq,
        .host = mapper->settings->common.master,
        .start_ms = job->start_ms,
        .runtime_ms = job->wall_us / 1000,
        .sent = job->sent,
        .received = job->out.size + job->err.size,
        .exitval = job->exitval,
        .signal = job->signal,
        .command = (const char *)mapper->text.data,
        .command_size = mapper->text.size,
    };

    if (!ms_joblog_print(&row, &line)) {
        ms_mapper_say(mapper, "out of memory");
        ms_mapper_fail(mapper);
    } else {
        fwrite(line.data, 1, line.size, mapper->joblog);
    }
    ms_cli_bytes_free(&line);
}

/* ---- results ---- */

static bool write_file(const char *path, const struct ms_cli_bytes *bytes)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0) {
        return false;
    }
    const bool is_written = ms_cli_bytes_write(bytes, fd);

    return close(fd) == 0 && is_written;
}

static bool write_results(const struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    const char *directory = mapper->settings->results;
    const size_t size = strlen(directory) + PATH_ROOM;
    char number[PATH_ROOM];
    char *path = malloc(size);
    const int length = snprintf(number, sizeof number, "%d\n", job->exitval);
    const struct ms_cli_bytes exitval = {.data = (uint8_t *)number, .size = (size_t)length};
    const struct {
        const char *name;
        const struct ms_cli_bytes *bytes;
    } files[] = {{"stdout", &job->out},
                 {"stderr", &job->err},
                 {"command", &mapper->text},
                 {"exitval", &exitval}};
    bool is_written = path != NULL;

    if (is_written) {
        snprintf(path, size, "%s/%" PRIu64, directory, job->seq);
        is_written = mkdir(path, 0777) == 0 || errno == EEXIST;
    }
    for (size_t i = 0; is_written && i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, size, "%s/%" PRIu64 "/%s", directory, job->seq, files[i].name);
        is_written = write_file(path, files[i].bytes);
    }
    free(path);
    return is_written;
}

void ms_mapper_record(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    if (mapper->joblog == NULL && mapper->settings->results == NULL) {
        return;
    }
    if (!print_command(mapper, job)) {
        ms_mapper_say(mapper, "out of memory");
        ms_mapper_fail(mapper);
        return;
    }
    if (mapper->settings->results != NULL && !write_results(mapper, job)) {
        ms_mapper_say(mapper, "%s/%" PRIu64 ": %s", mapper->settings->results, job->seq,
                      strerror(errno));
        ms_mapper_fail(mapper);
        return;
    }
    if (mapper->joblog != NULL) {
        record_joblog(mapper, job);
    }
}

/* ---- output ---- */

/* Every line with the argument before it. */
static void print_tagged(FILE *stream, const struct ms_mapper_job *job,
                         const struct ms_cli_bytes *bytes)
{
    const char *at = (const char *)bytes->data;
    size_t left = bytes->size;

    while (left > 0) {
        const char *newline = memchr(at, '\n', left);
        const size_t size = newline != NULL ? (size_t)(newline - at) + 1 : left;

        fputs((const char *)job->argument.data, stream);
        fputc('\t', stream);
        fwrite(at, 1, size, stream);
        at += size;
        left -= size;
    }
}

static void print_stream(const struct ms_mapper *mapper, FILE *stream,
                         const struct ms_mapper_job *job, const struct ms_cli_bytes *bytes)
{
    if (mapper->settings->tag) {
        print_tagged(stream, job, bytes);
    } else if (bytes->size > 0) {
        fwrite(bytes->data, 1, bytes->size, stream);
    }
}

/* What is known before a command runs; its text is in mapper->text. */
static json_t *begin_json(struct ms_mapper *mapper, uint64_t seq,
                          const struct ms_cli_bytes *argument)
{
    json_t *object = json_object();

    if (object != NULL) {
        json_object_set_new(object, "seq", json_integer((json_int_t)seq));
        ms_cli_bytes_to_json(argument, object, "argument");
        ms_cli_bytes_to_json(&mapper->text, object, "command");
    }
    return object;
}

static json_t *make_json(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    const struct ms_cli_bytes argument = {.data = job->argument.data,
                                          .size = job->argument.size - 1};
    json_t *object = print_command(mapper, job) ? begin_json(mapper, job->seq, &argument) : NULL;

    if (object == NULL) {
        return NULL;
    }
    json_object_set_new(
        object, "status",
        json_string(job->error != MS_CLIENT_OK ? "refused" : ms_client_status_name(job->status)));
    json_object_set_new(object, "exitval", json_integer(job->exitval));
    json_object_set_new(object, "signal", json_integer((json_int_t)job->signal));
    json_object_set_new(object, "attempts", json_integer((json_int_t)job->attempt));
    json_object_set_new(object, "start_ms", json_integer((json_int_t)job->start_ms));
    json_object_set_new(object, "wall_us", json_integer((json_int_t)job->wall_us));
    json_object_set_new(object, "user_us", json_integer((json_int_t)job->user_us));
    json_object_set_new(object, "system_us", json_integer((json_int_t)job->system_us));
    json_object_set_new(object, "rss_kib", json_integer((json_int_t)job->rss_kib));
    json_object_set_new(object, "detail", json_string(job->detail));
    ms_cli_bytes_to_json(&job->out, object, "stdout");
    ms_cli_bytes_to_json(&job->err, object, "stderr");
    return object;
}

/* One line; the object is given up. */
static void print_json(struct ms_mapper *mapper, json_t *object)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT) != 0) {
        ms_mapper_say(mapper, "a command could not be printed as JSON: out of memory");
        ms_mapper_fail(mapper);
    }
    fputc('\n', stdout);
    json_decref(object);
}

void ms_mapper_print_planned(struct ms_mapper *mapper, uint64_t seq, const char *argument)
{
    if (mapper->settings->common.is_json) {
        const struct ms_cli_bytes bytes = {.data = (uint8_t *)argument, .size = strlen(argument)};

        print_json(mapper, begin_json(mapper, seq, &bytes));
        return;
    }
    fwrite(mapper->text.data, 1, mapper->text.size, stdout);
    fputc('\n', stdout);
}

/* What the command itself could not say; about a plain exit status it had its chance. */
static void explain(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    const bool was_found =
        ms_template_is_shell(mapper->template) ||
        (job->exitval != MS_MAPPER_NOT_FOUND && job->exitval != MS_MAPPER_NOT_RUNNABLE);

    if (job->error != MS_CLIENT_OK) {
        ms_mapper_say(mapper, "%" PRIu64 ": refused: %s", job->seq,
                      job->detail[0] != '\0' ? job->detail : ms_client_strerror(job->error));
    } else if (job->status != MS_CLIENT_STATUS_OK && (job->exitval <= 0 || !was_found)) {
        ms_mapper_say(mapper, "%" PRIu64 ": %s", job->seq,
                      job->detail[0] != '\0' ? job->detail : ms_client_status_name(job->status));
    }
}

void ms_mapper_print(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    if (mapper->settings->common.is_json || job->out.size > 0) {
        if (mapper->is_terminal) {
            erase_bar(mapper);
        }
        mapper->is_stdout_dirty = true;
    }
    if (mapper->settings->common.is_json) {
        print_json(mapper, make_json(mapper, job));
        return;
    }
    print_stream(mapper, stdout, job, &job->out);
    if (job->err.size > 0) {
        ms_mapper_flush(mapper); /* on a terminal the two follow each other */
        erase_bar(mapper);
        print_stream(mapper, stderr, job, &job->err);
    }
    explain(mapper, job);
}

void ms_mapper_flush(struct ms_mapper *mapper)
{
    if (mapper->is_stdout_dirty) {
        mapper->is_stdout_dirty = false;
        if ((fflush(stdout) != 0 || ferror(stdout)) && !mapper->is_fatal) {
            if (errno != EPIPE) { /* whoever read it has had enough */
                ms_mapper_say(mapper, "cannot write to standard output: %s", strerror(errno));
            }
            ms_mapper_fail(mapper);
        }
    }
    if (mapper->joblog != NULL && !mapper->is_fatal &&
        (fflush(mapper->joblog) != 0 || ferror(mapper->joblog))) {
        ms_mapper_say(mapper, "%s: %s", mapper->settings->joblog, strerror(errno));
        ms_mapper_fail(mapper);
    }
}

/* ---- progress ---- */

static size_t terminal_width(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u
                                                                           : WIDTH_DEFAULT - 1;
}

void ms_mapper_draw(struct ms_mapper *mapper)
{
    char line[MS_PROGRESS_TEXT_MAX];
    struct ms_text text;

    if (!mapper->has_bar && !mapper->has_plain) {
        return;
    }
    ms_text_init(&text, line, sizeof line);
    mapper->progress.total = ms_source_total(&mapper->source);
    ms_progress_update(&mapper->progress);
    if (mapper->has_bar) {
        ms_progress_print_bar(&mapper->progress, terminal_width(), &text);
        fprintf(stderr, ERASE_LINE "%s", line);
        fflush(stderr);
        mapper->is_bar_drawn = true;
    } else {
        ms_progress_print_line(&mapper->progress, &text);
        ms_mapper_say(mapper, "%s", line);
    }
}

void ms_mapper_sum_up(struct ms_mapper *mapper)
{
    char line[MS_PROGRESS_TEXT_MAX];
    struct ms_text text;

    if (mapper->has_bar) {
        ms_mapper_draw(mapper);
        fputc('\n', stderr);
        mapper->is_bar_drawn = false;
    }
    if (mapper->has_bar || mapper->has_plain) {
        ms_text_init(&text, line, sizeof line);
        ms_progress_print_summary(&mapper->progress, &text);
        ms_mapper_say(mapper, "%s", line);
    }
}
