#include "core/io/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXEC_FAILED 127

bool ms_child_find(const char *name, char path_out[MS_CHILD_PATH_SIZE])
{
    static const char *const places[] = {"", "../sbin/", "../bin/"};
    char self[MS_CHILD_PATH_SIZE];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0) {
        return false;
    }
    self[length] = '\0';
    strrchr(self, '/')[1] = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const int size = snprintf(path_out, MS_CHILD_PATH_SIZE, "%s%s%s", self, places[i], name);

        if (size > 0 && size < MS_CHILD_PATH_SIZE && access(path_out, X_OK) == 0) {
            return true;
        }
    }
    return false;
}

/* In the child. A loop has handlers and masks of its own, which a program must not begin with. */
static void become(char *const *argv, enum ms_child_kind kind, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++) {
        /* Fails for those that have no choice. */
        sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (kind == MS_CHILD_OWN) {
        /* Ctrl-C is for us to hear; and no member outlives us, whatever ends us. */
        setpgid(0, 0);
        if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent) {
            _exit(EXEC_FAILED);
        }
        execv(argv[0], argv);
    } else {
        execvp(argv[0], argv);
    }
}

pid_t ms_child_start(char *const *argv, enum ms_child_kind kind)
{
    const pid_t parent = getpid();
    int ends[2];
    int error = 0;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    const pid_t pid = fork();

    if (pid == 0) {
        become(argv, kind, parent);
        error = errno;
        (void)!write(ends[1], &error, sizeof error);
        _exit(EXEC_FAILED);
    }
    error = errno;
    close(ends[1]);
    /* The pipe closes when the program was executed, and speaks when it was not. */
    if (pid > 0 && read(ends[0], &error, sizeof error) == (ssize_t)sizeof error) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        close(ends[0]);
        errno = error;
        return -1;
    }
    close(ends[0]);
    errno = error;
    return pid;
}

void ms_child_describe(int status, char *text_out, size_t size)
{
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));

        snprintf(text_out, size, "signal %d (%s)", WTERMSIG(status), name != NULL ? name : "?");
    } else {
        snprintf(text_out, size, "exit status %d", WEXITSTATUS(status));
    }
}
