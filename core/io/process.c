#include "core/io/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/invariant.h"

#define READ_SIZE 4096
#define READS_MAX 32 /* at a time: a process that prints without end does not hold us up */

extern char **environ;

/* A session of its own: what the terminal sends to the slave is for the slave to pass on. Ignored
 * signals stay ignored, as they would in the slave's own threads. */
static int spawn(pid_t *pid_out, char *const *argv, int link_fd, int error_fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) {
        return error;
    }
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
    /* The link last, as its place may be where one of the others is now. */
    error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, error_fd, 1);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(&actions, error_fd, 2);
    error = error != 0 ? error
                       : posix_spawn_file_actions_adddup2(&actions, link_fd, MS_PROCESS_LINK_FD);
    if (error == 0) {
        error = posix_spawn(pid_out, "/proc/self/exe", &actions, &attributes, argv, environ);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

int ms_process_spawn(struct ms_process *process, char *const *argv, int *link_fd_out)
{
    int ends[2];
    int errors[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno;
    }
    if (pipe2(errors, O_CLOEXEC) != 0) {
        const int error = errno;

        close(ends[0]);
        close(ends[1]);
        return error;
    }
    *process = (struct ms_process){.watch_fd = -1, .error_fd = -1};
    const int error = spawn(&process->pid, argv, ends[1], errors[1]);

    close(ends[1]);
    close(errors[1]);
    if (error != 0) {
        close(ends[0]);
        close(errors[0]);
        return error;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(errors[0], F_SETFL, O_NONBLOCK);
    process->error_fd = errors[0];
    process->watch_fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    *link_fd_out = ends[0];
    return 0;
}

static void keep_tail(struct ms_process *process, const char *bytes, size_t size)
{
    const size_t added = size < MS_PROCESS_TAIL_MAX ? size : MS_PROCESS_TAIL_MAX;
    const size_t room = MS_PROCESS_TAIL_MAX - added;
    const size_t kept = process->tail_size < room ? process->tail_size : room;

    memmove(process->tail, process->tail + process->tail_size - kept, kept);
    memcpy(process->tail + kept, bytes + size - added, added);
    process->tail_size = kept + added;
    ms_assert(process->tail_size <= MS_PROCESS_TAIL_MAX);
}

bool ms_process_listen(struct ms_process *process)
{
    char bytes[READ_SIZE];

    for (int i = 0; i < READS_MAX && process->error_fd >= 0; i++) {
        const ssize_t size = read(process->error_fd, bytes, sizeof bytes);

        if (size < 0) {
            return true;
        }
        if (size == 0) {
            return false;
        }
        (void)!write(STDERR_FILENO, bytes, (size_t)size);
        keep_tail(process, bytes, (size_t)size);
    }
    return process->error_fd >= 0;
}

bool ms_process_has_ended(struct ms_process *process)
{
    int status;

    return waitpid(process->pid, &status, WNOHANG) != 0;
}

int ms_process_end(struct ms_process *process)
{
    int status = 0;

    ms_assert(process->pid > 0);
    kill(process->pid, SIGKILL);
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR) {
    }
    ms_process_listen(process);
    return status;
}

void ms_process_close(struct ms_process *process)
{
    if (process->error_fd >= 0) {
        close(process->error_fd);
    }
    if (process->watch_fd >= 0) {
        close(process->watch_fd);
    }
    process->error_fd = -1;
    process->watch_fd = -1;
}

/* The tail as one line. */
static void add_tail(const struct ms_process *process, struct ms_text *text)
{
    size_t from = 0;
    size_t end = process->tail_size;

    while (end > 0 && process->tail[end - 1] == '\n') {
        end--;
    }
    if (process->tail_size == MS_PROCESS_TAIL_MAX) {
        /* The first line is cut somewhere; it goes, unless it is all there is. */
        const char *line = memchr(process->tail, '\n', end);

        from = line != NULL ? (size_t)(line - process->tail) + 1 : 0;
    }
    if (from < end) {
        ms_text_add(text, ": ");
    }
    for (; from < end; from++) {
        const char c = process->tail[from];

        ms_text_add(text, "%s%c", c == '\n' ? ";" : "", c == '\n' || c == '\0' ? ' ' : c);
    }
}

void ms_process_describe(const struct ms_process *process, int status,
                         struct ms_command *result_out, struct ms_text *text)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));

        result_out->signal = (uint32_t)WTERMSIG(status);
        ms_text_add(text, "signal %u (SIG%s)", result_out->signal, name != NULL ? name : "?");
    } else {
        result_out->code = WEXITSTATUS(status);
        ms_text_add(text, "exit %d", (int)result_out->code);
    }
    add_tail(process, text);
}
