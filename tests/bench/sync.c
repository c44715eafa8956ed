/* sync DIR COUNT: what the disk alone asks for a promise: 512 bytes written over what is already in a
 * file, and fdatasync, COUNT times. Prints p50 and p99 in microseconds as JSON. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIECE_SIZE   512
#define PIECES_COUNT 4096
#define WARM_UP      20

static char piece[PIECE_SIZE];

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

static void write_piece(int fd, int number)
{
    memset(piece, 'a' + number % 26, sizeof piece);
    if (pwrite(fd, piece, sizeof piece, (off_t)(number % PIECES_COUNT) * PIECE_SIZE) !=
        (ssize_t)sizeof piece) {
        fail("write");
    }
}

/* A file whose blocks are allocated and written, gone from its folder at once. */
static int open_file(const char *folder)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/sync-XXXXXX", folder);
    fd = mkstemp(path);
    if (fd < 0 || unlink(path) != 0) {
        fail(path);
    }
    for (int i = 0; i < PIECES_COUNT; i++) {
        write_piece(fd, i);
    }
    if (fsync(fd) != 0) {
        fail("fsync");
    }
    return fd;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int fd, count = argc == 3 ? (int)strtol(argv[2], NULL, 10) : 0;
    double *times_us;

    if (count < 1 || (times_us = calloc((size_t)count, sizeof *times_us)) == NULL) {
        fprintf(stderr, "use: sync DIR COUNT\n");
        return 64;
    }
    fd = open_file(argv[1]);
    for (int i = -WARM_UP; i < count; i++) {
        double begun = now_us();

        write_piece(fd, i + WARM_UP);
        if (fdatasync(fd) != 0) {
            fail("fdatasync");
        }
        if (i >= 0) {
            times_us[i] = now_us() - begun;
        }
    }
    qsort(times_us, (size_t)count, sizeof *times_us, compare);
    printf("{\"p50_us\":%.2f,\"p99_us\":%.2f}\n", times_us[count / 2],
           times_us[(int)(count * 0.99)]);
    free(times_us);
    close(fd);
    return 0;
}
