#include "slave/witness.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"
#include "proto/pair_record.h"
#include "tests/support/suite.h"

#define A_PEER 11 /* connection to the primary */
#define B_PEER 12
#define CLUSTER                                                                                    \
    {                                                                                              \
        {                                                                                          \
            0xcc                                                                                   \
        }                                                                                          \
    }

static struct ms_witness *witness;
static ms_time now;
static struct ms_effect effects[64];
static struct ms_pair_frame frames[64]; /* of the effects that have one */
static uint32_t effects_count;
static struct ms_council_record stored;

static void step(const struct ms_event *event)
{
    struct ms_engine *engine = ms_witness_engine(witness);

    effects_count = 0;
    ms_engine_step(engine, now, event);
    while (ms_engine_poll(engine, &effects[effects_count])) {
        struct ms_effect *effect = &effects[effects_count];

        if (effect->type == MS_EFFECT_STORE) {
            ck_assert_int_eq(ms_pair_record_read(effect->command.payload, &stored), MS_E_OK);
        } else if (effect->type == MS_EFFECT_SEND && effect->command.body.pair != NULL) {
            frames[effects_count] = *effect->command.body.pair;
        }
        effects_count++;
    }
}

static const struct ms_effect *find(enum ms_effect_type type)
{
    for (uint32_t i = 0; i < effects_count; i++) {
        if (effects[i].type == type) {
            return &effects[i];
        }
    }
    return NULL;
}

/* What was said of that kind in the last step; NULL = nothing. */
static const struct ms_command *said(enum ms_kind kind)
{
    for (uint32_t i = 0; i < effects_count; i++) {
        if (effects[i].type == MS_EFFECT_SEND && effects[i].command.kind == kind) {
            return &effects[i].command;
        }
    }
    return NULL;
}

static void tick(void)
{
    step(&(struct ms_event){.type = MS_EVENT_TICK});
}

static void hear(ms_peer peer, const struct ms_command *command)
{
    step(&(struct ms_event){.type = MS_EVENT_RECEIVED, .peer = peer, .command = command});
}

static void is_stored(enum ms_error error)
{
    step(&(struct ms_event){.type = MS_EVENT_STORED, .error = error});
}

static void open_link(uint32_t tag, ms_peer peer, uint8_t place)
{
    const struct ms_pair_frame hello = {.role = MS_ROLE_MASTER,
                                        .version_min = 1,
                                        .version_max = 1,
                                        .cluster = CLUSTER,
                                        .id = {{0xa0}},
                                        .node = place};

    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .tag = tag, .peer = peer});
    ck_assert_ptr_nonnull(said(MS_KIND_PEER_HELLO));
    hear(peer, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
}

static void create(const struct ms_voter *voter, const char *masters, uint32_t dials)
{
    now = 100 * MS_SEC;
    witness = ms_witness_create(&(struct ms_witness_config){
        .voter = *voter, .id = {{0xee}}, .masters = masters, .seed = 3, .name = "w"});
    ck_assert_ptr_nonnull(witness);
    tick();
    ck_assert_uint_eq(effects_count, dials);
    ck_assert_int_eq(effects[0].type, MS_EFFECT_CONNECT);
    ck_assert_uint_eq(effects[0].tag, 1);
}

static void begin(const struct ms_voter *voter)
{
    create(voter, "a:1,b:2", 2);
    open_link(1, A_PEER, 0);
    open_link(2, B_PEER, 1);
}

static struct ms_decision decision_of(ms_epoch epoch, enum ms_decision_kind kind, uint8_t proposer,
                                      bool is_pair)
{
    struct ms_decision decision = {
        .epoch = epoch, .kind = kind, .proposer = proposer, .active = proposer};

    for (uint8_t i = 0; i < MS_MASTERS; i++) {
        if (is_pair || i == proposer) {
            decision.set[i] = (struct ms_uuid){{(uint8_t)(0xa0 + i)}};
        }
    }
    return decision;
}

static void say_about(ms_peer peer, enum ms_kind kind, const struct ms_decision *decision)
{
    const struct ms_pair_frame frame = {.cluster = CLUSTER,
                                        .promised = decision->epoch,
                                        .served = decision->epoch,
                                        .state = MS_COUNCIL_PAIR,
                                        .decision = *decision};

    hear(peer, &(struct ms_command){.kind = (uint8_t)kind, .body.pair = &frame});
}

/* The pair of epoch 5 is served by the primary. */
static void set_up(void)
{
    const struct ms_voter voter = {
        .cluster = CLUSTER, .promised = 5, .accepted = decision_of(5, MS_DECISION_JOIN, 0, true)};

    begin(&voter);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &voter.accepted);
}

static void tear_down(void)
{
    ms_witness_destroy(witness);
}

START_TEST(test_a_vote_leaves_when_it_is_durable)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);

    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    ck_assert_ptr_nonnull(find(MS_EFFECT_STORE));
    ck_assert_ptr_null(said(MS_KIND_VOTE));
    ck_assert_uint_eq(stored.voter.promised, 6);
    ck_assert_uint_eq(ms_witness_voter(witness)->promised, 5);
    is_stored(MS_E_OK);
    ck_assert_ptr_nonnull(said(MS_KIND_VOTE));
    ck_assert_uint_eq(said(MS_KIND_VOTE)->error, MS_E_OK);
    ck_assert_uint_eq(ms_witness_voter(witness)->promised, 6);
}
END_TEST

/* The disk takes its time: it beats, and votes for nobody before it knows. */
START_TEST(test_while_it_stores_it_beats_and_votes_for_nobody)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);
    const struct ms_decision rival = decision_of(7, MS_DECISION_SOLO, 0, false);

    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    now += MS_PEER_BEAT_DEFAULT;
    tick();
    ck_assert_ptr_nonnull(said(MS_KIND_PEER_BEAT));
    ck_assert_uint_eq(said(MS_KIND_PEER_BEAT)->body.pair->promised, 5);
    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    ck_assert_uint_eq(effects_count, 0);
    say_about(A_PEER, MS_KIND_PROPOSE, &rival);
    ck_assert_uint_eq(effects_count, 0);
    is_stored(MS_E_OK);
    ck_assert_uint_eq(said(MS_KIND_VOTE)->error, MS_E_OK);
    ck_assert_uint_eq(said(MS_KIND_VOTE)->body.pair->promised, 6);
    say_about(A_PEER, MS_KIND_PROPOSE, &rival);
    ck_assert_uint_eq(said(MS_KIND_VOTE)->error, MS_E_PERMISSION);
}
END_TEST

START_TEST(test_a_promise_is_kept)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);
    const struct ms_decision rival = decision_of(6, MS_DECISION_SOLO, 0, false);

    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    is_stored(MS_E_OK);
    say_about(A_PEER, MS_KIND_PROPOSE, &rival);
    ck_assert_uint_eq(said(MS_KIND_VOTE)->error, MS_E_STALE_EPOCH);
    say_about(B_PEER, MS_KIND_PROPOSE, &solo); /* asked again, it says the same again */
    ck_assert_uint_eq(said(MS_KIND_VOTE)->error, MS_E_OK);
    ck_assert_ptr_null(find(MS_EFFECT_STORE));
}
END_TEST

START_TEST(test_who_is_not_in_s_gets_no_vote)
{
    const struct ms_decision first = decision_of(6, MS_DECISION_SOLO, 0, false);
    const struct ms_decision second = decision_of(7, MS_DECISION_SOLO, 1, false);

    say_about(A_PEER, MS_KIND_PROPOSE, &first);
    is_stored(MS_E_OK);
    say_about(B_PEER, MS_KIND_PROPOSE, &second);
    ck_assert_uint_eq(said(MS_KIND_VOTE)->error, MS_E_PERMISSION);
}
END_TEST

START_TEST(test_an_active_that_is_heard_is_not_replaced)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);
    const struct ms_decision own = decision_of(6, MS_DECISION_SOLO, 0, false);

    say_about(B_PEER, MS_KIND_PREVOTE, &solo);
    ck_assert_ptr_null(said(MS_KIND_PREVOTE_ACK)); /* it may be about to hear of its loss */
    ck_assert_int_le(ms_engine_deadline(ms_witness_engine(witness)), now + MS_WITNESS_DOUBT);
    now += MS_WITNESS_DOUBT;
    tick();
    ck_assert_uint_ne(said(MS_KIND_PREVOTE_ACK)->error, MS_E_OK);
    tick();
    ck_assert_ptr_null(said(MS_KIND_PREVOTE_ACK)); /* that was the answer */
    say_about(A_PEER, MS_KIND_PREVOTE, &own);      /* it may itself go on alone */
    ck_assert_uint_eq(said(MS_KIND_PREVOTE_ACK)->error, MS_E_OK);
    now += MS_PEER_SILENT_DEFAULT;
    say_about(B_PEER, MS_KIND_PREVOTE, &solo);
    ck_assert_uint_eq(said(MS_KIND_PREVOTE_ACK)->error, MS_E_OK);
    ck_assert_ptr_null(find(MS_EFFECT_STORE)); /* a question binds nobody */
}
END_TEST

START_TEST(test_a_dead_active_is_replaced_at_once)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);
    uint32_t tag;

    say_about(B_PEER, MS_KIND_PREVOTE, &solo);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = A_PEER, .error = MS_E_CLOSED});
    ck_assert_ptr_null(said(MS_KIND_PREVOTE_ACK));
    ck_assert_ptr_nonnull(find(MS_EFFECT_CONNECT)); /* somebody wants to know whether it is dead */
    tag = find(MS_EFFECT_CONNECT)->tag;
    step(&(struct ms_event){
        .type = MS_EVENT_PEER_CLOSED, .tag = tag, .count = 1, .error = MS_E_UNREACHABLE});
    ck_assert_uint_eq(said(MS_KIND_PREVOTE_ACK)->error, MS_E_OK);
    now += MS_WITNESS_DOUBT;
    tick();
    ck_assert_ptr_null(said(MS_KIND_PREVOTE_ACK));
    say_about(B_PEER, MS_KIND_PREVOTE, &solo);
    ck_assert_uint_eq(said(MS_KIND_PREVOTE_ACK)->error, MS_E_OK);
}
END_TEST

static void refuse(uint32_t tag)
{
    step(&(struct ms_event){
        .type = MS_EVENT_PEER_CLOSED, .tag = tag, .count = 1, .error = MS_E_UNREACHABLE});
}

static void assert_active_is_kept(void)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);

    say_about(B_PEER, MS_KIND_PREVOTE, &solo);
    ck_assert_ptr_null(said(MS_KIND_PREVOTE_ACK));
    now += MS_WITNESS_DOUBT;
    tick();
    ck_assert_uint_ne(said(MS_KIND_PREVOTE_ACK)->error, MS_E_OK);
}

/* Of nobody that has ever been there. */
START_TEST(test_a_dead_address_is_no_dead_master)
{
    const struct ms_voter voter = {
        .cluster = CLUSTER, .promised = 5, .accepted = decision_of(5, MS_DECISION_JOIN, 0, true)};

    tear_down();
    create(&voter, "a:1,b:2,old:3", 3);
    open_link(1, A_PEER, 0);
    open_link(2, B_PEER, 1);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &voter.accepted);
    refuse(3);
    assert_active_is_kept();
}
END_TEST

/* The active is reached at two addresses, and then at one of them only. */
START_TEST(test_a_master_that_is_met_elsewhere_is_not_dead)
{
    const struct ms_voter voter = {
        .cluster = CLUSTER, .promised = 5, .accepted = decision_of(5, MS_DECISION_JOIN, 0, true)};

    tear_down();
    create(&voter, "a:1,b:2,virtual:3", 3);
    open_link(1, A_PEER, 0);
    open_link(2, B_PEER, 1);
    open_link(3, 13, 0);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &voter.accepted);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = 13, .error = MS_E_CLOSED});
    refuse(find(MS_EFFECT_CONNECT)->tag);
    assert_active_is_kept();
}
END_TEST

/* It has moved, and its connection is lost, which is no sign that it is dead; that nobody is at its old address is none either. */
START_TEST(test_where_a_master_was_before_says_nothing_of_it)
{
    const struct ms_voter voter = {
        .cluster = CLUSTER, .promised = 5, .accepted = decision_of(5, MS_DECISION_JOIN, 0, true)};

    tear_down();
    create(&voter, "old:1,b:2,new:3", 3);
    open_link(1, A_PEER, 0);
    open_link(2, B_PEER, 1);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = A_PEER, .error = MS_E_CLOSED});
    const uint32_t tag = find(MS_EFFECT_CONNECT)->tag;

    open_link(3, 13, 0);
    say_about(13, MS_KIND_PEER_BEAT, &voter.accepted);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = 13, .error = MS_E_CLOSED});
    refuse(tag);
    assert_active_is_kept();
}
END_TEST

START_TEST(test_who_asked_and_left_is_not_answered)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);

    say_about(B_PEER, MS_KIND_PREVOTE, &solo);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = B_PEER, .error = MS_E_CLOSED});
    now += MS_WITNESS_DOUBT;
    tick();
    ck_assert_ptr_null(said(MS_KIND_PREVOTE_ACK));
}
END_TEST

START_TEST(test_a_stale_active_is_told)
{
    const struct ms_decision old = decision_of(5, MS_DECISION_JOIN, 0, true);
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);

    say_about(B_PEER, MS_KIND_DECIDED, &solo);
    ck_assert_ptr_nonnull(find(MS_EFFECT_STORE));
    is_stored(MS_E_OK);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &old);
    ck_assert_ptr_nonnull(said(MS_KIND_STALE));
    ck_assert_uint_eq(frames[0].promised, 6);
}
END_TEST

/* An active that hears of a vote only goes on: it may never be decided. */
START_TEST(test_it_tells_what_is_decided_from_what_it_voted_for)
{
    const struct ms_decision old = decision_of(5, MS_DECISION_JOIN, 0, true);
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);

    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    is_stored(MS_E_OK);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &old);
    ck_assert_ptr_nonnull(said(MS_KIND_STALE));
    ck_assert_uint_eq(frames[0].decision.epoch, 6);
    ck_assert_uint_eq(frames[0].served, 5);
    say_about(B_PEER, MS_KIND_PEER_BEAT, &solo);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &old);
    ck_assert_ptr_nonnull(said(MS_KIND_STALE));
    ck_assert_uint_eq(frames[0].decision.epoch, 6);
    ck_assert_uint_eq(frames[0].served, 6);
}
END_TEST

START_TEST(test_another_cluster_is_none_of_ours)
{
    const struct ms_decision solo = decision_of(9, MS_DECISION_SOLO, 1, false);
    const struct ms_pair_frame frame = {.cluster = {{0xdd}}, .promised = 9, .decision = solo};

    hear(B_PEER, &(struct ms_command){.kind = MS_KIND_PROPOSE, .body.pair = &frame});
    ck_assert_uint_ne(said(MS_KIND_VOTE)->error, MS_E_OK);
    ck_assert_ptr_null(find(MS_EFFECT_STORE));
}
END_TEST

START_TEST(test_without_a_disk_nothing_is_voted)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);

    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    is_stored(MS_E_STORE_FAILED);
    ck_assert_ptr_null(said(MS_KIND_VOTE));
    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    ck_assert_ptr_null(said(MS_KIND_VOTE));
}
END_TEST

/* Masters that count on it must see that it is not there. */
START_TEST(test_without_a_disk_it_leaves)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);
    uint32_t closed = 0;

    say_about(B_PEER, MS_KIND_PROPOSE, &solo);
    is_stored(MS_E_STORE_FAILED);
    for (uint32_t i = 0; i < effects_count; i++) {
        closed += effects[i].type == MS_EFFECT_CLOSE;
    }
    ck_assert_uint_eq(closed, 2);
    ck_assert_ptr_nonnull(find(MS_EFFECT_STOPPED));
    ck_assert_int_eq(find(MS_EFFECT_STOPPED)->error, MS_E_STORE_FAILED);
    ck_assert_int_eq(ms_engine_deadline(ms_witness_engine(witness)), MS_TIME_NEVER);
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    ck_assert_ptr_null(find(MS_EFFECT_STOPPED)); /* once */
}
END_TEST

START_TEST(test_a_new_witness_learns_whom_it_belongs_to)
{
    const struct ms_voter nothing = {.promised = 0};
    const struct ms_decision pair = decision_of(5, MS_DECISION_JOIN, 0, true);

    tear_down();
    begin(&nothing);
    say_about(A_PEER, MS_KIND_PEER_BEAT, &pair);
    is_stored(MS_E_OK);
    ck_assert_uint_eq(ms_witness_voter(witness)->promised, 5);
    ck_assert_uint_eq(ms_witness_voter(witness)->cluster.bytes[0], 0xcc);
}
END_TEST

static struct ms_start start_of(uint64_t number, uint64_t life)
{
    return (struct ms_start){.number = number, .lives = {life, life - 1}};
}

/* The backup beats, and says which start it is. */
static void beat_of(uint64_t number, uint64_t life, bool is_fresh)
{
    const struct ms_pair_frame frame = {.cluster = CLUSTER,
                                        .id = {{0xa0}},
                                        .node = 1,
                                        .is_fresh = is_fresh,
                                        .start = start_of(number, life)};

    hear(B_PEER, &(struct ms_command){.kind = MS_KIND_PEER_BEAT, .body.pair = &frame});
}

START_TEST(test_the_newest_start_of_a_half_is_remembered)
{
    beat_of(7, 70, false);
    ck_assert_ptr_nonnull(find(MS_EFFECT_STORE));
    ck_assert_uint_eq(stored.known[1].number, 7);
    ck_assert_uint_eq(stored.known[1].life, 70);
    ck_assert_uint_eq(stored.known[0].number, 0);
    ck_assert_uint_eq(stored.voter.promised, 5);
    beat_of(8, 71, false); /* while that is being written */
    ck_assert_ptr_null(find(MS_EFFECT_STORE));
    is_stored(MS_E_OK);
    ck_assert_uint_eq(stored.known[1].number, 8);
    is_stored(MS_E_OK);
    beat_of(9, 72, true); /* it has no rights yet */
    ck_assert_ptr_null(find(MS_EFFECT_STORE));
    beat_of(0, 0, false);
    ck_assert_ptr_null(find(MS_EFFECT_CLOSE));
}
END_TEST

START_TEST(test_a_half_with_an_old_copy_is_told_when_it_is_dialled_anew)
{
    const struct ms_decision solo = decision_of(6, MS_DECISION_SOLO, 1, false);
    const struct ms_effect *dial;

    beat_of(7, 70, false);
    is_stored(MS_E_OK);
    beat_of(7, 71, false);
    ck_assert_ptr_nonnull(find(MS_EFFECT_CLOSE));
    ck_assert_ptr_null(said(MS_KIND_PEER_BEAT));
    say_about(B_PEER, MS_KIND_PROPOSE, &solo); /* it was closed */
    ck_assert_uint_eq(effects_count, 0);
    now += 10 * MS_SEC;
    tick();
    dial = find(MS_EFFECT_CONNECT);
    ck_assert_ptr_nonnull(dial);
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .tag = dial->tag, .peer = 13});
    ck_assert_ptr_nonnull(said(MS_KIND_PEER_HELLO));
    ck_assert_uint_eq(said(MS_KIND_PEER_HELLO)->body.pair->known[1].number, 7);
}
END_TEST

START_TEST(test_who_greets_with_an_old_copy_is_not_met)
{
    struct ms_pair_frame hello = {.role = MS_ROLE_MASTER,
                                  .version_min = 1,
                                  .version_max = 1,
                                  .cluster = CLUSTER,
                                  .id = {{0xa0}},
                                  .node = 1,
                                  .start = start_of(6, 60)};

    beat_of(7, 70, false);
    is_stored(MS_E_OK);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = B_PEER});
    step(&(struct ms_event){
        .type = MS_EVENT_PEER_OPENED, .tag = find(MS_EFFECT_CONNECT)->tag, .peer = 13});
    hear(13, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    ck_assert_ptr_nonnull(find(MS_EFFECT_CLOSE));
    now += 10 * MS_SEC;
    tick();
    step(&(struct ms_event){
        .type = MS_EVENT_PEER_OPENED, .tag = find(MS_EFFECT_CONNECT)->tag, .peer = 14});
    hello.id.bytes[0] = 0xa9; /* an empty directory in its place */
    hello.is_fresh = true;
    hello.start = (struct ms_start){.number = 1, .lives = {10}};
    hear(14, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    ck_assert_ptr_null(find(MS_EFFECT_CLOSE));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, test_a_vote_leaves_when_it_is_durable);
    tcase_add_test(all, test_while_it_stores_it_beats_and_votes_for_nobody);
    tcase_add_test(all, test_a_promise_is_kept);
    tcase_add_test(all, test_who_is_not_in_s_gets_no_vote);
    tcase_add_test(all, test_an_active_that_is_heard_is_not_replaced);
    tcase_add_test(all, test_a_dead_active_is_replaced_at_once);
    tcase_add_test(all, test_a_dead_address_is_no_dead_master);
    tcase_add_test(all, test_a_master_that_is_met_elsewhere_is_not_dead);
    tcase_add_test(all, test_where_a_master_was_before_says_nothing_of_it);
    tcase_add_test(all, test_who_asked_and_left_is_not_answered);
    tcase_add_test(all, test_a_stale_active_is_told);
    tcase_add_test(all, test_it_tells_what_is_decided_from_what_it_voted_for);
    tcase_add_test(all, test_another_cluster_is_none_of_ours);
    tcase_add_test(all, test_without_a_disk_nothing_is_voted);
    tcase_add_test(all, test_without_a_disk_it_leaves);
    tcase_add_test(all, test_a_new_witness_learns_whom_it_belongs_to);
    tcase_add_test(all, test_the_newest_start_of_a_half_is_remembered);
    tcase_add_test(all, test_a_half_with_an_old_copy_is_told_when_it_is_dialled_anew);
    tcase_add_test(all, test_who_greets_with_an_old_copy_is_not_met);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
