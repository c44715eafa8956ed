/* spawn AT_A_TIME COUNT: runs `true` COUNT times, so many at a time: bare fork + exec + wait. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(void)
{
    char *arguments[] = {"true", NULL};
    const pid_t pid = fork();

    if (pid == 0) {
        execvp(arguments[0], arguments);
        _exit(127);
    }
    if (pid < 0) {
        perror("fork");
        exit(2);
    }
}

/* Waits for one of them, which must have gone well. */
static void finish(void)
{
    int status;

    if (wait(&status) < 0 || status != 0) {
        fprintf(stderr, "spawn: a command failed\n");
        exit(3);
    }
}

int main(int argc, char **argv)
{
    long at_a_time, count, running = 0;

    if (argc != 3) {
        fprintf(stderr, "use: spawn AT_A_TIME COUNT\n");
        return 64;
    }
    at_a_time = strtol(argv[1], NULL, 10);
    count = strtol(argv[2], NULL, 10);
    while (count > 0 || running > 0) {
        if (count > 0 && running < at_a_time) {
            start();
            count--;
            running++;
        } else {
            finish();
            running--;
        }
    }
    return 0;
}
