/* spawn AT_A_TIME COUNT: runs `true` COUNT times, so many at a time: bare fork + exec + wait. */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

static void start(void)
{
    char *arguments[] = {"true", NULL};
    pid_t pid;

    if (posix_spawnp(&pid, "true", NULL, NULL, arguments, environ) != 0) {
        perror("spawn");
        exit(2);
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
        } else if (wait(NULL) > 0) {
            running--;
        }
    }
    return 0;
}
