/* The master as a whole: routing, random input, memory of what is idle. */
#include "core/rng.h"
#include "master_frames.h"

START_TEST(an_empty_master_wants_nothing)
{
    struct script s;

    setup(&s);
    ck_assert_int_eq(ms_engine_deadline(s.engine), MS_TIME_NEVER);
    tick_at(&s, s.now + MS_SEC);
    ck_assert_uint_eq(s.count, 0);
    step(&s, &(struct ms_event){.type = MS_EVENT_PERSISTED});
    step(&s, &(struct ms_event){.type = MS_EVENT_RELOAD});
    ck_assert_uint_eq(s.count, 0);
    teardown(&s);
    ms_master_destroy(NULL);
}
END_TEST

START_TEST(an_error_of_the_peer_ends_its_connection_only)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_INTERNAL});
    ck_assert(was_closed(&s, 1));
    ck_assert_ptr_null(find(&s, MS_KIND_ERROR));
    ck_assert_uint_eq(stats_of(&s).slaves_count, 1);
    ck_assert_uint_eq(stats_of(&s).connections_count, 0);
    teardown(&s);
}
END_TEST

static const enum ms_kind slave_kinds[] = {
    MS_KIND_PULL,   MS_KIND_PULL,   MS_KIND_RESULT, MS_KIND_RESULT, MS_KIND_RESULT, MS_KIND_OUTPUT,
    MS_KIND_RETURN, MS_KIND_GOAWAY, MS_KIND_ROLL,   MS_KIND_BEAT,   MS_KIND_PULL,   MS_KIND_RESULT,
    MS_KIND_RETURN, MS_KIND_RESULT, MS_KIND_RESULT, MS_KIND_BYE,
};
static const enum ms_kind client_kinds[] = {
    MS_KIND_SUBMIT,      MS_KIND_SUBMIT,      MS_KIND_SUBMIT, MS_KIND_SUBMIT,
    MS_KIND_CANCEL,      MS_KIND_QUERY,       MS_KIND_BEAT,   MS_KIND_OUTCOME_ACK,
    MS_KIND_SUBMIT,      MS_KIND_OUTCOME_ACK, MS_KIND_SUBMIT, MS_KIND_SUBMIT,
    MS_KIND_OUTCOME_ACK, MS_KIND_SUBMIT,      MS_KIND_SUBMIT, MS_KIND_BYE,
};

static enum ms_kind any_kind(struct ms_rng *rng, bool is_slave)
{
    const bool is_odd = ms_rng_chance(rng, 1, 100);

    return is_slave != is_odd ? slave_kinds[ms_rng_below(rng, 16)]
                              : client_kinds[ms_rng_below(rng, 16)];
}

/* One frame that may be anything; its numbers are small so that it often hits something. */
static void any_frame(struct script *s, struct ms_rng *rng, ms_peer peer)
{
    const uint64_t last = s->last_token + 1;
    const uint64_t recent = last - ms_rng_below(rng, last < 6 ? last : 6);
    struct ms_token tokens[3] = {{EPOCH, recent}, {EPOCH, last}};
    struct ms_tokens roll = {.count = (uint32_t)ms_rng_below(rng, 3),
                             .tokens = tokens,
                             .last = ms_rng_chance(rng, 1, 2)};
    struct ms_query query = {.what = (enum ms_query_what)ms_rng_between(rng, 0, 5)};
    struct ms_command command = {
        .kind = (uint8_t)any_kind(rng, peer <= 3),
        .status = (uint8_t)ms_rng_below(rng, MS_STATUS_COUNT),
        .flags = (uint8_t)ms_rng_below(rng, 8),
        .attempts_max = (uint32_t)ms_rng_below(rng, 4),
        .index = (uint32_t)ms_rng_below(rng, 3),
        .type = ECHO,
        .id.seq = ms_rng_below(rng, 60),
        .token = {EPOCH, recent},
        .count = ms_rng_below(rng, 5),
        .delay = ms_rng_chance(rng, 1, 5) ? MS_SEC : 0,
        .payload = ms_bytes_of(ms_rng_chance(rng, 1, 2) ? "a payload of some bytes" : ""),
    };

    if (command.kind == MS_KIND_ROLL) {
        command.body.tokens = &roll;
    } else if (command.kind == MS_KIND_QUERY) {
        command.body.query = &query;
    }
    receive(s, peer, &command);
}

static void any_event(struct script *s, struct ms_rng *rng, struct ms_uuid *tokens)
{
    const ms_peer peer = 1 + ms_rng_below(rng, 6);
    const bool is_slave = peer <= 3;

    switch (ms_rng_below(rng, 40)) {
    case 0:
        close_peer(s, peer);
        break;
    case 1:
    case 2: {
        struct ms_hello hello = hello_of(is_slave ? MS_ROLE_SLAVE : MS_ROLE_CLIENT, (uint8_t)peer);

        hello.token = ms_rng_chance(rng, 1, 2) ? tokens[peer] : (struct ms_uuid){{0}};
        hello.floor = ms_rng_chance(rng, 1, 4) ? ms_rng_below(rng, 30) : 0;
        close_peer(s, peer);
        tokens[peer] = greet(s, peer, &hello).token;
        if (is_slave) {
            announce(s, peer, ECHO, "echo");
        }
        break;
    }
    case 3:
        tick_at(s, s->now + (ms_time)ms_rng_below(rng, 700) * MS_MSEC);
        break;
    default:
        any_frame(s, rng, peer);
        break;
    }
    settle_down(s);
}

START_TEST(no_sequence_of_frames_breaks_an_invariant)
{
    uint64_t steps[MS_LIFE_EVENTS] = {0};

    for (uint64_t seed = 0; seed < 30; seed++) {
        struct ms_uuid tokens[7] = {0};
        struct ms_rng rng;
        struct script s;

        setup(&s);
        ms_rng_init(&rng, seed);
        for (int i = 0; i < 600; i++) {
            any_event(&s, &rng, tokens);
        }
        for (size_t event = 0; event < MS_LIFE_EVENTS; event++) {
            steps[event] += stats_of(&s).events_total[event];
        }
        teardown(&s);
    }
    for (enum ms_life_event event = 0; event < MS_LIFE_ADOPT; event++) {
        ck_assert_msg(steps[event] > 0 || event == MS_LIFE_OVERFLOW, "%s never happened",
                      ms_life_event_name(event));
    }
}
END_TEST

START_TEST(everything_is_given_back_in_the_end)
{
    struct script s;
    struct ms_rng rng;
    struct ms_uuid tokens[7] = {0};

    setup(&s);
    ms_rng_init(&rng, 4711);
    for (int i = 0; i < 3000; i++) {
        any_event(&s, &rng, tokens);
    }
    run_until(&s, s.now + 10 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).slaves_count + stats_of(&s).clients_count, 0);
    slave(&s, 50, 50);
    for (int i = 0; i < 400 && stats_of(&s).commands_count > stats_of(&s).kept_count; i++) {
        pull(&s, 50, 1);
        struct sent *command = find(&s, MS_KIND_COMMAND);
        if (command != NULL) {
            result(&s, 50, token_of(command), MS_STATUS_OK, "");
        } else {
            receive(&s, 50, &(struct ms_command){.kind = MS_KIND_BEAT});
            tick_at(&s, s.now + MS_SEC / 4);
        }
    }
    run_until(&s, s.now + MS_KEEP_AGE_DEFAULT + MS_SEC);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(stats_of(&s).client_records_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

TESTS(an_empty_master_wants_nothing, an_error_of_the_peer_ends_its_connection_only,
      no_sequence_of_frames_breaks_an_invariant, everything_is_given_back_in_the_end)
