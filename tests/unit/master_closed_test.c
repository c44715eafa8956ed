/* Closed numbers: a floor, and bits above it. */
#include "core/rng.h"
#include "master/closed.h"
#include "master_script.h"

static struct ms_slab slab;

static void begin(struct ms_closed *closed)
{
    ms_slab_init(&slab, 64u << 20);
    ms_closed_init(closed, 1);
}

static void end(struct ms_closed *closed)
{
    ms_closed_finish(closed, &slab);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    ms_slab_finish(&slab);
}

START_TEST(in_order_it_is_only_a_floor)
{
    struct ms_closed closed;

    begin(&closed);
    for (uint64_t seq = 1; seq <= 10000; seq++) {
        ck_assert(!ms_closed_has(&closed, seq));
        ck_assert(ms_closed_add(&closed, &slab, seq));
    }
    ck_assert_uint_eq(closed.floor, 10000);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    end(&closed);
}
END_TEST

START_TEST(a_gap_holds_the_floor_until_it_closes)
{
    struct ms_closed closed;

    begin(&closed);
    for (uint64_t seq = 2; seq <= 100000; seq++) {
        ck_assert(ms_closed_add(&closed, &slab, seq));
    }
    ck_assert_uint_eq(closed.floor, 0);
    ck_assert(!ms_closed_has(&closed, 1));
    ck_assert(ms_closed_has(&closed, 2) && ms_closed_has(&closed, 100000));
    ck_assert(!ms_closed_has(&closed, 100001));
    ck_assert_uint_lt(ms_slab_used(&slab), 16384);
    ck_assert(ms_closed_add(&closed, &slab, 1));
    ck_assert_uint_eq(closed.floor, 100000);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    end(&closed);
}
END_TEST

START_TEST(any_order_gives_the_same_answers)
{
    enum { COUNT = 20000 };
    static uint64_t order[COUNT];
    static bool is_closed[COUNT + 1];
    struct ms_closed closed;
    struct ms_rng rng;

    begin(&closed);
    ms_rng_init(&rng, 42);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t at = ms_rng_below(&rng, i + 1);

        order[i] = order[at];
        order[at] = i + 1;
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        ck_assert(ms_closed_has(&closed, order[i]) == is_closed[order[i]]);
        ck_assert(ms_closed_add(&closed, &slab, order[i]));
        ck_assert(ms_closed_add(&closed, &slab, order[i]));
        is_closed[order[i]] = true;
        uint64_t probe = 1 + ms_rng_below(&rng, COUNT);
        ck_assert(ms_closed_has(&closed, probe) == is_closed[probe]);
    }
    ck_assert_uint_eq(closed.floor, COUNT);
    end(&closed);
}
END_TEST

START_TEST(raising_forgets_what_is_below)
{
    struct ms_closed closed;

    begin(&closed);
    ck_assert(ms_closed_add(&closed, &slab, 5));
    ck_assert(ms_closed_add(&closed, &slab, 50000));
    ms_closed_raise(&closed, &slab, 3);
    ck_assert_uint_eq(closed.floor, 3);
    ms_closed_raise(&closed, &slab, 4);
    ck_assert_uint_eq(closed.floor, 5);
    ms_closed_raise(&closed, &slab, 2);
    ck_assert_uint_eq(closed.floor, 5);
    ms_closed_raise(&closed, &slab, 49999);
    ck_assert_uint_eq(closed.floor, 50000);
    ms_closed_raise(&closed, &slab, UINT64_MAX);
    ck_assert(ms_closed_has(&closed, UINT64_MAX));
    end(&closed);
}
END_TEST

START_TEST(scattered_numbers_are_bounded)
{
    struct ms_closed closed;

    begin(&closed);
    for (uint64_t i = 1; i <= MS_CLOSED_CHUNKS_MAX; i++) {
        ck_assert(!ms_closed_is_full(&closed));
        ck_assert(ms_closed_add(&closed, &slab, i * 4096));
    }
    ck_assert(ms_closed_is_full(&closed));
    ck_assert(!ms_closed_add(&closed, &slab, (uint64_t)1 << 60));
    ck_assert(ms_closed_add(&closed, &slab, 4097));
    end(&closed);
}
END_TEST

/* Takes all that changed, as records with numbers from *next on; returns how many. */
static int write_all(struct ms_closed *closed, struct ms_closed_span *spans_out, ms_seq *next)
{
    int count = 0;

    while (ms_closed_next_changed(closed, &spans_out[count])) {
        *spans_out[count].record = (*next)++;
        count++;
    }
    return count;
}

START_TEST(only_spans_that_changed_are_told)
{
    struct ms_closed_span spans[4];
    struct ms_closed closed;
    ms_seq next = 1;

    begin(&closed);
    ck_assert(ms_closed_add(&closed, &slab, 9));
    ck_assert(ms_closed_add(&closed, &slab, 5000));
    ck_assert_int_eq(write_all(&closed, spans, &next), 2);
    ck_assert_int_eq(write_all(&closed, spans, &next), 0);
    ck_assert(ms_closed_add(&closed, &slab, 5000)); /* known */
    ck_assert_int_eq(write_all(&closed, spans, &next), 0);
    ck_assert(ms_closed_add(&closed, &slab, 5001));
    ck_assert_int_eq(write_all(&closed, spans, &next), 1);
    ck_assert_uint_eq(spans[0].number, 1);
    ck_assert_uint_eq(spans[0].size, (5001 - 4096) / 8 + 1);
    end(&closed);
}
END_TEST

START_TEST(what_is_told_reads_back_the_same)
{
    enum { COUNT = 5000, HIGHEST = 20000 };
    static struct ms_closed_span spans[16];
    struct ms_closed closed, again;
    struct ms_rng rng;
    ms_seq next = 1;
    bool is_kept = false;

    begin(&closed);
    ms_closed_init(&again, 2);
    ms_rng_init(&rng, 7);
    for (int i = 0; i < COUNT; i++) {
        ck_assert(ms_closed_add(&closed, &slab, 2 + ms_rng_below(&rng, HIGHEST - 1)));
    }
    const int count = write_all(&closed, spans, &next);

    ck_assert_int_eq(count, HIGHEST / 4096 + 1);
    for (int i = 0; i < count; i++) {
        const struct ms_closed_record record = {
            spans[i].number, spans[i].count, {spans[i].bits, spans[i].size}, (ms_seq)i + 1};

        ck_assert(ms_closed_load(&again, &slab, &record, &is_kept));
        ck_assert(is_kept);
    }
    for (uint64_t seq = 1; seq <= HIGHEST + 10; seq++) {
        ck_assert(ms_closed_has(&again, seq) == ms_closed_has(&closed, seq));
    }
    ck_assert(!ms_closed_next_changed(&again, &spans[0]));
    ms_closed_finish(&again, &slab);
    end(&closed);
}
END_TEST

START_TEST(spans_below_the_floor_give_their_records_back)
{
    struct ms_closed_span spans[4];
    struct ms_closed closed;
    ms_seq next = 11;
    bool is_kept = true;
    const uint8_t bits[] = {0xff};

    begin(&closed);
    ck_assert(ms_closed_add(&closed, &slab, 9));
    ck_assert(ms_closed_add(&closed, &slab, 5000));
    ck_assert_int_eq(write_all(&closed, spans, &next), 2);
    ck_assert_uint_eq(ms_closed_next_gone(&closed, &slab), 0);
    ms_closed_raise(&closed, &slab, 9000);
    const ms_seq first = ms_closed_next_gone(&closed, &slab);
    const ms_seq second = ms_closed_next_gone(&closed, &slab);

    ck_assert_uint_eq(first + second, 11 + 12);
    ck_assert_uint_ne(first, second);
    ck_assert_uint_eq(ms_closed_next_gone(&closed, &slab), 0);
    ck_assert(
        ms_closed_load(&closed, &slab, &(struct ms_closed_record){0, 0, {bits, 1}, 30}, &is_kept));
    ck_assert(!is_kept);
    end(&closed);
}
END_TEST

START_TEST(ranges_are_closed_like_one_by_one)
{
    static const uint64_t ranges[][2] = {{5000, 5000},   {4096, 8191}, {10, 20},
                                         {9000, 20481},  {1, 9},       {30000, 30010},
                                         {25000, 40000}, {21, 4095}};
    struct ms_closed whole, single;
    struct ms_slab other;

    begin(&whole);
    ms_slab_init(&other, 64u << 20);
    ms_closed_init(&single, 2);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        ck_assert(ms_closed_add_range(&whole, &slab, ranges[i][0], ranges[i][1]));
        for (uint64_t seq = ranges[i][0]; seq <= ranges[i][1]; seq++) {
            ck_assert(ms_closed_add(&single, &other, seq));
        }
        ck_assert_uint_eq(whole.floor, single.floor);
        ck_assert_uint_eq(whole.partial_count, single.partial_count);
        for (uint64_t seq = 1; seq < 42000; seq++) {
            ck_assert(ms_closed_has(&whole, seq) == ms_closed_has(&single, seq));
        }
    }
    ck_assert_uint_eq(whole.floor, 8191);
    ck_assert(ms_closed_has_any(&whole, 8191, 8300) && ms_closed_has_any(&whole, 8200, 9000));
    ck_assert(!ms_closed_has_any(&whole, 8192, 8999));
    ck_assert(!ms_closed_has_any(&whole, 40001, 1000000));
    ck_assert(ms_closed_has_any(&whole, 20482, 25000));
    ms_closed_finish(&single, &other);
    ms_slab_finish(&other);
    end(&whole);
}
END_TEST

/* The records of a client's closed numbers, as a store has them. */
struct records {
    struct ms_closed_span all[64];
    ms_seq seqs[64]; /* 0 = free */
    ms_seq last;
    int count;
};

static void put_record(struct records *records, const struct ms_closed_span *span)
{
    int place = 0;

    while (records->seqs[place] != 0) {
        place++;
        ck_assert_int_lt(place, 64);
    }
    records->all[place] = *span;
    records->seqs[place] = ++records->last;
    records->count++;
}

static void erase_record(struct records *records, ms_seq seq)
{
    for (int i = 0; i < 64; i++) {
        if (records->seqs[i] == seq) {
            records->seqs[i] = 0;
            records->count--;
            return;
        }
    }
    ck_abort_msg("erases record %llu, which is not there", (unsigned long long)seq);
}

/* As ms_floors_flush does. */
static void flush_to(struct records *records, struct ms_closed *closed)
{
    struct ms_closed_span span;
    ms_seq gone;

    while (ms_closed_next_changed(closed, &span)) {
        const ms_seq former = *span.record;

        put_record(records, &span);
        *span.record = records->last;
        if (former != 0) {
            erase_record(records, former);
        }
    }
    while ((gone = ms_closed_next_gone(closed, &slab)) != 0) {
        erase_record(records, gone);
    }
}

/* In the order of their numbers, after the floor. */
static void read_back(const struct records *records, uint64_t floor, struct ms_closed *closed)
{
    ms_closed_raise(closed, &slab, floor);
    for (ms_seq seq = 1; seq <= records->last; seq++) {
        for (int i = 0; i < 64; i++) {
            const struct ms_closed_span *span = &records->all[i];
            bool is_kept = false;

            if (records->seqs[i] == seq) {
                ck_assert(
                    ms_closed_load(closed, &slab,
                                   &(struct ms_closed_record){
                                       span->number, span->count, {span->bits, span->size}, seq},
                                   &is_kept));
                ck_assert(is_kept);
            }
        }
    }
}

START_TEST(what_passes_an_open_number_is_one_run)
{
    static struct records records;
    struct ms_closed closed, again;
    bool is_all = true;
    size_t used = 0;

    records = (struct records){0};
    begin(&closed);
    for (uint64_t seq = 2; seq <= 3000000; seq++) {
        is_all &= ms_closed_add(&closed, &slab, seq);
        if (seq % 1000 == 0) {
            flush_to(&records, &closed);
        }
        used = seq == 100000 ? ms_slab_used(&slab) : used;
    }
    ck_assert(is_all);
    ck_assert_uint_eq(ms_slab_used(&slab), used);
    ck_assert_int_eq(records.count, 3); /* of the first span, the run, the last span */
    ms_closed_init(&again, 2);
    read_back(&records, 0, &again);
    ck_assert(!ms_closed_has(&again, 1) && ms_closed_has(&again, 2));
    ck_assert(ms_closed_has(&again, 2999999) && !ms_closed_has(&again, 3000001));
    ck_assert(ms_closed_add(&again, &slab, 1));
    ck_assert_uint_eq(again.floor, 3000000);
    ms_closed_finish(&again, &slab);
    end(&closed);
}
END_TEST

/* A store of before: a record for each span, with all its bits. */
START_TEST(spans_with_all_bits_become_a_run)
{
    static uint8_t bits[MS_CLOSED_SPAN_BYTES];
    struct records records = {0};
    struct ms_closed closed;
    bool is_kept = false;

    begin(&closed);
    memset(bits, 0xff, sizeof bits);
    for (uint64_t number = 1; number <= 20; number++) {
        const struct ms_closed_record record = {number, 0, {bits, sizeof bits}, 100 + number};

        ck_assert(ms_closed_load(&closed, &slab, &record, &is_kept));
        ck_assert(!is_kept); /* the run is told instead */
    }
    flush_to(&records, &closed);
    ck_assert_int_eq(records.count, 1);
    ck_assert_uint_eq(records.all[0].number, 1);
    ck_assert_uint_eq(records.all[0].count, 20);
    ck_assert(ms_closed_has(&closed, 4096) && ms_closed_has(&closed, 21 * 4096 - 1));
    ck_assert(!ms_closed_has(&closed, 4095) && !ms_closed_has(&closed, 21 * 4096));
    end(&closed);
}
END_TEST

static void close_at_random(uint64_t seed)
{
    enum { HIGHEST = 12 * 4096 };
    static bool is_closed[HIGHEST + 1];
    static struct records records;
    struct ms_closed two[2], *closed = &two[0], *other = &two[1];
    int errors = 0;
    struct ms_rng rng;

    ms_rng_init(&rng, seed);
    memset(is_closed, 0, sizeof is_closed);
    records = (struct records){0};
    begin(closed);
    for (int round = 0; round < 60; round++) {
        const uint64_t size = ms_rng_below(&rng, 4) == 0 ? 12000 : 300;
        const uint64_t first = 1 + ms_rng_below(&rng, HIGHEST - 1);
        uint64_t last = first + ms_rng_below(&rng, size);

        last = last < HIGHEST ? last : HIGHEST - 1;
        if (ms_rng_below(&rng, 3) == 0) {
            ck_assert(ms_closed_add_range(closed, &slab, first, last));
        } else {
            for (uint64_t seq = first; seq <= last; seq++) {
                errors += !ms_closed_add(closed, &slab, seq);
            }
        }
        memset(is_closed + first, 1, last - first + 1);
        if (ms_rng_below(&rng, 3) == 0) {
            struct ms_closed *former = closed;

            flush_to(&records, closed);
            ms_closed_init(other, 3);
            read_back(&records, closed->floor, other);
            for (uint64_t seq = 1; seq <= HIGHEST; seq++) {
                errors += ms_closed_has(other, seq) != is_closed[seq];
            }
            ck_assert_int_eq(errors, 0);
            ms_closed_finish(closed, &slab);
            closed = other;
            other = former;
        }
    }
    end(closed);
}

START_TEST(runs_grow_join_and_come_back)
{
    for (uint64_t seed = 1; seed <= 6; seed++) {
        close_at_random(seed);
    }
}
END_TEST

TESTS(ranges_are_closed_like_one_by_one, in_order_it_is_only_a_floor,
      a_gap_holds_the_floor_until_it_closes, any_order_gives_the_same_answers,
      raising_forgets_what_is_below, scattered_numbers_are_bounded,
      only_spans_that_changed_are_told, what_is_told_reads_back_the_same,
      spans_below_the_floor_give_their_records_back, what_passes_an_open_number_is_one_run,
      spans_with_all_bits_become_a_run, runs_grow_join_and_come_back)
