#include "tests/sim/report.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/scenarios.h"
#include "tests/sim/world.h"

#define ARGUMENT_MAX  64
#define LINES_PRINTED 60

/* Asked by the sanitizers: their findings end like assertions, so that aborted() sees them. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

/* Most allocations are of runs that find nothing; the run that tells of one that does wants whole stacks. */
const char *__asan_default_options(void)
{
    return "abort_on_error=1:malloc_context_size=1";
}

const char *__ubsan_default_options(void)
{
    return "abort_on_error=1:print_stacktrace=1";
}

static struct sim_world *current;
static char **program;

static void print_replay(void)
{
    const struct sim_world *world = current;

    fprintf(stderr, "  virtual time: %.6f s, step %llu%s\n", (double)world->now / MS_SEC,
            (unsigned long long)world->steps, world->is_healing ? ", faults are over" : "");
    if (world->scenario != NULL) {
        fprintf(stderr, "  replay: %s --scenario %s --trace\n  ", program[0],
                world->scenario->name);
    } else {
        fprintf(stderr, "  replay: %s %s --seed %llu --steps %llu --trace\n  ", program[0],
                sim_kind_option(world->config.kind), (unsigned long long)world->config.seed,
                sim_config_steps(&world->config));
    }
    sim_config_print(&world->config, stderr);
}

static void print_tail(void)
{
    const struct sim_world *world = current;
    const uint32_t first = world->tail_at > LINES_PRINTED ? world->tail_at - LINES_PRINTED : 0;

    fprintf(stderr, "last lines:\n");
    for (uint32_t i = first; i < world->tail_at; i++) {
        fprintf(stderr, "%s\n", world->tail[i % SIM_TAIL_LINES]);
    }
}

/* Runs the seed once more with its lines kept, because keeping them always would cost most of the
 * time of all the seeds that pass. */
static void run_again(void)
{
    static char seed[ARGUMENT_MAX], steps[ARGUMENT_MAX];
    static char seed_option[] = "--seed", steps_option[] = "--steps", tail_option[] = "--tail",
                scenario_option[] = "--scenario", kind_option[ARGUMENT_MAX];
    char *arguments[] = {program[0], seed_option, seed, steps_option,
                         steps,      tail_option, NULL, NULL};
    sigset_t none;

    snprintf(seed, sizeof seed, "%llu", (unsigned long long)current->config.seed);
    snprintf(steps, sizeof steps, "%llu", sim_config_steps(&current->config));
    snprintf(kind_option, sizeof kind_option, "%s", sim_kind_option(current->config.kind));
    if (current->config.kind != SIM_KIND_SINGLE && current->scenario == NULL) {
        arguments[6] = kind_option;
    }
    if (current->scenario != NULL) {
        arguments[1] = scenario_option;
        snprintf(seed, sizeof seed, "%s", current->scenario->name);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setenv("ASAN_OPTIONS", "malloc_context_size=30", 0);
    fflush(NULL);
    execv("/proc/self/exe", arguments);
}

static void stopped(void)
{
    if (current == NULL) {
        return;
    }
    if (!current->is_tracing) {
        run_again();
    }
    fprintf(stderr, "ms-sim: FAILED seed %llu\n", (unsigned long long)current->config.seed);
    print_replay();
    print_tail();
    fflush(NULL);
    current = NULL;
}

static void aborted(int number)
{
    (void)number;
    stopped();
    _exit(EXIT_FAILURE);
}

_Noreturn void sim_fail(struct sim_world *world, const char *invariant, const char *format, ...)
{
    va_list arguments;

    if (!world->is_tracing) {
        run_again();
    }
    fprintf(stderr, "ms-sim: FAILED seed %llu\n  invariant: %s\n  ",
            (unsigned long long)world->config.seed, invariant);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    print_replay();
    print_tail();
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

void sim_report_install(char **arguments)
{
    program = arguments;
    sigaction(SIGABRT, &(struct sigaction){.sa_handler = aborted}, NULL);
}

void sim_report_begin(struct sim_world *world)
{
    current = world;
}

void sim_report_end(void)
{
    current = NULL;
}
