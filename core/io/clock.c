#include "core/io/clock.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#include "core/invariant.h"

static ms_time read_clock(clockid_t clock)
{
    struct timespec now;

    ms_assert(clock_gettime(clock, &now) == 0);
    return now.tv_sec * MS_SEC + now.tv_nsec / 1000;
}

ms_time ms_clock_now(void)
{
    return read_clock(CLOCK_BOOTTIME);
}

int64_t ms_clock_wall_offset(void)
{
    struct timespec wall;

    clock_gettime(CLOCK_REALTIME, &wall);
    return (int64_t)wall.tv_sec * MS_SEC + wall.tv_nsec / 1000 - ms_clock_now();
}

int64_t ms_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME) / MS_SEC;
}

ms_time ms_clock_cpu(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void ms_clock_print(char text_out[MS_RFC3339_SIZE])
{
    ms_time now = read_clock(CLOCK_REALTIME);
    time_t seconds = (time_t)(now / MS_SEC);
    struct tm parts;
    size_t length;

    gmtime_r(&seconds, &parts);
    length = strftime(text_out, MS_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &parts);
    if (length == 0) { /* a year of five digits */
        text_out[0] = '\0';
        return;
    }
    snprintf(text_out + length, MS_RFC3339_SIZE - length, ".%03uZ",
             (unsigned)(now / MS_MSEC % 1000) % 1000u);
}

/* The kernel has bytes from early boot on and short requests are never cut, so failing is a defect
 * of the system we cannot run without: tokens would be guessable. */
static void ask_kernel(void *out, size_t size)
{
    uint8_t *bytes = out;

    while (size > 0) {
        ssize_t got = getrandom(bytes, size, 0);

        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
        }
    }
}

void ms_entropy_fill(struct ms_entropy *entropy, void *out, size_t size)
{
    ms_assert(size <= sizeof entropy->bytes);
    if (entropy->left < size) {
        ask_kernel(entropy->bytes, sizeof entropy->bytes);
        entropy->left = sizeof entropy->bytes;
    }
    entropy->left = (uint16_t)(entropy->left - size);
    memcpy(out, entropy->bytes + entropy->left, size);
    /* What was given out may name a session: it is not kept. */
    memset(entropy->bytes + entropy->left, 0, size);
}

struct ms_uuid ms_entropy_uuid(struct ms_entropy *entropy)
{
    struct ms_uuid uuid;

    ms_entropy_fill(entropy, &uuid, sizeof uuid);
    return uuid;
}

uint64_t ms_entropy_seed(void)
{
    uint64_t seed;

    ask_kernel(&seed, sizeof seed);
    return seed;
}
