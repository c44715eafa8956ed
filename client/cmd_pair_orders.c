/* switchover, promote, hold, unhold: what an operator wants of a pair of masters. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_commands.h"
#include "client/cli_pair.h"
#include "core/io/clock.h"

#define ANSWER_TIMEOUT (2 * MS_SEC) /* of one question; --timeout is for all of it */
#define ANSWER_MIN     (500 * MS_MSEC)

struct settings {
    struct ms_cli_pair_options options;
    bool is_forced, is_known;
};

static const struct ms_option wait_table[] = {
    MS_CLI_PAIR_OPTIONS(struct settings, options, "10s", "wait so long until it is done"),
};

static const struct ms_option promote_table[] = {
    {.name = "force",
     .kind = MS_OPTION_BOOL,
     .group = "How",
     .help = "take over without anybody's vote",
     .offset = offsetof(struct settings, is_forced)},
    {.name = "i-know",
     .kind = MS_OPTION_BOOL,
     .help = "with --force: I know that the other master is down, and stays down until it finds "
             "this one",
     .offset = offsetof(struct settings, is_known)},
    MS_CLI_PAIR_OPTIONS(struct settings, options, "10s", "wait so long until it is active"),
};

#define EXIT_HELP                                                                                  \
    "Exit codes: 0 it is done; 69 the master that is meant does not answer, or there is none; 75 " \
    "not\n"                                                                                        \
    "now, because the other one is not in sync; 77 the master refuses; 124 it was not done "       \
    "within\n"                                                                                     \
    "--timeout, and may be done yet.\n\n"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct ms_cli switchover_cli = {
    .program = "muster switchover",
    .summary =
        "Lets the two masters of a pair change roles. Nothing is lost, and nothing is run twice.",
    .epilogue =
        "Waits until the other master is active, and prints how long nobody was.\n\n" EXIT_HELP
        "Examples:\n  muster switchover --master alpha:7400,beta:7400\n",
    .table = wait_table,
    .count = COUNT(wait_table),
};

static const struct ms_cli promote_cli = {
    .program = "muster promote",
    .summary = "Makes the passive master of a pair active, where takeover is left to operators.",
    .epilogue = "It still needs the votes that a takeover needs. With --force it does not: what "
                "the other master\n"
                "acknowledged alone is not there, and if it still runs, both hand out work until "
                "they meet.\n\n" EXIT_HELP "Examples:\n  muster promote --master beta:7400\n"
                "  muster promote --master beta:7400 --force --i-know\n",
    .table = promote_table,
    .count = COUNT(promote_table),
};

static const struct ms_cli hold_cli = {
    .program = "muster hold",
    .summary = "Switches automatic takeover off, in both masters, until muster unhold.",
    .epilogue =
        "For work on the network or on witnesses. muster switchover and promote work all "
        "the same.\n"
        "A master that does not answer is named, and the exit code is 69: it hears of it from the "
        "other one\nwhen it is back.\n",
    .table = wait_table,
    .count = COUNT(wait_table),
};

static const struct ms_cli unhold_cli = {
    .program = "muster unhold",
    .summary = "Switches automatic takeover on again, after muster hold.",
    .epilogue =
        "A master that does not answer is named, and the exit code is 69: it hears of it from the "
        "other one\nwhen it is back.\n",
    .table = wait_table,
    .count = COUNT(wait_table),
};

/* What all of them need. */
struct work {
    const struct ms_cli *cli;
    struct ms_cli_pair pair;
    ms_time over_by;
};

static ms_time rest_of(const struct work *work)
{
    const ms_time left = work->over_by - ms_clock_now();

    if (left < ANSWER_MIN) { /* the last question has a chance, too */
        return ANSWER_MIN;
    }
    return left < ANSWER_TIMEOUT ? left : ANSWER_TIMEOUT;
}

static void ask(struct work *work)
{
    ms_cli_pair_ask(&work->pair, rest_of(work));
}

/* The order; who is patient gives it again while the master cannot carry it out yet. True when it was accepted; explained
 * when not. */
static bool order(struct work *work, struct ms_cli_master *master, enum ms_order what,
                  bool is_patient)
{
    for (;;) {
        ms_cli_pair_order(&work->pair, master, what, rest_of(work));
        if (master->error == MS_E_OK && master->order_error == MS_E_OK) {
            return true;
        }
        if (master->error != MS_E_OK || master->order_error != MS_E_RETRY_LATER || !is_patient ||
            ms_clock_now() >= work->over_by) {
            break;
        }
        ms_cli_pair_pause(&work->pair, MS_CLI_PAIR_POLL);
    }
    ms_cli_say(work->cli, "%s: %s", master->address,
               master->detail[0] != '\0' ? master->detail : ms_error_text(master->order_error));
    return false;
}

static int code_of(const struct ms_cli_master *master)
{
    if (master->is_single) {
        return EX_UNAVAILABLE;
    }
    return ms_cli_exit_code((int)(master->error != MS_E_OK ? master->error : master->order_error));
}

/* One of those that were asked is no half of a pair. */
static bool say_single(const struct work *work)
{
    for (size_t i = 0; i < work->pair.count; i++) {
        if (work->pair.masters[i].is_single) {
            ms_cli_say(work->cli, "%s: %s", work->pair.masters[i].address,
                       work->pair.masters[i].detail);
            return true;
        }
    }
    return false;
}

/* ---- switchover ---- */

static int say_late(const struct work *work)
{
    ms_cli_pair_say_absent(&work->pair);
    ms_cli_say(work->cli, "nobody else is active yet; muster pair tells how it goes on");
    return MS_EX_TIMED_OUT;
}

/* With one address nothing is seen of the other master but that this one follows it. */
static bool has_given_up(const struct work *work, const struct ms_cli_master *former)
{
    return work->pair.count == 1 && strcmp(ms_cli_master_text(former, "role"), "passive") == 0 &&
           strcmp(ms_cli_master_text(former, "state"), "SYNC") == 0;
}

static const struct ms_cli_master *successor_of(const struct work *work,
                                                const struct ms_cli_master *former)
{
    for (size_t i = 0; i < work->pair.count; i++) {
        const struct ms_cli_master *master = &work->pair.masters[i];

        if (master != former && ms_cli_master_serves(master)) {
            return master;
        }
    }
    return NULL;
}

static int await_other(struct work *work, const struct ms_cli_master *former, uint64_t epoch,
                       ms_time begun)
{
    while (ms_clock_now() < work->over_by) {
        ask(work);
        const struct ms_cli_master *active = successor_of(work, former);

        if (active != NULL) {
            printf("%s is active, epoch %" PRIu64 "; nobody was for at most %" PRId64 " ms\n",
                   active->address, ms_cli_master_number(active, "epoch"),
                   (ms_clock_now() - begun + MS_MSEC - 1) / MS_MSEC);
            return EX_OK;
        }
        if (has_given_up(work, former)) {
            printf("%s is passive, and follows the other master in epoch %" PRIu64 "\n",
                   former->address, ms_cli_master_number(former, "epoch"));
            return EX_OK;
        }
        if (ms_cli_master_serves(former) && ms_cli_master_number(former, "epoch") == epoch) {
            ms_cli_say(work->cli, "%s goes on: the other master did not get everything in time",
                       former->address);
            return EX_TEMPFAIL;
        }
        ms_cli_pair_pause(&work->pair, MS_CLI_PAIR_POLL);
    }
    return say_late(work);
}

static int switch_over(struct work *work, const struct settings *settings)
{
    struct ms_cli_master *active;

    ask(work);
    if (say_single(work)) {
        return EX_UNAVAILABLE;
    }
    const size_t actives = ms_cli_pair_serving(&work->pair, &active);

    if (actives != 1) {
        ms_cli_pair_say_absent(&work->pair);
        ms_cli_say(work->cli,
                   actives == 0 ? "none of %s is active"
                                : "more than one of %s is active: see muster pair",
                   settings->options.master);
        return EX_UNAVAILABLE;
    }
    const uint64_t epoch = ms_cli_master_number(active, "epoch");
    const ms_time begun = ms_clock_now();

    /* Who is alone will not be in sync soon. */
    if (!order(work, active, MS_ORDER_SWITCHOVER,
               strcmp(ms_cli_master_text(active, "state"), "PAIR") == 0)) {
        return code_of(active);
    }
    return await_other(work, active, epoch, begun);
}

/* ---- promote ---- */

/* The one that is meant; NULL after it was explained why there is none. */
static struct ms_cli_master *choose(struct work *work, const struct settings *settings)
{
    struct ms_cli_master *active, *chosen = NULL;
    size_t count = 0;

    for (size_t i = 0; i < work->pair.count; i++) {
        if (work->pair.masters[i].row != NULL && !ms_cli_master_serves(&work->pair.masters[i])) {
            chosen = &work->pair.masters[i];
            count++;
        }
    }
    if (ms_cli_pair_serving(&work->pair, &active) > 0) {
        ms_cli_say(work->cli, "%s is active; muster switchover changes roles, and loses nothing",
                   active->address);
        return NULL;
    }
    if (count == 0) {
        ms_cli_pair_say_absent(&work->pair);
        return NULL;
    }
    if (count > 1) {
        ms_cli_say(work->cli,
                   "none of %s is active: say with --master HOST:PORT which one shall be",
                   settings->options.master);
        return NULL;
    }
    return chosen;
}

static int promote(struct work *work, const struct settings *settings)
{
    struct ms_cli_master *chosen;

    if (settings->is_forced != settings->is_known) {
        return ms_cli_usage_error(
            work->cli, settings->is_forced
                           ? "--force takes over without votes: what the other master acknowledged "
                             "alone is not there, and if it still runs, both are active; if you "
                             "know that it is down, add --i-know"
                           : "--i-know goes with --force only");
    }
    ask(work);
    if (say_single(work)) {
        return EX_UNAVAILABLE;
    }
    chosen = choose(work, settings);
    if (chosen == NULL) {
        return EX_UNAVAILABLE;
    }
    if (!order(work, chosen, settings->is_forced ? MS_ORDER_FORCE : MS_ORDER_PROMOTE, true)) {
        return code_of(chosen);
    }
    for (;;) {
        ask(work);
        if (ms_cli_master_serves(chosen)) {
            printf("%s is active, epoch %" PRIu64 "\n", chosen->address,
                   ms_cli_master_number(chosen, "epoch"));
            return EX_OK;
        }
        if (ms_clock_now() >= work->over_by) {
            ms_cli_pair_say_absent(&work->pair);
            ms_cli_say(work->cli, "%s did not get the votes that it needs: %s", chosen->address,
                       ms_cli_master_text(chosen, "alarm"));
            return MS_EX_TIMED_OUT;
        }
        ms_cli_pair_pause(&work->pair, MS_CLI_PAIR_POLL);
    }
}

/* ---- hold ---- */

static int set_held(struct work *work, enum ms_order what)
{
    int code = EX_OK;

    for (size_t i = 0; i < work->pair.count; i++) {
        struct ms_cli_master *master = &work->pair.masters[i];

        ms_cli_pair_order(&work->pair, master, MS_ORDER_STATUS,
                          rest_of(work)); /* where it takes orders */
        if (order(work, master, what, true)) {
            printf("%s: automatic takeover is %s\n", master->address,
                   what == MS_ORDER_HOLD ? "off" : "on");
        } else {
            code = code_of(master);
        }
    }
    return code;
}

static int hold(struct work *work, const struct settings *settings)
{
    (void)settings;
    return set_held(work, MS_ORDER_HOLD);
}

static int unhold(struct work *work, const struct settings *settings)
{
    (void)settings;
    return set_held(work, MS_ORDER_RELEASE);
}

/* ---- the whole of each ---- */

static int run(struct work *work, int argc, char **argv,
               int (*act)(struct work *work, const struct settings *settings))
{
    struct settings settings = {.is_forced = false};
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(work->cli, argc, argv, &settings, &options);
    int code;

    if (result.is_done) {
        return result.exit_code;
    }
    code = ms_cli_pair_init(&work->pair, work->cli, settings.options.master);
    if (code == EX_OK) {
        work->over_by = ms_clock_now() + settings.options.timeout;
        code = act(work, &settings);
    }
    ms_cli_pair_finish(&work->pair);
    ms_options_finish(&options);
    return ms_cli_finish_output(work->cli, code);
}

static int run_switchover(int argc, char **argv)
{
    return run(&(struct work){.cli = &switchover_cli}, argc, argv, switch_over);
}

static int run_promote(int argc, char **argv)
{
    return run(&(struct work){.cli = &promote_cli}, argc, argv, promote);
}

static int run_hold(int argc, char **argv)
{
    return run(&(struct work){.cli = &hold_cli}, argc, argv, hold);
}

static int run_unhold(int argc, char **argv)
{
    return run(&(struct work){.cli = &unhold_cli}, argc, argv, unhold);
}

const struct ms_cli_command ms_cmd_switchover = {
    "switchover", "let the masters of a pair change roles", &switchover_cli, run_switchover};
const struct ms_cli_command ms_cmd_promote = {"promote", "make the passive master of a pair active",
                                              &promote_cli, run_promote};
const struct ms_cli_command ms_cmd_hold = {"hold", "switch automatic takeover of a pair off",
                                           &hold_cli, run_hold};
const struct ms_cli_command ms_cmd_unhold = {"unhold", "switch automatic takeover on again",
                                             &unhold_cli, run_unhold};
