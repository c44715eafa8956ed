/* Figures of processes and of the machine, from /proc and the CPU clocks. */
#define _GNU_SOURCE
#include "tests/bench/load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double clock_s(clockid_t clock)
{
    struct timespec time;

    return clock_gettime(clock, &time) != 0 ? 0 : (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double own_cpu_s(void)
{
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

/* Fills numbers with what stands at `at`, up to count of them. */
static void read_numbers(const char *at, unsigned long *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        char *end;

        numbers[i] = strtoul(at, &end, 10);
        at = end;
    }
}

/* Of what stands behind the name in /proc/PID/stat: the state, ten numbers, user, system. */
#define STAT_NUMBERS 12

double process_cpu_s(int pid, double *system_out)
{
    unsigned long numbers[STAT_NUMBERS] = {0};
    char path[64], text[1024], *name_end;
    clockid_t clock;
    FILE *file;

    *system_out = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = pid > 0 ? fopen(path, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    name_end = strrchr(text, ')');
    if (name_end != NULL) {
        read_numbers(name_end + sizeof ") S" - 1, numbers, STAT_NUMBERS);
        *system_out = (double)numbers[STAT_NUMBERS - 1] / (double)sysconf(_SC_CLK_TCK);
    }
    return clock_getcpuclockid(pid, &clock) != 0 ? 0 : clock_s(clock);
}

static long status_number(int pid, const char *format)
{
    char path[64], line[256];
    long number = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    file = pid > 0 ? fopen(path, "r") : NULL;
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        size_t name = strcspn(format, ":");

        if (strncmp(line, format, name + 1) == 0) {
            number = strtol(line + name + 1, NULL, 10);
            break;
        }
    }
    fclose(file);
    return number;
}

long process_rss_kib(int pid)
{
    return status_number(pid, "VmRSS:");
}

long process_anon_kib(int pid)
{
    return status_number(pid, "RssAnon:");
}

int process_threads(int pid)
{
    return (int)status_number(pid, "Threads:");
}

/* Seconds stolen by the host since boot; used by anybody on this machine. */
double machine_steal_s(double *busy_out)
{
    unsigned long v[8] = {0}; /* user, nice, system, idle, iowait, irq, softirq, steal */
    double hz = (double)sysconf(_SC_CLK_TCK);
    char line[512];
    FILE *file = fopen("/proc/stat", "r");

    if (file != NULL) {
        if (fgets(line, sizeof line, file) != NULL && strncmp(line, "cpu ", 4) == 0) {
            read_numbers(line + 4, v, 8);
        }
        fclose(file);
    }
    *busy_out = (double)(v[0] + v[1] + v[2] + v[5] + v[6]) / hz;
    return (double)v[7] / hz;
}
