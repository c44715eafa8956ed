/* Situations with a name, and every seed that ever found something, with its story. */
#include <string.h>

#include "tests/sim/scenarios.h"

#define ANY UINT64_MAX

/* Attempts long enough that one is under way at any time. */
static void busy(struct sim_config *config)
{
    config->work_min = 2 * config->tick;
    config->work_max = 4 * config->tick;
    config->pieces_max = 0;
}

static void talkative(struct sim_config *config)
{
    config->work_min = config->tick;
    config->work_max = 2 * config->tick;
    config->pieces_max = 12;
}

static void mortal(struct sim_config *config)
{
    config->faults[SIM_FAULT_HANDLER_KILLS] = 50;
    config->faults[SIM_FAULT_HANDLER_CRASH] = 50;
}

static void hanging(struct sim_config *config)
{
    config->faults[SIM_FAULT_HANG] = 200;
}

/* Bits of config.attributes, see load.c. */
enum { BACKGROUND = 1, STREAM = 2, DELAY = 4, ONCE = 8 };

static void durable(struct sim_config *config)
{
    config->has_disk = true;
    config->durable_permille = 1000;
}

static void durable_busy(struct sim_config *config)
{
    durable(config);
    busy(config);
}

static void durable_talkative(struct sim_config *config)
{
    durable(config);
    talkative(config);
    config->attributes = STREAM;
}

static void durable_delayed(struct sim_config *config)
{
    durable(config);
    config->attributes = DELAY;
    config->faults[SIM_FAULT_RETRY] = 300;
}

static void durable_once(struct sim_config *config)
{
    durable_busy(config);
    config->attributes = ONCE;
}

static void durable_background(struct sim_config *config)
{
    durable(config);
    config->work_max = 20 * MS_MSEC;
    config->attributes = BACKGROUND;
}

/* As the seed was when it was found: the list of witnesses is given, and nobody gives orders. */
static void without_operators(struct sim_config *config)
{
    config->pair.is_auto_enrol = false;
    config->faults[SIM_FAULT_ORDER] = 0;
}

/* And the faults that it had. */
static void cut_and_partitioned(struct sim_config *config)
{
    memset(config->faults, 0, sizeof config->faults);
    config->faults[SIM_FAULT_PARTITION] = 2227;
    config->faults[SIM_FAULT_CUT_PEERS] = 1276;
    config->pair.is_auto_enrol = false;
}

const struct sim_scenario sim_scenarios_list[] = {
    {
        .name = "calm",
        .story = "nothing goes wrong: no session dies and nothing is done twice",
        .seed = 1,
        .ticks = 20,
        .expectations = {{SIM_STAT_OUTCOMES_OK, 50, ANY},
                         {SIM_STAT_DEATHS, 0, 0},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_LATE_RESULTS, 0, 0}},
    },
    {
        .name = "slave-stopped",
        .story = "a slave stopped for ten ticks is walked to dead, others do its work, and what it "
                 "has to say afterwards is refused",
        .seed = 2,
        .ticks = 30,
        .setup = busy,
        .actions = {{5, SIM_FAULT_STALL_SLAVE, 1, 10}},
        .expectations = {{SIM_STAT_DEATHS, 1, 1},
                         {SIM_STAT_RECLAIMS, 1, 1},
                         {SIM_STAT_ATTEMPTS_AGAIN, 1, ANY},
                         {SIM_STAT_LATE_RESULTS, 1, ANY},
                         {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "master-stopped",
        .story = "a master stopped for ten ticks kills nobody",
        .seed = 3,
        .ticks = 30,
        .actions = {{5, SIM_FAULT_STALL_MASTER, 0, 10}},
        .expectations = {{SIM_STAT_DEATHS, 0, 0},
                         {SIM_STAT_STALLED_TICKS, 1, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "client-stopped",
        .story =
            "a client stopped for ten ticks is forgotten, submits again and gets every outcome",
        .seed = 4,
        .ticks = 30,
        .actions = {{5, SIM_FAULT_STALL_CLIENT, 3, 10}},
        .expectations = {{SIM_STAT_DEATHS, 1, 1}, {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "slave-killed",
        .story = "a slave dies with commands in hand; the other one does them",
        .seed = 5,
        .ticks = 30,
        .setup = busy,
        .actions = {{5, SIM_FAULT_CRASH_SLAVE, 1, 8}},
        .expectations = {{SIM_STAT_ATTEMPTS_AGAIN, 1, ANY}, {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "slave-reset",
        .story = "a slave that loses its connection comes back to its session with its commands, "
                 "and nothing is done twice",
        .seed = 6,
        .ticks = 30,
        .setup = busy,
        .actions = {{5, SIM_FAULT_RESET, 1, 1}, {9, SIM_FAULT_RESET, 2, 1}},
        .expectations = {{SIM_STAT_RESUMES, 2, ANY},
                         {SIM_STAT_ROLLS, 1, ANY},
                         {SIM_STAT_DEATHS, 0, 0},
                         {SIM_STAT_LATE_RESULTS, 0, 0}},
    },
    {
        .name = "client-reset",
        .story = "a client that loses its connection submits again under the same ids, and nothing "
                 "is done twice",
        .seed = 7,
        .ticks = 30,
        .actions = {{5, SIM_FAULT_RESET, 3, 1}, {9, SIM_FAULT_RESET, 4, 1}},
        .expectations = {{SIM_STAT_RESUBMITTED, 1, ANY},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_DEATHS, 0, 0}},
    },
    {
        .name = "slave-cut-off",
        .story = "a slave behind a partition of ten ticks is dead, and comes back as somebody new",
        .seed = 8,
        .ticks = 40,
        .setup = busy,
        .actions = {{5, SIM_FAULT_PARTITION, 2, 10}},
        .expectations = {{SIM_STAT_DEATHS, 1, ANY}, {SIM_STAT_ATTEMPTS_AGAIN, 1, ANY}},
    },
    {
        .name = "slave-deaf",
        .story = "a slave that hears nothing but is heard gives its master up and comes back",
        .seed = 9,
        .ticks = 40,
        .actions = {{5, SIM_FAULT_ONE_WAY, 1, 10}},
        .expectations = {{SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "master-restarted",
        .story = "a master that starts again knows nothing; clients submit everything once more",
        .seed = 10,
        .ticks = 30,
        .setup = busy,
        .actions = {{8, SIM_FAULT_CRASH_MASTER, 0, 2}},
        .expectations = {{SIM_STAT_MASTER_CRASHES, 0, ANY},
                         {SIM_STAT_RESUBMITTED, 1, ANY},
                         {SIM_STAT_REFUSED, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "master-restarted-amid-output",
        .story =
            "the new master counts attempts from one again: pieces of the attempt that the old "
            "one knew must not be mixed with them",
        .seed = 14,
        .ticks = 40,
        .setup = talkative,
        .actions = {{6, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {13, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {20, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {27, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_PIECES, 50, ANY},
                         {SIM_STAT_RESUBMITTED, 4, ANY},
                         {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "client-forgotten-amid-output",
        .story = "a client that was dead to its master for a while submits again and gets the "
                 "output of one attempt, whole",
        .seed = 15,
        .ticks = 40,
        .setup = talkative,
        .actions = {{6, SIM_FAULT_PARTITION, 3, 7}, {20, SIM_FAULT_STALL_CLIENT, 4, 7}},
        .expectations = {{SIM_STAT_DEATHS, 2, ANY},
                         {SIM_STAT_PIECES, 50, ANY},
                         {SIM_STAT_RESUBMITTED, 2, ANY}},
    },
    {
        .name = "cancelled-then-restarted",
        .story = "a cancel that was confirmed holds although the master that confirmed it is gone",
        .seed = 16,
        .ticks = 30,
        .setup = busy,
        .actions = {{6, SIM_FAULT_CANCEL, 3, 1},
                    {7, SIM_FAULT_CANCEL, 4, 1},
                    {7, SIM_FAULT_CANCEL, 3, 1},
                    {8, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {14, SIM_FAULT_CANCEL, 3, 1},
                    {14, SIM_FAULT_CANCEL, 4, 1},
                    {15, SIM_FAULT_CRASH_MASTER, 0, 2}},
        .expectations = {{SIM_STAT_CANCELS, 2, ANY}, {SIM_STAT_OUTCOMES_CANCELLED, 2, ANY}},
    },
    {
        .name = "everybody-drained",
        .story = "a client, a slave and the master are told to stop, one after the other, and come "
                 "back; nothing is lost",
        .seed = 17,
        .ticks = 40,
        .setup = busy,
        .actions = {{5, SIM_FAULT_DRAIN_CLIENT, 3, 1},
                    {10, SIM_FAULT_DRAIN_SLAVE, 1, 1},
                    {16, SIM_FAULT_DRAIN_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_DRAINS, 3, 3}, {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "slave-drained",
        .story = "a slave that is told to stop ends what it runs and hands back the rest; nothing "
                 "is lost or done twice",
        .seed = 11,
        .ticks = 30,
        .setup = busy,
        .actions = {{5, SIM_FAULT_DRAIN_SLAVE, 1, 1}, {12, SIM_FAULT_DRAIN_SLAVE, 2, 1}},
        .expectations = {{SIM_STAT_DRAINS, 2, 2}, {SIM_STAT_DEATHS, 0, 0}},
    },
    {
        .name = "handlers-die",
        .story = "handlers crash, alone or with their slave; crashes are counted apart from "
                 "failures and every command comes to its end",
        .seed = 12,
        .ticks = 40,
        .setup = mortal,
        .expectations = {{SIM_STAT_CRASHES, 1, ANY}, {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "handlers-hang",
        .story = "a handler that hangs is stopped when its time is over",
        .seed = 13,
        .ticks = 40,
        .setup = hanging,
        .expectations = {{SIM_STAT_ATTEMPTS_ABORTED, 1, ANY}, {SIM_STAT_OUTCOMES_TIMEOUT, 1, ANY}},
    },
    {
        .name = "durable-calm",
        .story = "with a disk everything is done once, and the disk is empty of it afterwards",
        .seed = 30,
        .ticks = 20,
        .setup = durable,
        .expectations = {{SIM_STAT_OUTCOMES_OK, 50, ANY},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_RESUBMITTED, 0, 0},
                         {SIM_STAT_RECOVERIES_COMPARED, 5, ANY}},
    },
    {
        .name = "durable-master-killed",
        .story = "a master that is killed finds everything again; its slaves come back with what "
                 "they have in hand, and nothing is done twice",
        .seed = 31,
        .ticks = 40,
        .setup = durable_busy,
        .actions = {{6, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {14, SIM_FAULT_CRASH_MASTER, 0, 2},
                    {22, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_RECOVERIES, 3, 3},
                         {SIM_STAT_RECOVERED, 6, ANY},
                         {SIM_STAT_ROLLS, 3, ANY},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0},
                         {SIM_STAT_LATE_RESULTS, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "durable-killed-amid-output",
        .story = "output that a slave wrote while its master was away arrives whole and once",
        .seed = 32,
        .ticks = 40,
        .setup = durable_talkative,
        .actions = {{6, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {13, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {20, SIM_FAULT_CRASH_MASTER, 0, 2}},
        .expectations = {{SIM_STAT_RECOVERIES, 3, 3},
                         {SIM_STAT_PIECES, 50, ANY},
                         {SIM_STAT_ATTEMPTS_AGAIN, 0, 0}},
    },
    {
        .name = "durable-both-killed",
        .story = "master and slave die together: what the slave had is done by others once its "
                 "session is dead",
        .seed = 33,
        .ticks = 40,
        .setup = durable_busy,
        .actions = {{6, SIM_FAULT_CRASH_SLAVE, 1, 9}, {6, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_DEATHS, 1, ANY},
                         {SIM_STAT_RECOVERIES, 1, 1},
                         {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "once-and-lost",
        .story = "what may be started only once is never started again: it is said to be lost",
        .seed = 34,
        .ticks = 40,
        .setup = durable_once,
        .actions = {{6, SIM_FAULT_CRASH_SLAVE, 1, 8},
                    {14, SIM_FAULT_CRASH_SLAVE, 2, 8},
                    {14, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_ONCE_LOST, 1, ANY}, {SIM_STAT_OUTCOMES_OK, 5, ANY}},
    },
    {
        .name = "background-and-killed",
        .story = "commands without an outcome that end as their master dies stay closed",
        .seed = 35,
        .ticks = 40,
        .setup = durable_background,
        .actions = {{4, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {8, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {12, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {16, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_RECOVERIES, 4, 4}, {SIM_STAT_OUTCOMES, 50, ANY}},
    },
    {
        .name = "cancelled-then-killed",
        .story = "a cancel that was confirmed holds after a restart, and its command is read back",
        .seed = 36,
        .ticks = 30,
        .setup = durable_busy,
        .actions = {{6, SIM_FAULT_CANCEL, 3, 1},
                    {7, SIM_FAULT_CANCEL, 4, 1},
                    {8, SIM_FAULT_CRASH_MASTER, 0, 1},
                    {14, SIM_FAULT_CANCEL, 3, 1},
                    {14, SIM_FAULT_CANCEL, 4, 1},
                    {15, SIM_FAULT_CRASH_MASTER, 0, 2}},
        .expectations = {{SIM_STAT_CANCELS, 2, ANY}, {SIM_STAT_OUTCOMES_CANCELLED, 2, ANY}},
    },
    {
        .name = "disk-fails",
        .story = "a write and a sync fail: the master says nothing more, starts again, and what it "
                 "said before is true",
        .seed = 37,
        .ticks = 30,
        .setup = durable,
        .actions = {{6, SIM_FAULT_DISK_WRITE, 0, 1}, {14, SIM_FAULT_DISK_SYNC, 0, 3}},
        .expectations = {{SIM_STAT_DISK_FAILURES, 2, ANY},
                         {SIM_STAT_RECOVERIES, 2, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "disk-full",
        .story = "a full disk takes no submissions, results go on, and when space returns so do "
                 "submissions",
        .seed = 38,
        .ticks = 40,
        .setup = durable_busy,
        .actions = {{6, SIM_FAULT_DISK_FULL, 0, 6}, {20, SIM_FAULT_DISK_FULL, 0, 6}},
        .expectations = {{SIM_STAT_DISK_REFUSALS, 1, ANY},
                         {SIM_STAT_DISK_FAILURES, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "disk-damaged",
        .story = "a bit turned over: the master refuses to start until its disk is whole again",
        .seed = 39,
        .ticks = 40,
        .setup = durable_busy,
        .actions = {{6, SIM_FAULT_DISK_FLIP, 0, 1}, {6, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_CORRUPT_STARTS, 1, 1}, {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "clock-set-back",
        .story = "the wall clock loses years while the master is away: nobody waits for them, and "
                 "questions about old commands are answered",
        .seed = 40,
        .ticks = 40,
        .setup = durable_delayed,
        .actions = {{6, SIM_FAULT_WALL_JUMP, 0, 1}, {6, SIM_FAULT_CRASH_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_WALL_JUMPS, 1, 1}, {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "everybody-drained-with-a-disk",
        .story = "a master that is told to stop leaves what is durable to the next one",
        .seed = 41,
        .ticks = 40,
        .setup = durable_busy,
        .actions = {{5, SIM_FAULT_DRAIN_CLIENT, 3, 1},
                    {10, SIM_FAULT_DRAIN_SLAVE, 1, 1},
                    {16, SIM_FAULT_DRAIN_MASTER, 0, 1}},
        .expectations = {{SIM_STAT_DRAINS, 3, 3}, {SIM_STAT_RECOVERED, 1, ANY}},
    },
    {
        .name = "kicked-after-its-followers-were-told",
        .story = "a command that others had joined is buried, they are told, it is kicked: whoever "
                 "reads "
                 "that back must not think that they still wait",
        .seed = 2200,
        .steps = 2000,
        .expectations = {{SIM_STAT_KICKED, 1, ANY}, {SIM_STAT_RECOVERIES_COMPARED, 5, ANY}},
    },
    {
        .name = "follower-of-another-leader",
        .story =
            "two commands had joined one in memory each, one of which was replaced: read back, the "
            "end of the one is not the end of the other",
        .seed = 645,
        .steps = 2000,
        .expectations = {{SIM_STAT_BULK_CANCELLED, 1, ANY},
                         {SIM_STAT_JOINED, 1, ANY},
                         {SIM_STAT_RECOVERIES_COMPARED, 5, ANY}},
    },
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
        .setup = durable_busy,
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
        .setup = durable_busy,
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
        .setup = durable_busy,
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
        .setup = durable_busy,
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
        .setup = durable_busy,
        .actions = {{12, SIM_FAULT_CRASH_MASTER, 1, 2}, {22, SIM_FAULT_CRASH_MASTER, 1, 5}},
        .expectations = {{SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_COPIES, 1, 1},
                         {SIM_STAT_CATCHUPS, 2, 2},
                         {SIM_STAT_CLEARED, 1, 1},
                         {SIM_STAT_LOGS_COMPARED, 20, ANY},
                         {SIM_STAT_OUTCOMES_OK, 20, ANY}},
    },
    {
        .name = "pair-standby-stuck",
        .story = "the disk of the passive one does nothing for long, while it answers everything "
                 "else: the active goes on alone, and takes it back",
        .seed = 57,
        .ticks = 70,
        .is_pair = true,
        .setup = durable_busy,
        .actions = {{10, SIM_FAULT_STUCK, 1, 30}},
        .expectations = {{SIM_STAT_SHED, 1, 1},
                         {SIM_STAT_TAKEOVERS, 0, 0},
                         {SIM_STAT_OUTCOMES_OK, 40, ANY}},
    },
    {
        .name = "pair-active-cut-off",
        .story = "the active is cut off from everybody: it pauses, the other one serves",
        .seed = 55,
        .ticks = 40,
        .is_pair = true,
        .setup = durable_busy,
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
};

const uint32_t sim_scenarios_count = sizeof sim_scenarios_list / sizeof sim_scenarios_list[0];
