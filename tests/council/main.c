/* ms-council-sim --seeds A..B [--stats] [--coverage] [--trace]: one after the other, until one fails. --storm-only: without
 * the good end. --same-identity: a fault, wiped masters keep their names. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "tests/council/hall.h"

static const char *const names[HALL_STATS] = {
    [HALL_STAT_STEPS] = "steps",
    [HALL_STAT_SERVED] = "epochs served",
    [HALL_STAT_SOLO] = "SOLO",
    [HALL_STAT_INCUMBENT] = "INCUMBENT",
    [HALL_STAT_JOIN] = "JOIN",
    [HALL_STAT_ADMIT] = "ADMIT",
    [HALL_STAT_HANDOVER] = "HANDOVER",
    [HALL_STAT_CONSENT] = "CONSENT",
    [HALL_STAT_FORCED] = "FORCED",
    [HALL_STAT_BOOTSTRAP] = "BOOTSTRAP",
    [HALL_STAT_RESUMED] = "gone on in the same epoch",
    [HALL_STAT_ACKED] = "acknowledged",
    [HALL_STAT_ACKED_TWICE] = "acknowledged with two copies",
    [HALL_STAT_CRASHES] = "crashes",
    [HALL_STAT_CRASHES_WRITING] = "crashes while a record was written",
    [HALL_STAT_WIPES] = "disks lost",
    [HALL_STAT_PUT_BACK] = "directories put back",
    [HALL_STAT_RENEWED] = "old copies that began anew",
    [HALL_STAT_STALLS] = "stalls",
    [HALL_STAT_CUTS] = "directions cut",
    [HALL_STAT_COPIES] = "copies of a log",
    [HALL_STAT_RESUMES] = "logs gone on with",
    [HALL_STAT_EXPELLED] = "peers that left S for a copy",
    [HALL_STAT_LISTS] = "lists of witnesses changed",
    [HALL_STAT_AGAIN] = "witnesses enrolled again",
    [HALL_STAT_OPERATOR] = "operators called",
    [HALL_STAT_KILLED] = "killed for good",
    [HALL_STAT_SHOWN] = "made-up epochs shown",
    [HALL_STAT_PLAN_MUTE] = "plans: asked, and not heard again",
    [HALL_STAT_PLAN_LISTS] = "plans: one half knows the new list alone",
    [HALL_STAT_PLAN_FORGET] = "plans: has taken over and forgotten it",
    [HALL_STAT_PLAN_FORGET_LIST] = "plans: the same in a change of the list",
    [HALL_STAT_PLAN_UNASKED] = "plans: JOIN without asking the peer",
    [HALL_STAT_PLAN_LEAP] = "plans: forced, forgotten and forced again",
    [HALL_STAT_PLAN_OUTLIVE] = "plans: an old copy hears late that it is one",
    [HALL_STAT_PLAN_MOMENT] = "plans: in the midst of a moment",
};

static volatile uint64_t current;

static void report(int number)
{
    char line[64];
    const int size = snprintf(line, sizeof line, "ms-council-sim: seed %llu: aborted\n",
                              (unsigned long long)current);

    if (write(STDERR_FILENO, line, (size_t)size) < 0) {
        _exit(EX_IOERR);
    }
    (void)number;
    _exit(EX_SOFTWARE); /* a planted fault is found by what was said */
}

static _Noreturn void usage(void)
{
    fputs("usage: ms-council-sim --seeds FROM..TO | --seed N [--stats] [--coverage] [--trace]\n",
          stderr);
    exit(EX_USAGE);
}

struct arguments {
    uint64_t first, last;
    bool wants_stats, wants_coverage, is_loud;
};

static void parse(struct arguments *arguments, char **argv)
{
    *arguments = (struct arguments){.first = 1, .last = 100};
    for (char **at = argv + 1; *at != NULL; at++) {
        char *end = NULL;

        if (strcmp(*at, "--stats") == 0) {
            arguments->wants_stats = true;
        } else if (strcmp(*at, "--coverage") == 0) {
            arguments->wants_coverage = true;
        } else if (strcmp(*at, "--same-identity") == 0) {
            hall_keeps_identity = true;
        } else if (strcmp(*at, "--storm-only") == 0) {
            hall_is_storm_only = true;
        } else if (strcmp(*at, "--trace") == 0) {
            arguments->is_loud = true;
        } else if (strcmp(*at, "--seed") == 0 && at[1] != NULL) {
            arguments->first = arguments->last = strtoull(*++at, &end, 10);
        } else if (strcmp(*at, "--seeds") == 0 && at[1] != NULL) {
            arguments->first = strtoull(*++at, &end, 10);
            if (strncmp(end, "..", 2) != 0) {
                usage();
            }
            arguments->last = strtoull(end + 2, &end, 10);
        } else {
            usage();
        }
        if (end != NULL && *end != '\0') {
            usage();
        }
    }
}

/* Only a directory that was set back unnoticed can take it (docs/testing.md). */
static bool is_excused(const struct ms_council_row *row)
{
    return row->from == MS_COUNCIL_CANDIDATE && row->event == MS_COUNCIL_IN_SYNC;
}

/* What must have happened in many seeds, or they prove nothing. */
static bool is_covered(void)
{
    bool is_all = true;

    for (int i = 0; i < HALL_STATS; i++) {
        if (hall_stats[i] == 0) {
            fprintf(stderr, "never happened: %s\n", names[i]);
            is_all = false;
        }
    }
    return council_rows_are_all(&hall_rows, is_excused, stderr) && is_all;
}

int main(int argc, char **argv)
{
    struct hall *hall = calloc(1, sizeof *hall);
    struct arguments arguments;
    struct timespec from, to;
    uint64_t digest = 0;

    (void)argc;
    parse(&arguments, argv);
    if (hall == NULL) {
        return EX_OSERR;
    }
    sigaction(SIGABRT, &(struct sigaction){.sa_handler = report}, NULL);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (current = arguments.first; current <= arguments.last; current++) {
        digest = digest * 31 + hall_run(hall, current, arguments.is_loud);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    free(hall);
    printf("seeds %llu..%llu ok, digest %016llx\n", (unsigned long long)arguments.first,
           (unsigned long long)arguments.last, (unsigned long long)digest);
    fprintf(stderr, "%.1f s\n",
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    for (int i = 0; arguments.wants_stats && i < HALL_STATS; i++) {
        printf("%12llu %s\n", (unsigned long long)hall_stats[i], names[i]);
    }
    if (arguments.wants_stats) {
        council_rows_print(&hall_rows, stdout);
    }
    return !arguments.wants_coverage || is_covered() ? EXIT_SUCCESS : EXIT_FAILURE;
}
