#include "core/io/program.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/invariant.h"

#define KEPT_MEMORY (64 << 20) /* free memory kept at the top of the heap instead of given back */

void ms_program_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length;
    int fd;

    if (path == NULL || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    length = strlen(path);
    if (length >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, path, length + 1);
    if (path[0] == '@') { /* an abstract name begins with zero and has none at its end */
        address.sun_path[0] = '\0';
    } else {
        length++;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    close(fd);
}

static void on_stop_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
    struct ms_program *program = signal->data;
    bool is_now = ++program->stops_count > 1;

    (void)loop, (void)revents;
    ms_log(program->log, MS_LEVEL_INFO, is_now ? "stopping now" : "stopping",
           MS_LOG_TEXT("signal", sigabbrev_np(signal->signum)));
    ms_program_notify("STOPPING=1");
    if (program->on_stop != NULL) {
        program->on_stop(program->context, is_now);
    }
    if (is_now || program->on_stop == NULL) {
        ms_program_end(program, EX_OK);
    }
}

static void on_reload_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
    struct ms_program *program = signal->data;

    (void)loop, (void)revents;
    if (program->on_reload == NULL) {
        ms_log(program->log, MS_LEVEL_WARN, "nothing to reload");
        return;
    }
    ms_program_notify("RELOADING=1");
    program->on_reload(program->context);
    ms_program_notify("READY=1");
}

static void on_dump_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
    struct ms_program *program = signal->data;

    (void)loop, (void)revents;
    if (program->on_dump != NULL) {
        program->on_dump(program->context);
    }
}

static void catch_signals(struct ms_program *program)
{
    static const struct {
        int number;
        void (*handle)(struct ev_loop *loop, ev_signal *signal, int revents);
    } table[] = {
        {SIGTERM, on_stop_signal},
        {SIGINT, on_stop_signal},
        {SIGHUP, on_reload_signal},
        {SIGUSR2, on_dump_signal},
    };

    static_assert(sizeof table / sizeof *table == sizeof program->signals / sizeof(ev_signal),
                  "one watcher for each signal");
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        ev_signal *watcher = &program->signals[i];

        ev_signal_init(watcher, table[i].handle, table[i].number);
        watcher->data = program;
        ev_signal_start(program->loop, watcher);
    }
}

/* As many descriptors as the system lets us have: one for each peer. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

bool ms_program_init(struct ms_program *program, const char *name,
                     const struct ms_program_settings *settings)
{
    *program = (struct ms_program){.name = name, .exit_code = EX_OK};
    raise_descriptor_limit();
    /* Output buffers come and go every turn; giving their memory back each time costs page faults. */
    mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
    mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY / 2);
    program->log = ms_log_create(STDERR_FILENO, (enum ms_log_format)settings->log_format,
                                 (enum ms_level)settings->log_level);
    program->loop = ev_default_loop(EVFLAG_AUTO);
    if (settings->port_file != NULL) {
        program->port_file = strdup(settings->port_file);
    }
    if (program->log == NULL || program->loop == NULL ||
        (settings->port_file != NULL && program->port_file == NULL)) {
        fprintf(stderr, "%s: cannot start: %s\n", name, strerror(errno));
        ms_program_finish(program);
        return false;
    }
    catch_signals(program);
    return true;
}

void ms_program_finish(struct ms_program *program)
{
    if (program->loop != NULL) {
        for (size_t i = 0; i < sizeof program->signals / sizeof *program->signals; i++) {
            ev_signal_stop(program->loop, &program->signals[i]);
        }
        ev_loop_destroy(program->loop);
    }
    ms_log_destroy(program->log);
    free(program->port_file);
    *program = (struct ms_program){0};
}

static bool write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    bool is_written;

    if (file == NULL) {
        return false;
    }
    is_written = fprintf(file, "%s\n", text) > 0;
    return fclose(file) == 0 && is_written;
}

/* Whoever waits for the file finds the whole address in it, or no file. */
static bool write_port_file(struct ms_program *program, const char *address)
{
    size_t size = strlen(program->port_file) + sizeof ".new";
    char *fresh = malloc(size);
    bool is_written;

    if (fresh == NULL) {
        return false;
    }
    snprintf(fresh, size, "%s.new", program->port_file);
    is_written = write_file(fresh, address) && rename(fresh, program->port_file) == 0;
    if (!is_written) {
        ms_log(program->log, MS_LEVEL_ERROR, "cannot write the port file",
               MS_LOG_TEXT("file", program->port_file), MS_LOG_TEXT("error", strerror(errno)));
        unlink(fresh);
    }
    free(fresh);
    return is_written;
}

bool ms_program_serving(struct ms_program *program, const char *address)
{
    if (program->port_file != NULL && !write_port_file(program, address)) {
        return false;
    }
    ms_program_notify("READY=1");
    ms_log(program->log, MS_LEVEL_INFO, "serving", MS_LOG_TEXT("program", program->name),
           MS_LOG_TEXT("address", address), MS_LOG_TEXT("version", MS_VERSION),
           MS_LOG_NUMBER("pid", getpid()));
    return true;
}

static enum ms_error start_node(struct ms_node *node)
{
    enum ms_error error = MS_E_OK;

    if (node->state == MS_NODE_NEW) {
        error = ms_node_init(node);
    }
    if (error == MS_E_OK && node->state != MS_NODE_RUNNING) {
        error = ms_node_start(node);
    }
    return error;
}

int ms_program_run(struct ms_program *program)
{
    enum ms_error error = MS_E_OK;

    if (program->node != NULL) {
        error = start_node(program->node);
    }
    if (error == MS_E_OK && !program->has_ended) { /* a break before the loop is none */
        ev_run(program->loop, 0);
    } else if (error != MS_E_OK) {
        if (!program->has_explained) {
            ms_log(program->log, MS_LEVEL_ERROR, "cannot start",
                   MS_LOG_TEXT("node", program->node->ops->name),
                   MS_LOG_TEXT("error", ms_error_text(error)));
        }
        program->exit_code = ms_program_exit_code(error);
    }
    if (program->node != NULL && program->node->state != MS_NODE_NEW) {
        ms_node_finish(program->node);
    }
    if (program->port_file != NULL) {
        unlink(program->port_file);
    }
    ms_log(program->log, MS_LEVEL_INFO, "stopped", MS_LOG_NUMBER("exit", program->exit_code));
    return program->exit_code;
}

void ms_program_end(struct ms_program *program, int exit_code)
{
    if (!program->has_ended) {
        program->has_ended = true;
        program->exit_code = exit_code;
    }
    ev_break(program->loop, EVBREAK_ALL);
}

int ms_program_exit_code(enum ms_error error)
{
    switch (error) {
    case MS_E_OK:
    case MS_E_CANCELLED:
        return EX_OK;
    case MS_E_BAD_ARGUMENT:
    case MS_E_PAYLOAD_SIZE:
        return EX_USAGE;
    case MS_E_STORE_CORRUPT:
        return EX_DATAERR;
    case MS_E_STORE_FULL:
        return EX_CANTCREAT;
    case MS_E_UNREACHABLE:
    case MS_E_CLOSED:
    case MS_E_UNKNOWN_TYPE:
    case MS_E_NOT_FOUND:
    case MS_E_TIMEOUT:
        return EX_UNAVAILABLE;
    case MS_E_INTERNAL:
        return EX_SOFTWARE;
    case MS_E_NO_MEMORY:
        return EX_OSERR;
    case MS_E_IO:
    case MS_E_STORE_FAILED:
        return EX_IOERR;
    case MS_E_RETRY_LATER:
    case MS_E_NOT_ACTIVE:
    case MS_E_DRAINING:
    case MS_E_TOO_MANY:
    case MS_E_SESSION_DEAD:
        return EX_TEMPFAIL;
    case MS_E_PERMISSION:
        return EX_NOPERM;
    case MS_E_TYPE_CLASH:
        return EX_CONFIG;
    default:
        return EX_PROTOCOL;
    }
}
