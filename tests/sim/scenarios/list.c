/* Situations of a single master with a name, and every seed that ever found something, with its story. */
#include "tests/sim/scenarios/parts.h"

void sim_setup_busy(struct sim_config *config)
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

void sim_setup_durable(struct sim_config *config)
{
    config->has_disk = true;
    config->durable_permille = 1000;
}

void sim_setup_durable_busy(struct sim_config *config)
{
    sim_setup_durable(config);
    sim_setup_busy(config);
}

static void durable_talkative(struct sim_config *config)
{
    sim_setup_durable(config);
    talkative(config);
    config->attributes = STREAM;
}

static void durable_delayed(struct sim_config *config)
{
    sim_setup_durable(config);
    config->attributes = DELAY;
    config->faults[SIM_FAULT_RETRY] = 300;
}

static void durable_once(struct sim_config *config)
{
    sim_setup_durable_busy(config);
    config->attributes = ONCE;
}

static void durable_background(struct sim_config *config)
{
    sim_setup_durable(config);
    config->work_max = 20 * MS_MSEC;
    config->attributes = BACKGROUND;
}

const struct sim_scenario sim_scenarios_single[] = {
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
        .setup = sim_setup_busy,
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
        .setup = sim_setup_busy,
        .actions = {{5, SIM_FAULT_CRASH_SLAVE, 1, 8}},
        .expectations = {{SIM_STAT_ATTEMPTS_AGAIN, 1, ANY}, {SIM_STAT_OUTCOMES_OK, 10, ANY}},
    },
    {
        .name = "slave-reset",
        .story = "a slave that loses its connection comes back to its session with its commands, "
                 "and nothing is done twice",
        .seed = 6,
        .ticks = 30,
        .setup = sim_setup_busy,
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
        .setup = sim_setup_busy,
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
        .setup = sim_setup_busy,
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
        .setup = sim_setup_busy,
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
        .setup = sim_setup_busy,
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
        .setup = sim_setup_busy,
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
        .setup = sim_setup_durable,
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
        .setup = sim_setup_durable_busy,
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
        .setup = sim_setup_durable_busy,
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
        .setup = sim_setup_durable_busy,
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
        .setup = sim_setup_durable,
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
        .setup = sim_setup_durable_busy,
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
        .setup = sim_setup_durable_busy,
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
        .setup = sim_setup_durable_busy,
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
};

const uint32_t sim_scenarios_single_count =
    sizeof sim_scenarios_single / sizeof sim_scenarios_single[0];
