/* The slave's engine against a random but honest master, a random network and random handlers: credit,
 * slots and tokens must hold after every step, and in the end nothing may be left over. */
#include "slave/slave.h"

#include <check.h>
#include <stdlib.h>

#include "core/rng.h"

#define SEEDS        60
#define STEPS        3000
#define COMMANDS_MAX 20000
#define EPOCH        ((ms_epoch)3)

/* What the model knows of each token. */
struct entry {
    bool is_sent;     /* by the master, on the session that lives */
    bool was_run;     /* for ever: a second RUN is an error */
    bool is_running;  /* the executor has it */
    bool is_resulted; /* the master has the result, or it came back, or was dropped */
    bool is_unacknowledged;
    bool is_lost;     /* the result went down with its connection and must come again */
    bool is_late;     /* told after it was dropped, for the master to refuse */
    uint32_t outputs; /* pieces the master has, in order */
    uint32_t outputs_made;
};

static struct world {
    struct ms_rng rng;
    struct ms_slave *slave;
    struct ms_engine *engine;
    ms_time now;
    uint32_t slots, prefetch;
    ms_peer peer;
    uint32_t tag;                          /* of the CONNECT to be answered */
    bool is_greeted;                       /* HELLO came */
    bool has_session, is_resumed, is_open; /* open: past the verdict */
    bool is_stopped;
    bool is_calm;          /* no more faults */
    uint64_t credit, held; /* as the master sees them */
    uint64_t tokens_count, running;
    uint64_t rolled; /* tokens told in the roll under way */
    bool roll_ended;
    uint64_t beats; /* the number of the last one */
    struct entry entries[COMMANDS_MAX + 1];
    uint64_t runs_total, results_total, resumes_total, drops_total;
} w;

static uint64_t below(uint64_t bound)
{
    return ms_rng_below(&w.rng, bound);
}

/* The master may not have read the last of what was sent. */
static void disconnect(void)
{
    for (uint64_t n = 1; n <= w.tokens_count; n++) {
        struct entry *entry = &w.entries[n];

        if (entry->is_unacknowledged && below(2) == 0) {
            entry->is_unacknowledged = false;
            entry->is_lost = true;
        }
        entry->outputs = (uint32_t)below(entry->outputs + 1);
    }
    w.peer = MS_PEER_NONE;
    w.is_greeted = false;
    w.is_open = false;
    w.credit = 0;
}

static void slave_sent(const struct ms_command *command)
{
    struct entry *entry = &w.entries[command->token.n];

    switch (command->kind) {
    case MS_KIND_HELLO:
        w.is_greeted = true;
        w.is_resumed = w.has_session && !ms_uuid_is_zero(&command->body.hello->token);
        break;
    case MS_KIND_PULL:
        ck_assert_uint_gt(command->count, 0);
        w.credit += command->count;
        break;
    case MS_KIND_RESULT:
        if (!entry->is_sent && !entry->is_unacknowledged && !entry->is_lost) {
            ck_assert(entry->was_run && !entry->is_late);
            ck_assert_uint_eq(command->count, 0);
            entry->is_late = true;
            break;
        }
        entry->is_lost = false;
        ck_assert_uint_eq(entry->outputs, entry->outputs_made);
        w.held -= entry->is_sent;
        entry->is_sent = false;
        entry->is_resulted = true;
        entry->is_unacknowledged = true;
        w.credit += command->count;
        w.results_total++;
        break;
    case MS_KIND_RETURN:
        ck_assert(entry->is_sent && !entry->was_run);
        entry->is_sent = false;
        entry->is_resulted = true;
        w.held--;
        break;
    case MS_KIND_OUTPUT:
        ck_assert(command->index <= entry->outputs); /* no gap; again after a resume */
        entry->outputs = command->index == entry->outputs ? entry->outputs + 1 : entry->outputs;
        break;
    case MS_KIND_ROLL:
        w.rolled += command->body.tokens->count;
        w.roll_ended = command->body.tokens->last;
        break;
    case MS_KIND_GOAWAY:
        w.credit = 0;
        break;
    case MS_KIND_BEAT:
        w.beats = command->count;
        break;
    default:
        break;
    }
}

static void carry_out(const struct ms_effect *effect)
{
    struct entry *entry = &w.entries[effect->command.token.n];

    switch (effect->type) {
    case MS_EFFECT_CONNECT:
        w.tag = effect->tag;
        break;
    case MS_EFFECT_CLOSE:
        if (effect->peer == w.peer) {
            disconnect();
        }
        break;
    case MS_EFFECT_SEND:
        ck_assert_uint_eq(effect->peer, w.peer);
        slave_sent(&effect->command);
        break;
    case MS_EFFECT_RUN:
        ck_assert(!entry->was_run);
        entry->was_run = true;
        entry->is_running = true;
        w.running++;
        w.runs_total++;
        ck_assert_uint_le(w.running, w.slots);
        break;
    case MS_EFFECT_ABORT:
        ck_assert(entry->is_running);
        break;
    case MS_EFFECT_STOPPED:
        w.is_stopped = true;
        break;
    default:
        ck_abort_msg("effect %d is not a slave's", (int)effect->type);
    }
}

static void step(const struct ms_event *event)
{
    struct ms_effect effect;
    struct ms_slave_stats stats;

    ms_engine_step(w.engine, w.now, event);
    while (ms_engine_poll(w.engine, &effect)) {
        carry_out(&effect);
    }
    ms_slave_check(w.slave);
    ms_slave_stats(w.slave, &stats);
    ck_assert_uint_eq(stats.running, w.running);
    ck_assert_uint_le(w.credit + w.held, w.slots + w.prefetch);
    ck_assert_uint_eq(stats.granted, w.credit);
    ck_assert_uint_le(stats.queued + stats.running, w.slots + w.prefetch);
}

static void receive(const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = w.peer, .epoch = EPOCH, .command = command});
}

static void welcome(void)
{
    const struct ms_welcome body = {
        .version = 1,
        .features = MS_FEATURES_ALL,
        .token = {{1}},
        .resumed = w.is_resumed,
        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
        .beat_interval = 500 * MS_MSEC,
        .dead_after = 4 * MS_SEC,
    };

    w.is_greeted = false;
    w.rolled = 0;
    w.roll_ended = false;
    if (!w.is_resumed) {
        for (uint64_t n = 1; n <= w.tokens_count; n++) {
            w.entries[n].is_sent = false;
            w.entries[n].is_unacknowledged = false;
            w.entries[n].is_lost = false;
        }
        w.held = 0;
        w.is_open = true;
    } else {
        w.resumes_total++;
    }
    w.has_session = true;
    const bool is_resumed = w.is_resumed;

    receive(&(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = &body});
    ck_assert(!is_resumed || w.roll_ended);
}

/* Drops some of what was told; what the slave no longer has counts as lost with the connection. */
static void judge(void)
{
    static struct ms_token dropped[COMMANDS_MAX];
    struct ms_tokens verdict = {.tokens = dropped, .last = true};

    for (uint64_t n = 1; n <= w.tokens_count; n++) {
        struct entry *entry = &w.entries[n];

        if ((entry->is_sent || entry->is_unacknowledged || entry->is_lost) &&
            ms_rng_chance(&w.rng, 1, 5) && verdict.count < MS_HELD_PER_FRAME_MAX) {
            dropped[verdict.count++] = (struct ms_token){EPOCH, n};
            w.held -= entry->is_sent;
            entry->is_sent = false;
            entry->is_unacknowledged = false;
            entry->is_lost = false;
            entry->is_resulted = true;
            w.drops_total++;
        }
    }
    w.roll_ended = false;
    w.is_open = true;
    receive(&(struct ms_command){.kind = MS_KIND_VERDICT, .body.tokens = &verdict});
}

static void network(void)
{
    static ms_peer peers;

    if (w.tag != 0) {
        const uint32_t tag = w.tag;

        w.tag = 0;
        if (ms_rng_chance(&w.rng, 1, 4)) {
            step(&(struct ms_event){
                .type = MS_EVENT_PEER_CLOSED, .tag = tag, .error = MS_E_UNREACHABLE});
            return;
        }
        w.peer = ++peers;
        step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .tag = tag, .peer = w.peer});
    } else if (w.is_greeted) {
        w.is_resumed = w.is_resumed && (w.is_calm || !ms_rng_chance(&w.rng, 1, 5));
        welcome();
    } else if (w.roll_ended && w.peer != MS_PEER_NONE) {
        judge();
    } else if (w.peer != MS_PEER_NONE && !w.is_calm && ms_rng_chance(&w.rng, 1, 40)) {
        const ms_peer peer = w.peer;

        disconnect();
        w.roll_ended = false;
        step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = peer, .error = MS_E_CLOSED});
    }
}

static void dispatch(void)
{
    static const uint8_t load[3000];

    while (w.is_open && w.credit > 0 && w.tokens_count < COMMANDS_MAX && below(4) != 0) {
        const uint64_t n = ++w.tokens_count;

        w.credit--;
        w.held++;
        w.entries[n].is_sent = true;
        receive(&(struct ms_command){
            .kind = MS_KIND_COMMAND,
            .type = below(50) == 0 ? 9999 : 2000,
            .token = {EPOCH, n},
            .attempt = 1,
            .timeout = below(3) == 0 ? (ms_time)(1 + below(2000)) * MS_MSEC : 0,
            .payload = {load, below(sizeof load)},
        });
    }
}

/* Any token that satisfies nothing in particular: the slave must cope. */
static uint64_t some_token(void)
{
    const uint64_t recent = w.tokens_count < 40 ? w.tokens_count : 40;

    return recent == 0 ? 0 : w.tokens_count - below(recent);
}

static void handlers(void)
{
    static const uint8_t data[2000];

    for (uint64_t n = 1; n <= w.tokens_count; n++) {
        if (!w.entries[n].is_running || below(3) != 0) {
            continue;
        }
        if (below(3) == 0) {
            w.entries[n].outputs_made++;
            step(&(struct ms_event){
                .type = MS_EVENT_OUTPUT,
                .command = &(struct ms_command){.token = {EPOCH, n},
                                                .payload = {data, below(sizeof data)}}});
            continue;
        }
        w.entries[n].is_running = false;
        w.running--;
        step(&(struct ms_event){.type = MS_EVENT_FINISHED,
                                .command =
                                    &(struct ms_command){.token = {EPOCH, n},
                                                         .status = (uint8_t)below(4),
                                                         .payload = {data, below(sizeof data)}}});
    }
}

static void acknowledge(void)
{
    for (uint64_t n = 1; n <= w.tokens_count && w.is_open; n++) {
        if (w.entries[n].is_unacknowledged && below(2) == 0) {
            w.entries[n].is_unacknowledged = false;
            receive(
                &(struct ms_command){.kind = MS_KIND_RESULT_ACK, .token = {EPOCH, n}, .count = 1});
        }
    }
}

static void wild(void)
{
    const uint64_t n = some_token();

    if (!w.is_open || n == 0) {
        return;
    }
    if (below(2) == 0) {
        receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, n}});
    } else if (!w.entries[n].is_running || w.entries[n].is_sent) {
        /* Acknowledging what has no result yet is wrong, and must be harmless. */
        if (!w.entries[n].is_unacknowledged && !w.entries[n].is_lost) {
            receive(&(struct ms_command){.kind = MS_KIND_RESULT_ACK, .token = {EPOCH, n}});
        }
    }
}

static void pass_time(void)
{
    const ms_time deadline = ms_engine_deadline(w.engine);

    w.now += (ms_time)below(100) * MS_MSEC;
    if (deadline <= w.now || below(4) == 0) {
        w.now = deadline != MS_TIME_NEVER && deadline > w.now ? deadline : w.now;
        step(&(struct ms_event){.type = MS_EVENT_TICK});
    }
    if (w.is_open) {
        receive(&(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = w.beats});
    }
}

static void begin(uint64_t seed)
{
    static const struct ms_slave_type types[] = {{.type = 2000, .name = "work"}};
    struct ms_complaint complaint;

    w = (struct world){.has_session = false};
    ms_rng_init(&w.rng, seed);
    w.slots = 1 + (uint32_t)below(6);
    w.prefetch = below(2) == 0 ? 0 : (uint32_t)below(10);
    w.slave = ms_slave_create(
        &(struct ms_slave_config){
            .addresses = "m:1",
            .slots = w.slots,
            .prefetch = w.prefetch,
            .mode = below(2) == 0 ? MS_CREDIT_PUSH : MS_CREDIT_PULL,
            .node = {{1}},
            .seed = seed,
            .types = types,
            .types_count = 1,
            .drain_timeout = 3600 * MS_SEC,
        },
        &complaint);
    ck_assert_ptr_nonnull(w.slave);
    w.engine = ms_slave_engine(w.slave);
}

/* Faults stop: everything must end. */
static void come_to_rest(void)
{
    struct ms_slave_stats stats;

    w.is_calm = true;
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    for (int i = 0; i < 4000 && !w.is_stopped; i++) {
        pass_time();
        if (!w.is_stopped) {
            network();
        }
        if (!w.is_stopped) {
            handlers();
        }
        if (!w.is_stopped) {
            acknowledge();
        }
    }
    ck_assert(w.is_stopped);
    ms_slave_stats(w.slave, &stats);
    ck_assert_uint_eq(stats.running, 0);
    ck_assert_uint_eq(stats.kept, 0);
}

START_TEST(whatever_happens)
{
    begin((uint64_t)_i);
    for (int i = 0; i < STEPS && w.tokens_count < COMMANDS_MAX - 100; i++) {
        switch (below(6)) {
        case 0:
            pass_time();
            break;
        case 1:
            network();
            break;
        case 2:
            dispatch();
            break;
        case 3:
            handlers();
            break;
        case 4:
            acknowledge();
            break;
        default:
            wild();
            break;
        }
    }
    ck_assert_uint_gt(w.runs_total, 50); /* the run was worth something */
    ck_assert_uint_gt(w.results_total, 30);
    come_to_rest();
    ms_slave_destroy(w.slave);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave_flow");
    TCase *tests = tcase_create("flow");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, whatever_happens, 0, SEEDS);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
