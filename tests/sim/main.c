/* ms-sim: masters, slaves and clients in one thread, in virtual time, with everything going wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "tests/sim/report.h"
#include "tests/sim/scenarios.h"
#include "tests/sim/world.h"

struct arguments {
    uint64_t first, last, steps;
    bool wants_stats;
    bool wants_scenarios;
    bool wants_coverage;
    enum sim_kind kind;
    const char *scenario;
    struct sim_options options;
};

static _Noreturn void usage(const char *complaint)
{
    fprintf(stderr,
            "ms-sim: %s\n"
            "usage: ms-sim [--seed N] [--seeds FROM..TO] [--steps N] [--stats] [--coverage] "
            "[--trace] [--tail]\n"
            "              [--pair] [--short] [--merge] [--scenario NAME] [--scenarios]\n"
            "  --seed N         one seed; prints the digest of all effects\n"
            "  --seeds A..B     all of them, until one fails\n"
            "  --pair           with a pair of masters, and witnesses\n"
            "  --short          of a pair: small worlds, and one or two faults in each\n"
            "  --merge          of a pair: torn apart, and merged, again and again\n"
            "  --steps N        engine steps with faults, before they stop (default %d, short ones "
            "%d, merging ones %d)\n"
            "  --stats          counts of what happened\n"
            "  --coverage       fail unless everything happened that should\n"
            "  --trace          print every event and effect\n"
            "  --tail           keep the last lines for the report of a failure\n"
            "  --scenario NAME  one named situation; --scenarios: all, with their stories\n",
            complaint, SIM_STEPS_DEFAULT, SIM_STEPS_SHORT, SIM_STEPS_MERGE);
    exit(EX_USAGE);
}

static uint64_t number(const char *text, char **end)
{
    errno = 0;
    const unsigned long long value = text == NULL ? 0 : strtoull(text, end, 10);

    if (text == NULL || *end == text || errno != 0) {
        usage("a number is missing or wrong");
    }
    return value;
}

static uint64_t whole_number(const char *text)
{
    char *end = NULL;
    const uint64_t value = number(text, &end);

    if (*end != '\0') {
        usage("a number is wrong");
    }
    return value;
}

static void parse_range(struct arguments *arguments, const char *text)
{
    char *end = NULL;

    arguments->first = number(text, &end);
    if (strncmp(end, "..", 2) != 0) {
        usage("--seeds wants FROM..TO");
    }
    arguments->last = whole_number(end + 2);
    if (arguments->last < arguments->first) {
        usage("--seeds wants FROM..TO");
    }
}

static bool parse_kind(struct arguments *arguments, const char *text)
{
    for (enum sim_kind kind = SIM_KIND_PAIR; kind < SIM_KINDS_COUNT; kind++) {
        if (strcmp(text, sim_kind_option(kind)) == 0) {
            arguments->kind = kind;
            return true;
        }
    }
    return false;
}

static void parse(struct arguments *arguments, char **argv)
{
    *arguments = (struct arguments){.first = 1, .last = 100};
    for (char **at = argv + 1; *at != NULL; at++) {
        if (strcmp(*at, "--seed") == 0) {
            arguments->first = arguments->last = whole_number(*++at);
        } else if (strcmp(*at, "--seeds") == 0) {
            parse_range(arguments, *++at);
        } else if (strcmp(*at, "--steps") == 0) {
            arguments->steps = whole_number(*++at);
        } else if (strcmp(*at, "--stats") == 0) {
            arguments->wants_stats = true;
        } else if (strcmp(*at, "--coverage") == 0) {
            arguments->wants_coverage = true;
        } else if (strcmp(*at, "--trace") == 0) {
            arguments->options.is_tracing = arguments->options.is_loud = true;
        } else if (strcmp(*at, "--tail") == 0) {
            arguments->options.is_tracing = true;
        } else if (parse_kind(arguments, *at)) {
            continue;
        } else if (strcmp(*at, "--scenarios") == 0) {
            arguments->wants_scenarios = true;
        } else if (strcmp(*at, "--scenario") == 0 && at[1] != NULL) {
            arguments->scenario = *++at;
        } else {
            usage("unknown option, or one that wants a value");
        }
        if (*at == NULL) {
            usage("an option wants a value");
        }
    }
    if (arguments->steps == 0) {
        arguments->steps = sim_kind_steps(arguments->kind);
    }
}

static int run_scenarios(const struct arguments *arguments)
{
    const struct sim_scenario *scenario;
    bool are_good = true;

    for (uint32_t i = 0; (scenario = sim_scenario_at(i)) != NULL; i++) {
        if (arguments->scenario != NULL && strcmp(arguments->scenario, scenario->name) != 0) {
            continue;
        }
        const bool is_good = sim_scenario_run(scenario, &arguments->options);

        printf("%-6s %s: %s\n", is_good ? "ok" : "FAILED", scenario->name, scenario->story);
        are_good = are_good && is_good;
    }
    if (arguments->scenario != NULL && sim_scenario_find(arguments->scenario) == NULL) {
        usage("no scenario of that name; see --scenarios");
    }
    return are_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_seeds(const struct arguments *arguments)
{
    struct sim_stats stats = {.counts = {0}};
    struct timespec from, to;
    uint64_t digest = 0;

    clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t seed = arguments->first; seed <= arguments->last; seed++) {
        struct sim_config config;

        sim_config_draw_kind(&config, arguments->kind, seed, arguments->steps);
        digest = digest * 31 + sim_world_run(&config, &arguments->options, &stats);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    const double seconds =
        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;

    printf("seeds %llu..%llu ok, digest %016llx\n", (unsigned long long)arguments->first,
           (unsigned long long)arguments->last, (unsigned long long)digest);
    fprintf(stderr, "%.1f s, %.0f steps/s\n", seconds,
            (double)stats.counts[SIM_STAT_STEPS] / seconds);
    if (arguments->wants_stats) {
        sim_stats_print(&stats, stdout);
    }
    if (arguments->wants_coverage && !sim_stats_are_full(&stats, arguments->kind, stderr)) {
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct arguments arguments;

    (void)argc;
    parse(&arguments, argv);
    sim_report_install(argv);
    if (arguments.wants_scenarios || arguments.scenario != NULL) {
        return run_scenarios(&arguments);
    }
    return run_seeds(&arguments);
}
