/* exec: runs a program, as exec.proto says. One thread of the slave waits for each.
 *
 * The program leads a session and process group of its own, and no process of that group outlives the
 * attempt: when the attempt is cancelled, all get SIGTERM and, GRACE later, SIGKILL; when the leader has
 * ended, those who still hold its output have GRACE to close it, and whoever is left then is killed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "handlers/exec.pb-c.h"
#include "handlers/ms_handler.h"

#define SHELL             "/bin/sh"
#define GRACE_MS          2000 /* between SIGTERM and SIGKILL, and for late output */
#define BLIND_MS          10   /* between looks, where the system gives no descriptor to wait for */
#define READ_SIZE         (32u << 10)
#define ENV_MAX           1024        /* additions to the environment */
#define UNPACK_FACTOR     8           /* memory for a request, in times of its size, */
#define UNPACK_SLACK      (64u << 10) /* and beyond */
#define CODE_NOT_FOUND    127
#define CODE_NOT_RUNNABLE 126
#define DETAIL_SIZE       512

extern char **environ;

enum {
    OWN_COMMAND_ID,
    OWN_TYPE,
    OWN_ATTEMPT,
    OWN_SLAVE,
    OWN_TOKEN,
    OWN_ARRAY_INDEX,
    OWN_ARRAY_COUNT,
    OWN_COUNT
};

/* A running program and what is known about it. */
struct child {
    pid_t pid;
    int watch_fd;    /* readable when pid has ended; -1 = the system has no such thing */
    int streams[2];  /* of MS_JOB_DATA and MS_JOB_STDERR; -1 = closed */
    int64_t kill_ms; /* when whoever is left gets SIGKILL; INT64_MAX = not to be killed */
    int has_ended;
    int is_stopping;
    int is_lost;    /* somebody else has reaped it, so its number may mean others now */
    int is_refused; /* the host takes no more output */
};

struct budget {
    size_t left;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 2, 3))) static void set_detail(struct ms_job *job, const char *format,
                                                             ...)
{
    char text[DETAIL_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ms_job_set_detail(job, text);
}

static void set_code(struct ms_job *job, int code)
{
    const struct ms_job_exit how = {.code = code};

    ms_job_set_exit(job, &how);
}

/* Many empty strings are small on the wire and large in memory. */
static void *budget_alloc(void *context, size_t size)
{
    struct budget *budget = context;
    const size_t cost = size + 2 * sizeof(void *);

    if (cost > budget->left) {
        return NULL;
    }
    budget->left -= cost;
    return malloc(size);
}

static void budget_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

/* What is wrong with a request, or NULL. */
static const char *find_mistake(const Muster__Handlers__ExecRequest *request)
{
    const int is_shell = request->shell[0] != '\0';

    if (is_shell && request->n_argv > 0) {
        return "the request has both argv and shell";
    }
    if (!is_shell && request->n_argv == 0) {
        return "the request has neither argv nor shell";
    }
    if (!is_shell && request->argv[0][0] == '\0') {
        return "argv[0] is empty";
    }
    if (request->n_env > ENV_MAX) {
        return "the request has too many variables in env";
    }
    for (size_t i = 0; i < request->n_env; i++) {
        if (request->env[i][0] == '=' || strchr(request->env[i], '=') == NULL) {
            return "a line of env is not NAME=VALUE";
        }
    }
    return NULL;
}

static int has_same_name(const char *a, const char *b)
{
    const size_t length = strcspn(a, "=");

    return strncmp(a, b, length) == 0 && b[length] == '=';
}

/* Adds the lines of from whose name is not among the first count of to. */
static size_t add_lines(char **to, size_t count, char *const *from, size_t from_count)
{
    const size_t own_count = count;

    for (size_t i = 0; i < from_count; i++) {
        size_t j = 0;

        while (j < own_count && !has_same_name(to[j], from[i])) {
            j++;
        }
        if (j == own_count) {
            to[count++] = from[i];
        }
    }
    return count;
}

/* The environment: ours, then the request's, then what is left of the slave's; own keeps our lines.
 * NULL: no memory. */
static char **make_environment(const struct ms_job *job,
                               const Muster__Handlers__ExecRequest *request,
                               char own[OWN_COUNT][128])
{
    size_t inherited = 0;
    char id[2 * sizeof job->client + 1];
    char *lines[OWN_COUNT];

    while (environ != NULL && environ[inherited] != NULL) {
        inherited++;
    }
    char **all = malloc((OWN_COUNT + request->n_env + inherited + 1) * sizeof *all);

    if (all == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof job->client; i++) {
        snprintf(id + 2 * i, 3, "%02x", job->client[i]);
    }
    const size_t size = sizeof own[0];

    snprintf(own[OWN_COMMAND_ID], size, "MUSTER_ID=%s:%" PRIu64, id, job->seq);
    snprintf(own[OWN_TYPE], size, "MUSTER_TYPE=exec");
    snprintf(own[OWN_ATTEMPT], size, "MUSTER_ATTEMPT=%" PRIu32, job->attempt);
    snprintf(own[OWN_SLAVE], size, "MUSTER_SLAVE=%s", job->host->slave);
    snprintf(own[OWN_TOKEN], size, "MUSTER_TOKEN=%" PRIu64 ".%" PRIu64, job->token_epoch,
             job->token_n);
    snprintf(own[OWN_ARRAY_INDEX], size, "MUSTER_ARRAY_INDEX=%" PRIu32, ms_job_array_index(job));
    snprintf(own[OWN_ARRAY_COUNT], size, "MUSTER_ARRAY_COUNT=%" PRIu32, ms_job_array_count(job));
    for (size_t i = 0; i < OWN_COUNT; i++) {
        lines[i] = own[i];
    }
    size_t count = add_lines(all, 0, lines, OWN_COUNT);

    count = add_lines(all, count, request->env, request->n_env);
    count = add_lines(all, count, environ, inherited);
    all[count] = NULL;
    return all;
}

/* A descriptor to read the bytes from, which nobody has to feed; -1: out of memory or descriptors. */
static int make_input(const ProtobufCBinaryData *bytes)
{
    const int fd = memfd_create("muster-input", MFD_CLOEXEC);

    for (size_t written = 0; fd >= 0 && written < bytes->len;) {
        const ssize_t part = write(fd, bytes->data + written, bytes->len - written);

        if (part < 0 && errno != EINTR) {
            const int error = errno;

            close(fd);
            errno = error;
            return -1;
        }
        written += part > 0 ? (size_t)part : 0;
    }
    if (fd >= 0) {
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

static void close_streams(int fds[2])
{
    for (int i = 0; i < 2; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
        fds[i] = -1;
    }
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t signals;

    /* The threads of a slave block signals and its loop ignores some; a program expects neither. */
    posix_spawnattr_init(attributes);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(attributes, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(attributes, &signals);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int set_actions(posix_spawn_file_actions_t *actions,
                       const Muster__Handlers__ExecRequest *request, int input, const int out[2])
{
    int error = posix_spawn_file_actions_init(actions);

    if (error != 0) {
        return error;
    }
    error = input >= 0 ? posix_spawn_file_actions_adddup2(actions, input, 0)
                       : posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 2 && error == 0; i++) {
        error = posix_spawn_file_actions_adddup2(actions, out[i], i + 1);
    }
    if (error == 0 && request->directory[0] != '\0') {
        error = posix_spawn_file_actions_addchdir_np(actions, request->directory);
    }
    if (error != 0) {
        posix_spawn_file_actions_destroy(actions);
    }
    return error;
}

/* argv is one longer than the request's: what the system takes for no program, though it may be
 * executed, is read by the shell, as execvp does and people expect of scripts without a first line. */
static int spawn_words(pid_t *pid_out, char **argv, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const *environment)
{
    int error = posix_spawnp(pid_out, argv[1], actions, attributes, argv + 1, environment);

    if (error == ENOEXEC && strchr(argv[1], '/') != NULL) {
        argv[0] = (char[]){"sh"};
        error = posix_spawn(pid_out, SHELL, actions, attributes, argv, environment);
    }
    return error;
}

/* An errno. out: where the program writes; input: where it reads, or -1. */
static int spawn(struct child *child, const Muster__Handlers__ExecRequest *request,
                 char *const *environment, int input, const int out[2])
{
    char *line[] = {(char[]){"sh"}, (char[]){"-c"}, request->shell, NULL};
    char **argv = calloc(request->n_argv + 2, sizeof *argv);
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int error = argv != NULL ? set_actions(&actions, request, input, out) : ENOMEM;

    if (error != 0) {
        free(argv);
        return error;
    }
    set_attributes(&attributes);
    if (request->n_argv > 0) {
        memcpy(argv + 1, request->argv, request->n_argv * sizeof *argv);
        error = spawn_words(&child->pid, argv, &actions, &attributes, environment);
    } else {
        error = posix_spawn(&child->pid, SHELL, &actions, &attributes, line, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(argv);
    return error;
}

/* An errno. The child's ends are closed again when it has them, so that end of file arrives. */
static int start(struct child *child, const Muster__Handlers__ExecRequest *request,
                 char *const *environment)
{
    int out[2] = {-1, -1};
    int input = -1;
    int error = 0;

    *child = (struct child){.watch_fd = -1, .streams = {-1, -1}, .kill_ms = INT64_MAX};
    for (int i = 0; i < 2 && error == 0; i++) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) != 0) {
            error = errno;
        } else {
            child->streams[i] = ends[0];
            out[i] = ends[1];
        }
    }
    if (error == 0 && request->input.len > 0) {
        input = make_input(&request->input);
        error = input < 0 ? errno : 0;
    }
    if (error == 0) {
        error = spawn(child, request, environment, input, out);
    }
    if (input >= 0) {
        close(input);
    }
    close_streams(out);
    if (error != 0) {
        close_streams(child->streams);
        return error;
    }
    child->watch_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
    return 0;
}

/* Until the leader is reaped its number is its group's and nobody else's. */
static void signal_group(const struct child *child, int number)
{
    if (!child->is_lost) {
        kill(-child->pid, number);
    }
}

static void stop(struct child *child)
{
    if (!child->is_stopping) {
        child->is_stopping = 1;
        signal_group(child, SIGTERM);
        signal_group(child, SIGCONT); /* a stopped one would not hear it */
        child->kill_ms = now_ms() + GRACE_MS;
    }
}

/* Reads once what is there; the stream is closed at its end. */
static void take_output(struct ms_job *job, struct child *child, int stream)
{
    char buffer[READ_SIZE];
    const ssize_t size = read(child->streams[stream], buffer, sizeof buffer);

    if (size > 0) {
        if (ms_job_write_to(job, stream, buffer, (size_t)size) != 0) {
            child->is_refused = !ms_job_cancelled(job);
            stop(child);
        }
    } else if (size == 0 || errno != EINTR) {
        close(child->streams[stream]);
        child->streams[stream] = -1;
    }
}

static void look_for_end(struct child *child)
{
    siginfo_t info = {0};
    /* Left as a zombie: its number must stay taken for as long as its group may have to be killed. */
    const int error = waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT | WNOHANG);

    child->is_lost = error != 0 && errno == ECHILD;
    if (child->is_lost || info.si_pid == child->pid) {
        child->has_ended = 1;
        if (child->kill_ms == INT64_MAX) {
            child->kill_ms = now_ms() + GRACE_MS;
        }
    }
}

static int has_output(const struct child *child)
{
    return child->streams[0] >= 0 || child->streams[1] >= 0;
}

static int poll_timeout(const struct child *child, int is_blind)
{
    int64_t timeout = -1;

    if (child->kill_ms != INT64_MAX) {
        const int64_t left = child->kill_ms - now_ms();

        timeout = left > 0 ? left : 0;
    }
    if (is_blind && (timeout < 0 || timeout > BLIND_MS)) {
        timeout = BLIND_MS;
    }
    return (int)timeout;
}

/* Returns when the leader has ended and its output too, or nobody is left to wait for. */
static void attend(struct ms_job *job, struct child *child)
{
    const int cancel_fd = ms_job_cancel_fd(job);

    while (!child->has_ended || has_output(child)) {
        struct pollfd fds[] = {
            {.fd = child->is_stopping ? -1 : cancel_fd, .events = POLLIN},
            {.fd = child->has_ended ? -1 : child->watch_fd, .events = POLLIN},
            {.fd = child->streams[0], .events = POLLIN},
            {.fd = child->streams[1], .events = POLLIN},
        };
        const int is_blind = cancel_fd < 0 || child->watch_fd < 0;
        const int ready = poll(fds, sizeof fds / sizeof fds[0], poll_timeout(child, is_blind));

        for (int stream = 0; stream < 2 && ready > 0; stream++) {
            if (fds[2 + stream].revents != 0) {
                take_output(job, child, stream);
            }
        }
        if (!child->has_ended && (fds[1].revents != 0 || is_blind)) {
            look_for_end(child);
        }
        if (ms_job_cancelled(job)) {
            stop(child);
        }
        if (child->kill_ms != INT64_MAX && now_ms() >= child->kill_ms) {
            signal_group(child, SIGKILL);
            child->kill_ms = INT64_MAX;
            if (child->has_ended) {
                return; /* who still holds the output has left the group */
            }
        }
    }
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* Kills whoever is left of the group, reaps the leader and tells the host. Returns the outcome. */
static int conclude(struct ms_job *job, struct child *child, int is_shell)
{
    struct rusage usage = {0};
    struct ms_job_exit how = {0};
    int status = 0;

    signal_group(child, SIGKILL);
    while (!child->is_lost && wait4(child->pid, &status, 0, &usage) < 0) {
        child->is_lost = errno != EINTR;
    }
    if (child->is_lost) {
        set_detail(job, "how it ended is unknown: the slave's process reaps all its children");
        return MS_RETRY;
    }
    how.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    how.signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0;
    how.user_us = microseconds(usage.ru_utime);
    how.system_us = microseconds(usage.ru_stime);
    how.rss_kib = (uint64_t)usage.ru_maxrss;
    ms_job_set_exit(job, &how);
    if (child->is_refused) {
        set_detail(job, "killed: its output was more than the slave keeps");
        return MS_FAIL;
    }
    if (child->is_stopping) {
        return MS_CANCELLED;
    }
    if (how.signal != 0) {
        const char *name = sigabbrev_np((int)how.signal);

        set_detail(job, "signal %u (SIG%s)", how.signal, name != NULL ? name : "?");
        return MS_RETRY;
    }
    if (how.code == 0) {
        return MS_OK;
    }
    if (is_shell && (how.code == CODE_NOT_FOUND || how.code == CODE_NOT_RUNNABLE)) {
        set_detail(job, "exit %d (the shell could not run a command)", (int)how.code);
        return MS_FAIL;
    }
    set_detail(job, "exit %d", (int)how.code);
    return MS_RETRY;
}

/* The program did not start. Lack of something passes, a wrong name does not. */
static int explain(struct ms_job *job, const Muster__Handlers__ExecRequest *request, int error)
{
    const char *name = request->n_argv > 0 ? request->argv[0] : SHELL;

    if (error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE) {
        set_detail(job, "cannot start a process now: %s", strerror(error));
        return MS_RETRY;
    }
    if (request->directory[0] != '\0' && access(request->directory, X_OK) != 0) {
        set_code(job, CODE_NOT_RUNNABLE);
        set_detail(job, "cannot run in %s: %s", request->directory, strerror(errno));
        return MS_FAIL;
    }
    set_code(job, error == ENOENT ? CODE_NOT_FOUND : CODE_NOT_RUNNABLE);
    set_detail(job, "%s: %s", name, error == ENOENT ? "not found" : strerror(error));
    return MS_FAIL;
}

static int run_request(struct ms_job *job, const Muster__Handlers__ExecRequest *request)
{
    char own[OWN_COUNT][128];
    struct child child;
    char **environment = make_environment(job, request, own);

    if (environment == NULL) {
        set_detail(job, "out of memory");
        return MS_RETRY;
    }
    const int error = start(&child, request, environment);

    free(environment);
    if (error != 0) {
        return explain(job, request, error);
    }
    attend(job, &child);

    const int outcome = conclude(job, &child, request->n_argv == 0);

    close_streams(child.streams);
    if (child.watch_fd >= 0) {
        close(child.watch_fd);
    }
    return outcome;
}

static int run(struct ms_job *job, void *state)
{
    struct budget budget = {UNPACK_FACTOR * job->payload_size + UNPACK_SLACK};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
    Muster__Handlers__ExecRequest *request =
        muster__handlers__exec_request__unpack(&allocator, job->payload_size, job->payload);

    (void)state;
    if (request == NULL) {
        set_detail(job, "the payload is no ExecRequest, or one of far too many words");
        return MS_FAIL;
    }
    const char *mistake = find_mistake(request);
    int outcome = MS_FAIL;

    if (mistake != NULL) {
        ms_job_set_detail(job, mistake);
    } else {
        outcome = run_request(job, request);
    }
    muster__handlers__exec_request__free_unpacked(request, &allocator);
    return outcome;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "exec",
    .about = "runs a program or a line of shell",
    .flags = MS_HANDLER_RUNS_ANYTHING,
    .run = run,
};
