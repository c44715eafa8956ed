/* bounce COUNT SIZE: one round trip over a TCP connection of the loopback interface: SIZE bytes to another process, which
 * sends them back, COUNT times. The two run on processors 0 and 1 where there are two. Prints p50 and p99 in
 * microseconds as JSON. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE_MAX_BYTES 65536
#define WARM_UP        100

static char bytes[SIZE_MAX_BYTES];

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void stay_on(int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

static void be_quick(int fd)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* False at the end of the connection. */
static int get(int fd, size_t size)
{
    for (size_t got = 0; got < size;) {
        ssize_t more = read(fd, bytes + got, size - got);

        if (more <= 0) {
            return 0;
        }
        got += (size_t)more;
    }
    return 1;
}

static void put(int fd, size_t size)
{
    if (write(fd, bytes, size) != (ssize_t)size) {
        fail("write");
    }
}

static _Noreturn void answer(int listener, size_t size)
{
    int fd = accept(listener, NULL, NULL);

    stay_on(0);
    be_quick(fd);
    while (get(fd, size)) {
        put(fd, size);
    }
    _exit(0);
}

/* A connection to a child that sends everything back. */
static int begin(size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);

    if (listener < 0 || fd < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        fail("listen");
    }
    if (fork() == 0) {
        close(fd);
        answer(listener, size);
    }
    if (connect(fd, (struct sockaddr *)&address, length) != 0) {
        fail("connect");
    }
    close(listener);
    stay_on(1);
    be_quick(fd);
    return fd;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int fd, count = argc == 3 ? (int)strtol(argv[1], NULL, 10) : 0;
    size_t size = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    double *times_us;

    if (count < 1 || size < 1 || size > SIZE_MAX_BYTES ||
        (times_us = calloc((size_t)count, sizeof *times_us)) == NULL) {
        fprintf(stderr, "use: bounce COUNT SIZE\n");
        return 64;
    }
    fd = begin(size);
    for (int i = -WARM_UP; i < count; i++) {
        double begun = now_us();

        put(fd, size);
        if (!get(fd, size)) {
            fail("read");
        }
        if (i >= 0) {
            times_us[i] = now_us() - begun;
        }
    }
    close(fd);
    wait(NULL);
    qsort(times_us, (size_t)count, sizeof *times_us, compare);
    printf("{\"p50_us\":%.2f,\"p99_us\":%.2f}\n", times_us[count / 2],
           times_us[(int)(count * 0.99)]);
    free(times_us);
    return 0;
}
