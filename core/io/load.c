#include "core/io/load.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/invariant.h"

#define PATH_SIZE 256
#define TEXT_SIZE 1536 /* the first lines of both files, which is all that is looked at */

/* The beginning of a file; false when it cannot be read. */
static bool slurp(const struct ms_load_meter *meter, const char *name, char text_out[TEXT_SIZE])
{
    char path[PATH_SIZE];
    ssize_t size;
    int fd;

    snprintf(path, sizeof path, "%s/%s", meter->directory, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    size = read(fd, text_out, TEXT_SIZE - 1);
    close(fd);
    text_out[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice": the last two are in the first two. */
static bool read_cpu(const struct ms_load_meter *meter, uint64_t *busy_out, uint64_t *total_out)
{
    enum { IDLE = 3, IOWAIT = 4, FIELDS = 8 };
    char text[TEXT_SIZE];
    uint64_t busy = 0, total = 0;
    char *at;

    if (!slurp(meter, "stat", text) || strncmp(text, "cpu ", 4) != 0) {
        return false;
    }
    at = text + 4;
    for (int i = 0; i < FIELDS; i++) {
        char *end;
        const uint64_t ticks = strtoull(at, &end, 10);

        if (end == at) {
            return false;
        }
        total += ticks;
        busy += i == IDLE || i == IOWAIT ? 0 : ticks;
        at = end;
    }
    *busy_out = busy;
    *total_out = total;
    return true;
}

/* "Name:   123 kB" on a line of its own; 0 when there is none. */
static uint64_t value_of(const char *text, const char *name)
{
    const char *line = strstr(text, name);

    return line != NULL && (line == text || line[-1] == '\n')
               ? strtoull(line + strlen(name), NULL, 10)
               : 0;
}

static uint16_t permille(uint64_t part, uint64_t whole)
{
    ms_assert(whole > 0);
    return (uint16_t)(part < whole ? part * MS_PERMILLE_MAX / whole : MS_PERMILLE_MAX);
}

static uint16_t memory_of(const struct ms_load_meter *meter)
{
    char text[TEXT_SIZE];

    if (!slurp(meter, "meminfo", text)) {
        return MS_PERMILLE_UNKNOWN;
    }
    const uint64_t total = value_of(text, "MemTotal:");
    const uint64_t available = value_of(text, "MemAvailable:");

    if (total == 0 || available == 0 || available > total) {
        return MS_PERMILLE_UNKNOWN;
    }
    return permille(total - available, total);
}

void ms_load_meter_init(struct ms_load_meter *meter, const char *directory)
{
    *meter = (struct ms_load_meter){.directory = directory != NULL ? directory : "/proc"};
    if (!read_cpu(meter, &meter->busy, &meter->total)) {
        meter->total = 0;
    }
}

void ms_load_meter_read(struct ms_load_meter *meter, struct ms_load *load_out)
{
    uint64_t busy = 0, total = 0;

    ms_assert(meter->directory != NULL);
    load_out->cpu = MS_PERMILLE_UNKNOWN;
    load_out->memory = memory_of(meter);
    if (!read_cpu(meter, &busy, &total)) {
        return;
    }
    /* Some of the counters may go back a little, as proc(5) has it. */
    if (meter->total > 0 && total > meter->total) {
        load_out->cpu = permille(busy > meter->busy ? busy - meter->busy : 0, total - meter->total);
    }
    meter->busy = busy;
    meter->total = total;
}
