/* The same of a pair of masters. */
#include <string.h>

#include "core/limits.h"
#include "tests/sim/older.h"
#include "tests/sim/scenarios/parts.h"

/* As the seed was when it was found: the list of witnesses is given, and nobody gives orders. */
static void without_operators(struct sim_config *config)
{
    config->pair.is_auto_enrol = false;
    config->faults[SIM_FAULT_ORDER] = 0;
    config->faults[SIM_FAULT_FLAP] = 0;
}

/* And the faults that it had. */
static void cut_and_partitioned(struct sim_config *config)
{
    memset(config->faults, 0, sizeof config->faults);
    config->faults[SIM_FAULT_PARTITION] = 2227;
    config->faults[SIM_FAULT_CUT_PEERS] = 1276;
    config->pair.is_auto_enrol = false;
}

/* A line on which what is handed back for ever is not handed back a thousand times a second. */
static void durable_far(struct sim_config *config)
{
    sim_setup_durable_busy(config);
    config->delay_base = 10 * MS_MSEC;
}

/* What fails at one half may succeed at the other one, with output. */
static void failing(struct sim_config *config)
{
    sim_setup_durable(config);
    config->work_min = 100 * MS_MSEC;
    config->work_max = 500 * MS_MSEC;
    config->pieces_max = 3;
    config->outstanding = 24;
    config->attributes = STREAM;
    config->attempts_max = 1;
    config->faults[SIM_FAULT_FAIL] = 500;
}

/* Attempts that last, and write several pieces, which are taken as they come. */
static void streaming(struct sim_config *config)
{
    sim_setup_durable_busy(config);
    config->pieces_max = 6;
    config->outstanding = 24;
    config->attributes = STREAM;
    config->attempts_max = 6;
    config->faults[SIM_FAULT_RETRY] = 400;
}

static void unlike(struct sim_config *config)
{
    sim_setup_durable(config);
    config->pair.unlike = SIM_UNLIKE_SLOW;
    config->pair.beat = MS_PEER_BEAT_DEFAULT;
    config->pair.lease = MS_PEER_LEASE_DEFAULT;
    config->pair.silent = MS_PEER_SILENT_DEFAULT;
    config->pair.vote = MS_VOTE_TIMEOUT;
}

static void enrolling(struct sim_config *config)
{
    sim_setup_durable(config);
    config->witnesses = 3;
    config->pair.is_auto_enrol = true;
}

static void stuck_without_votes(struct sim_config *config)
{
    sim_setup_durable_busy(config);
    config->witnesses = 0;
}

/* Work that is in hand for long, while one half has an older program. */
static void upgraded(struct sim_config *config)
{
    sim_setup_durable(config);
    config->work_min = 15 * config->tick;
    config->work_max = 20 * config->tick;
    config->pair.older = SIM_OLDER_FIRST;
}

static void put_back(struct sim_config *config)
{
    upgraded(config);
    config->pair.older = SIM_OLDER_LATER;
}

/* Nodes of a plain world of a pair. */
enum { A, B, S1, S2, C1, C2, W1 };

const struct sim_scenario sim_scenarios_pair[] = {
    {
        .name = "pair-calm",
        .story = "two masters and a witness make a cluster; nothing goes wrong: one takes the "
                 "other in, both "
                 "disks are equal, and nothing is done twice",
        .seed = 50,
        .ticks = 30,
        .is_pair = true,
        .expectations = {{SIM_STAT_SERVED_BOOTSTRAP, 1, 1},
                         {SIM_STAT_SERVED_ADMIT, 1, 1},
                         {SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_LOGS_COMPARED, 20, ANY},
                         {SIM_STAT_OUTCOMES_OK, 50, ANY}},
    },
    {
        .name = "pair-active-killed",
        .story = "the active is killed: the other one goes on alone by the vote of the witness, "
                 "with what the "
                 "slaves have in hand, and takes the first one in again",
        .seed = 51,
        .ticks = 40,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_CRASH_MASTER, 0, 8}},
        .expectations = {{SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_SERVED_SOLO, 1, 1},
                         {SIM_STAT_SERVED_JOIN, 1, 1},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-active-stopped",
        .story = "the active is stopped for a while: the other one serves, and what the first one "
                 "says when it "
                 "wakes up counts for nothing",
        .seed = 52,
        .ticks = 40,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_STALL_MASTER, 0, 6}},
        .expectations = {{SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-handed-over",
        .story = "the active is told to stop: it hands over before it ends, and its log need not "
                 "be copied",
        .seed = 53,
        .ticks = 40,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_DRAIN_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_SERVED_HANDOVER, 1, 1},
                         {SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-passive-killed",
        .story = "the passive one is killed: the active goes on alone by the vote of the witness",
        .seed = 54,
        .ticks = 40,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_CRASH_MASTER, 1, 8}},
        .expectations = {{SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_SERVED_SOLO, 1, 1},
                         {SIM_STAT_SERVED_JOIN, 1, 1},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-passive-restarted",
        .story =
            "the passive one is killed and begins again, while the active has gone on: what it "
            "has of the same reign is not sent again, and what is over meanwhile is erased",
        .seed = 56,
        .ticks = 40,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_CRASH_MASTER, 1, 2}, {22, SIM_FAULT_CRASH_MASTER, 1, 5}},
        .expectations = {{SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_COPIES, 1, 1},
                         {SIM_STAT_CATCHUPS, 2, 2},
                         {SIM_STAT_CLEARED, 1, 1},
                         {SIM_STAT_LOGS_COMPARED, 20, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-active-cut-off",
        .story = "the active is cut off from everybody: it pauses, the other one serves",
        .seed = 55,
        .ticks = 40,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_PARTITION, 0, 8}},
        .expectations = {{SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_SERVED_SOLO, 1, 1},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-refused-while-connected",
        .story = "the active dials, the other one comes by itself meanwhile, and then the dialling "
                 "is refused: it is not dead, and is taken in",
        .seed = 15271,
        .steps = 100,
        .is_short = true,
        .setup = cut_and_partitioned,
        .expectations = {{SIM_STAT_SERVED_ADMIT, 1, 1}, {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "pair-large-frames-on-a-slow-line",
        .setup = without_operators,
        .story = "part of a copy takes longer on its way than the other half may be silent: while "
                 "bytes of it come, it is not",
        .seed = 6612,
        .steps = 2000,
        .is_pair = true,
        .expectations = {{SIM_STAT_COPIES, 1, ANY}, {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "pair-wiped-while-it-asks",
        .setup = without_operators,
        .story = "a half asks to go on by consent; while the question is on its way its disk must "
                 "not be lost: with the vote the other one could not go on without it",
        .seed = 3649,
        .steps = 2000,
        .is_pair = true,
        .expectations = {{SIM_STAT_WIPES, 1, ANY}, {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "cancel-of-one-that-is-gone",
        .setup = without_operators,
        .story = "an operator cancels a command, loses his connection and asks again: that it is "
                 "gone is not said before the disk has it",
        .seed = 7921,
        .steps = 2000,
        .is_pair = true,
        .expectations = {{SIM_STAT_BULK_CANCELLED, 1, ANY}, {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "pair-slave-returns-to-the-old-active",
        .story = "both halves serve, because an operator has forced one that was cut off; a slave "
                 "goes to it, loses it, "
                 "and comes back to the old one, from which it starts nothing",
        .seed = 60,
        .ticks = 50,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{12, SIM_FAULT_CUT_PEERS, A, 28, B},
                    {18, SIM_FAULT_CUT_PEERS, A, 22, W1},
                    {20, SIM_FAULT_FORCE, B, 1},
                    {20, SIM_FAULT_CUT_PEERS, C2, 8, A},
                    {20, SIM_FAULT_CUT_PEERS, S1, 6, A},
                    {28, SIM_FAULT_CUT_PEERS, S1, 8, B}},
        .expectations = {{SIM_STAT_SERVED_SOLO, 1, 1},
                         {SIM_STAT_SERVED_FORCED, 1, 1},
                         {SIM_STAT_MERGES, 1, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-forced-while-it-waits",
        .story = "the active is cut from the other half and the witness and waits; the other one "
                 "takes over by votes and hands "
                 "out commands; then the first one is forced: its tokens are above those that the "
                 "slaves hold",
        .seed = 14,
        .ticks = 50,
        .is_pair = true,
        .setup = durable_far,
        .actions = {{12, SIM_FAULT_CUT_PEERS, A, 26, B},
                    {12, SIM_FAULT_CUT_PEERS, A, 26, W1},
                    {22, SIM_FAULT_FORCE, A, 1},
                    {22, SIM_FAULT_CUT_PEERS, B, 14, S1},
                    {22, SIM_FAULT_CUT_PEERS, B, 14, S2},
                    {22, SIM_FAULT_CUT_PEERS, B, 14, C1},
                    {22, SIM_FAULT_CUT_PEERS, B, 14, C2}},
        .expectations = {{SIM_STAT_SERVED_SOLO, 1, 1},
                         {SIM_STAT_SERVED_FORCED, 1, 1},
                         {SIM_STAT_TAKEOVERS, 2, 2},
                         {SIM_STAT_MERGES, 1, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-lower-outcomes-are-lifted",
        .story = "both halves serve, the old active by the vote of the witness, which the other "
                 "one has no way to, and run the same commands; what has failed at one and was "
                 "done at the other, with output, is done, also after a restart",
        .seed = 62,
        .ticks = 70,
        .is_pair = true,
        .setup = failing,
        .actions = {{12, SIM_FAULT_CUT_PEERS, A, 32, B},
                    {12, SIM_FAULT_CUT_PEERS, B, 6, W1},
                    {12, SIM_FAULT_CUT_PEERS, C1, 36, A},
                    {12, SIM_FAULT_CUT_PEERS, C1, 36, B},
                    {12, SIM_FAULT_CUT_PEERS, C2, 36, A},
                    {12, SIM_FAULT_CUT_PEERS, C2, 36, B},
                    {18, SIM_FAULT_CUT_PEERS, A, 26, W1},
                    {20, SIM_FAULT_FORCE, B, 1},
                    {20, SIM_FAULT_CUT_PEERS, S1, 24, A},
                    {20, SIM_FAULT_CUT_PEERS, S2, 24, A},
                    {46, SIM_FAULT_CRASH_MASTER, B, 1},
                    {54, SIM_FAULT_CRASH_MASTER, A, 1}},
        .expectations = {{SIM_STAT_SERVED_FORCED, 1, 1},
                         {SIM_STAT_MERGES, 1, ANY},
                         {SIM_STAT_MERGED_LIFTED, 1, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-output-of-two-attempts",
        .story = "both halves serve, each with a slave, and make attempts with the same numbers; "
                 "the clients are with the forced one and take output as it comes, when an outcome "
                 "with other output comes from the old active",
        .seed = 69,
        .ticks = 50,
        .is_pair = true,
        .setup = streaming,
        .actions = {{12, SIM_FAULT_CUT_PEERS, A, 12, B},
                    {12, SIM_FAULT_CUT_PEERS, B, 6, W1},
                    {12, SIM_FAULT_CUT_PEERS, S1, 28, B},
                    {12, SIM_FAULT_CUT_PEERS, S2, 28, A},
                    {12, SIM_FAULT_CUT_PEERS, C1, 28, A},
                    {12, SIM_FAULT_CUT_PEERS, C2, 28, A},
                    {17, SIM_FAULT_FORCE, B, 1}},
        .expectations = {{SIM_STAT_SERVED_SOLO, 1, 1},
                         {SIM_STAT_SERVED_FORCED, 1, 1},
                         {SIM_STAT_MERGES, 1, ANY},
                         {SIM_STAT_PIECES, 40, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-last-answer-in-a-silence",
        .story = "the active that takes in what the other half had alone is silent for a moment; "
                 "its last answer comes while it is not followed, and must be taken all the same",
        .seed = 6112,
        .steps = 400,
        .is_pair = true,
        .is_merge = true,
        .expectations = {{SIM_STAT_MERGES, 1, ANY}, {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "pair-first-member-in-hand",
        .story = "the first member of an array has its outcome at the deposed half, and a slave "
                 "has come with an attempt of it: the outcome stands",
        .seed = 4739,
        .steps = 400,
        .is_pair = true,
        .is_merge = true,
        .expectations = {{SIM_STAT_MERGES, 1, ANY}},
    },
    {
        .name = "pair-configured-otherwise",
        .story = "the passive one comes back with other times; then the active is away for a "
                 "while: the passive one waits for it, or for an operator",
        .seed = 57,
        .ticks = 50,
        .is_pair = true,
        .setup = unlike,
        .actions = {{10, SIM_FAULT_CRASH_MASTER, B, 2}, {24, SIM_FAULT_CRASH_MASTER, A, 12}},
        .expectations = {{SIM_STAT_UNLIKE, 1, 1},
                         {SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-configured-otherwise-and-restarted",
        .story = "as before, and the passive one is started again while the active is away, with "
                 "what it had: it waits all the same",
        .seed = 57,
        .ticks = 50,
        .is_pair = true,
        .setup = unlike,
        .actions = {{10, SIM_FAULT_CRASH_MASTER, B, 2},
                    {24, SIM_FAULT_CRASH_MASTER, A, 20},
                    {27, SIM_FAULT_CRASH_MASTER, B, 1}},
        .expectations = {{SIM_STAT_UNLIKE, 2, 2},
                         {SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-outcome-takes-the-next-number",
        .story = "the active is deposed with an outcome that it alone has; the next one, which "
                 "nobody forced, has begun an attempt with the same number when it is merged, and "
                 "the outcome takes the number after that",
        .seed = 311,
        .steps = 2000,
        .is_pair = true,
        .expectations = {{SIM_STAT_SERVED_FORCED, 0, 0},
                         {SIM_STAT_MERGES, 1, ANY},
                         {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "pair-strict-refused-by-the-next",
        .story = "the active dies with a submission of class strict that it alone has, and its "
                 "client finds "
                 "the other one alone, which refuses that class: it must not believe that",
        .seed = 8230,
        .steps = 100,
        .is_short = true,
        .expectations = {{SIM_STAT_MASTER_CRASHES, 1, ANY},
                         {SIM_STAT_STRICT, 1, ANY},
                         {SIM_STAT_LOGS_COMPARED, 1, ANY}},
    },
    {
        .name = "pair-standby-stuck",
        .story = "the disk of the passive one does nothing for long, while it answers everything "
                 "else: the active goes on alone, and takes it back",
        .seed = 57,
        .ticks = 70,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{10, SIM_FAULT_STUCK, 1, 30}},
        .expectations = {{SIM_STAT_SHED, 1, 1},
                         {SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 40, ANY}},
    },
    {
        .name = "pair-active-stuck",
        .story = "the disk of the active one does nothing any more, while it answers everything "
                 "else: it gives way to the other one, and comes back when its disk does",
        .seed = 57,
        .ticks = 90,
        .is_pair = true,
        .setup = sim_setup_durable_busy,
        .actions = {{10, SIM_FAULT_STUCK_ACTIVE, A, 40}},
        .expectations = {{SIM_STAT_GAVE_WAY, 1, 1},
                         {SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_OUTCOMES_OK, 40, ANY}},
    },
    {
        .name = "pair-active-stuck-without-votes",
        .story = "the same, and nobody would vote for the other one: it does not end for nothing, "
                 "and goes on when its disk does",
        .seed = 57,
        .ticks = 90,
        .is_pair = true,
        .setup = stuck_without_votes,
        .actions = {{10, SIM_FAULT_STUCK_ACTIVE, A, 40}},
        .expectations = {{SIM_STAT_GAVE_WAY, 0, 0},
                         {SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 40, ANY}},
    },
    {
        .name = "pair-witness-enrolled-again",
        .story = "a witness loses its disk: it comes with another name and is enrolled; the votes "
                 "that the old one gave are "
                 "nobody's",
        .seed = 64,
        .ticks = 50,
        .is_pair = true,
        .setup = enrolling,
        .actions = {{14, SIM_FAULT_WIPE_WITNESS, W1, 2}, {30, SIM_FAULT_CRASH_MASTER, A, 6}},
        .expectations = {{SIM_STAT_WIPES, 1, 1},
                         {SIM_STAT_REENROLLED, 1, 1},
                         {SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-upgraded",
        .story = "the passive one has an older program, and is upgraded while much is in hand; "
                 "when it takes over "
                 "it knows of all of that",
        .seed = 64,
        .ticks = 50,
        .is_pair = true,
        .setup = upgraded,
        .actions = {{10, SIM_FAULT_CRASH_MASTER, B, 1}, {18, SIM_FAULT_CRASH_MASTER, A, 6}},
        .expectations = {{SIM_STAT_OLDER, 1, 1},
                         {SIM_STAT_OLDER_UPGRADED, 1, 1},
                         {SIM_STAT_TAKEOVERS, 1, 1},
                         {SIM_STAT_HANDS_LATER, 4, ANY},
                         {SIM_STAT_HANDS_FOUND, 2, ANY}},
    },
    {
        .name = "pair-put-back",
        .story = "the passive one is put back to an older program while much is in hand; it takes "
                 "over, and has "
                 "nothing that it cannot read",
        .seed = 64,
        .ticks = 50,
        .is_pair = true,
        .setup = put_back,
        .actions = {{10, SIM_FAULT_CRASH_MASTER, B, 1}, {18, SIM_FAULT_CRASH_MASTER, A, 6}},
        .expectations = {{SIM_STAT_OLDER_PUT_BACK, 2, 2},
                         {SIM_STAT_OLDER_LEADS, 1, 1},
                         {SIM_STAT_OLDER_REFUSED, 0, 0},
                         {SIM_STAT_HANDS_TOLD, 4, ANY},
                         {SIM_STAT_TAKEOVERS, 1, 1}},
    },
};

const uint32_t sim_scenarios_pair_count = sizeof sim_scenarios_pair / sizeof sim_scenarios_pair[0];
