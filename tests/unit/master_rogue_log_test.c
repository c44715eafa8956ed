/* A peer that says anything: the mirror and the follower close the connection, and nothing worse. */
#include "master_stream.h"
#include "core/limits.h"
#include "core/rng.h"
#include "master/follower.h"
#include "master/mirror.h"

#define REIGN   ((ms_epoch)7)
#define PEER    ((ms_peer)3)
#define STEPS   200000
#define SEQ_MAX 60

static struct stream *stream;
static struct ms_rng rng;

static void set_up(void)
{
    stream = stream_make();
    ms_rng_init(&rng, 5);
}

static void tear_down(void)
{
    stream_drop(stream);
}

/* Entries that may be sound, or cut, or damaged. */
static struct ms_bytes some_entries(void)
{
    ms_seq seq = ms_rng_below(&rng, SEQ_MAX) + 1;
    struct ms_bytes bytes;

    for (uint64_t i = ms_rng_below(&rng, 4); i > 0; i--) {
        if (ms_rng_chance(&rng, 1, 8)) {
            stream_erase(stream, ms_rng_below(&rng, SEQ_MAX) + 1);
        } else {
            stream_put(stream, seq);
            seq += ms_rng_below(&rng, 3);
        }
    }
    bytes = stream_entries(stream);
    if (bytes.size > 0 && ms_rng_chance(&rng, 1, 8)) {
        bytes.size = ms_rng_below(&rng, bytes.size);
    } else if (bytes.size > 0 && ms_rng_chance(&rng, 1, 8)) {
        stream->entries[ms_rng_below(&rng, bytes.size)] ^= 1;
    }
    return bytes;
}

/* About places that number is one of. */
static struct ms_command some_command(uint64_t number)
{
    static const uint8_t kinds[] = {MS_KIND_LOG_COPY, MS_KIND_LOG, MS_KIND_LOG_ACK,
                                    MS_KIND_LOG_LIVE};
    static const uint8_t rare[] = {MS_KIND_FOLLOW_LOG, MS_KIND_LOG_BEGIN, MS_KIND_BEAT};
    const uint64_t kind = ms_rng_below(&rng, 3);

    return (struct ms_command){
        .kind = ms_rng_chance(&rng, 1, 8) ? rare[kind] : kinds[kind],
        .flags = (uint8_t)(ms_rng_chance(&rng, 1, 2) | (ms_rng_chance(&rng, 1, 8) ? 2 : 0)),
        .error = ms_rng_chance(&rng, 1, 20) ? MS_E_NOT_ACTIVE : MS_E_OK,
        .token = {ms_rng_chance(&rng, 1, 8) ? REIGN + 1 : REIGN, number - ms_rng_below(&rng, 3)},
        .id.seq = ms_rng_below(&rng, SEQ_MAX + 2),
        .count = ms_rng_chance(&rng, 1, 8) ? ms_rng_below(&rng, 100) : 0,
        .payload = some_entries(),
    };
}

/* One PERSIST, the last effect of its step, and whole entries in it. */
static unsigned check_effects(unsigned *clears)
{
    unsigned writes = 0;

    for (size_t i = 0; i < stream->count; i++) {
        const struct ms_effect *effect = &stream->effects[i];
        struct ms_bytes entries = effect->command.payload;
        struct ms_entry entry;

        *clears += effect->type == MS_EFFECT_CLEAR;
        if (effect->type == MS_EFFECT_PERSIST) {
            ck_assert_uint_eq(i, stream->count - 1);
            ck_assert_uint_gt(entries.size, 0);
            while (entries.size > 0) {
                ck_assert(ms_record_next(&entries, &entry));
                ck_assert_uint_le(entry.seq, effect->seq);
            }
            writes++;
        }
    }
    return writes;
}

/* Its own store has anything, too. */
static void let_read(struct ms_follower *follower)
{
    const struct ms_command command = {.payload = ms_rng_chance(&rng, 1, 4) ? some_entries()
                                                                            : (struct ms_bytes){0}};

    if (ms_follower_is_reading(follower)) {
        ms_follower_scanned(
            follower, &(struct ms_event){.type = MS_EVENT_SCANNED, .seq = 1, .command = &command});
    } else {
        (void)ms_follower_read(follower);
    }
}

START_TEST(a_follower_bears_an_active_that_says_anything)
{
    struct ms_follower *follower = ms_follower_create(&stream->engine);
    unsigned writes = 0, clears = 0, answered = 0;

    for (unsigned i = 0; i < STEPS; i++) {
        const struct ms_command command = some_command(ms_rng_below(&rng, 6) + 2);

        switch (ms_rng_below(&rng, 16)) {
        case 0:
            if (ms_rng_chance(&rng, 1, 10)) {
                ms_follower_follow(follower, PEER + i, REIGN, 0);
            }
            break;
        case 1:
            ms_follower_treasure(follower, ms_rng_chance(&rng, 1, 2));
            ms_follower_go_on(follower);
            break;
        case 2:
            if (answered < clears) {
                answered++;
                ms_follower_cleared(follower, ms_rng_chance(&rng, 1, 4));
            }
            break;
        case 3:
            ms_follower_persisted(follower, ms_rng_below(&rng, SEQ_MAX));
            break;
        case 4:
        case 5:
        case 6:
        case 7:
        case 8:
            let_read(follower);
            break;
        default:
            if (!ms_follower_hear(follower, REIGN, &command) && ms_rng_chance(&rng, 1, 40)) {
                ms_follower_leave(follower);
            }
            break;
        }
        (void)ms_follower_news(follower);
        stream_step(stream);
        writes += check_effects(&clears);
        ck_assert_uint_le(clears - answered, 1);
    }
    ck_assert_uint_gt(writes, 50); /* it has come so far */
    ms_follower_destroy(follower);
}
END_TEST

static void let_scan(struct ms_mirror *mirror)
{
    const struct ms_command command = {.payload = some_entries()};

    ms_mirror_scanned(mirror, &(struct ms_event){.type = MS_EVENT_SCANNED,
                                                 .seq = ms_rng_below(&rng, SEQ_MAX),
                                                 .command = &command});
}

START_TEST(a_mirror_bears_a_passive_that_says_anything)
{
    struct ms_mirror *mirror = ms_mirror_create(&stream->engine);
    unsigned scans = 0, sent = 0;
    bool is_scanning = false;
    ms_seq last = 1;

    ms_mirror_begin(mirror, REIGN, last);
    ms_mirror_connect(mirror, PEER);
    for (unsigned i = 0; i < STEPS; i++) {
        const struct ms_command command = some_command(last + 1);

        if (ms_rng_chance(&rng, 1, 8)) {
            stream_put(stream, ++last);
            ck_assert(ms_mirror_append(mirror, last, stream_entries(stream)));
            ms_mirror_persisted(mirror, last);
        } else if (is_scanning && ms_rng_chance(&rng, 1, 2)) {
            is_scanning = false;
            let_scan(mirror);
        } else if (!ms_mirror_hear(mirror, REIGN, &command) && ms_rng_chance(&rng, 1, 40)) {
            ms_mirror_connect(mirror, PEER + i);
        }
        if (ms_rng_chance(&rng, 1, 500)) {
            ms_mirror_end(mirror);
            last = 1;
            ms_mirror_begin(mirror, REIGN, last);
        }
        (void)ms_mirror_pump(mirror, true);
        stream_step(stream);
        for (size_t k = 0; k < stream->count; k++) {
            is_scanning = is_scanning || stream->effects[k].type == MS_EFFECT_SCAN;
            scans += stream->effects[k].type == MS_EFFECT_SCAN;
            sent += stream->effects[k].command.kind == MS_KIND_LOG;
        }
        ck_assert_uint_le(ms_mirror_covered(mirror), last);
    }
    ck_assert_uint_gt(scans, 50);
    ck_assert_uint_gt(sent, 50);
    ms_mirror_destroy(mirror);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("rogue_log");
    TCase *tests = tcase_create("rogue_log");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_follower_bears_an_active_that_says_anything);
    tcase_add_test(tests, a_mirror_bears_a_passive_that_says_anything);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
