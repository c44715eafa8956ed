/* What only few commands have: attempts that went wrong, and records that go with them. */
#include "master/rare.h"
#include "core/invariant.h"
#include "master/arrays.h"
#include "master/journal.h"
#include "master/work.h"
#include "master_script.h"

static struct ms_slab slab;
static struct ms_journal journal;

static void begin(uint64_t bytes_max)
{
    ms_slab_init(&slab, bytes_max);
    ms_journal_init(&journal, true);
    journal.is_replaying = false;
    journal.last = 1000;
}

static void end(struct ms_work *work)
{
    ms_rare_free(work, &slab, &journal);
    ms_rare_free(work, &slab, &journal);
    ck_assert_ptr_null(work->rare);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    ms_journal_finish(&journal);
    ms_slab_finish(&slab);
}

/* How many records are erased by what was put into the journal. */
static size_t erased(void)
{
    return journal.size / MS_RECORD_HEADER_SIZE;
}

START_TEST(attempts_are_remembered_in_order)
{
    struct ms_work work = {.seq = 1};

    begin(1 << 20);
    for (uint32_t i = 1; i <= MS_HISTORY_MAX; i++) {
        ms_rare_add_past(&work, &slab, &journal, &(struct ms_past){.record = i, .attempt = i});
    }
    ck_assert_uint_eq(work.rare->past_count, MS_HISTORY_MAX);
    for (uint32_t i = 0; i < MS_HISTORY_MAX; i++) {
        ck_assert_uint_eq(work.rare->past[i].attempt, i + 1);
    }
    ck_assert_uint_eq(erased(), 0);
    end(&work);
}
END_TEST

START_TEST(the_oldest_makes_room_with_its_record)
{
    struct ms_work work = {.seq = 1};

    begin(1 << 20);
    for (uint32_t i = 1; i <= MS_HISTORY_MAX + 5; i++) {
        ms_rare_add_past(&work, &slab, &journal, &(struct ms_past){.record = i, .attempt = i});
    }
    ck_assert_uint_eq(work.rare->past_count, MS_HISTORY_MAX);
    ck_assert_uint_eq(work.rare->past[0].attempt, 6);
    ck_assert_uint_eq(work.rare->past[MS_HISTORY_MAX - 1].attempt, MS_HISTORY_MAX + 5);
    ck_assert_uint_eq(erased(), 5);
    end(&work);
}
END_TEST

START_TEST(what_cannot_be_remembered_is_erased)
{
    struct ms_work work = {.seq = 1};

    begin(1);
    ms_rare_add_past(&work, &slab, &journal, &(struct ms_past){.record = 7, .attempt = 1});
    ck_assert_ptr_null(work.rare);
    ck_assert_uint_eq(erased(), 1);
    ck_assert(!journal.is_failed);
    end(&work);
}
END_TEST

static void wish(struct ms_work *work, ms_seq record)
{
    ms_rare_set_change(work, &slab, &journal, MS_OPERATION_CANCEL,
                       &(struct ms_change){.record = record, .at = 1});
}

START_TEST(a_wish_that_cannot_be_remembered_ends_it)
{
    struct ms_work work = {.seq = 1};

    begin(1);
    wish(&work, 0); /* class mem: there is no record */
    ck_assert(!journal.is_failed);
    wish(&work, 7);
    ck_assert(journal.is_failed);
    end(&work);
}
END_TEST

START_TEST(a_later_wish_replaces_the_record)
{
    struct ms_work work = {.seq = 1};

    begin(1 << 20);
    wish(&work, 7);
    ck_assert_uint_eq(erased(), 0);
    wish(&work, 9);
    ck_assert_uint_eq(erased(), 1);
    ck_assert_uint_eq(work.rare->changes[MS_OPERATION_CANCEL].record, 9);
    end(&work);
}
END_TEST

START_TEST(its_records_go_with_the_closing)
{
    struct ms_work work = {.seq = 1};

    begin(1 << 20);
    ms_rare_add_past(&work, &slab, &journal, &(struct ms_past){.record = 3});
    ms_rare_add_past(&work, &slab, &journal, &(struct ms_past){.record = 0});
    wish(&work, 4);
    work.rare->submit_record = 2;
    ms_rare_free(&work, &slab, &journal);
    ck_assert_uint_eq(erased(), 0); /* not before the number is known to be closed */
    ck_assert_uint_eq(journal.erasures_count, 3);
    ck_assert(journal.has_closed);
    end(&work);
}
END_TEST

START_TEST(a_payload_outlives_the_outcome)
{
    struct ms_work work = {.seq = 1, .state = MS_LIFE_LEASED, .size = 3, .block_size = 3};

    begin(1 << 20);
    work.block = ms_slab_copy(&slab, "abc", 3);
    ms_rare_keep_payload(&work, &slab);
    ck_assert_ptr_null(work.block);
    ck_assert(ms_rare_needs_submission(work.rare));
    ck_assert_uint_eq(ms_rare_bytes(work.rare), ms_slab_used(&slab));
    work.block = ms_slab_copy(&slab, "outcome", 7);
    work.block_size = 7;
    work.size = 7;
    ms_rare_restore_payload(&work, &slab);
    ck_assert_uint_eq(work.size, 3);
    ck_assert_mem_eq(work.block, "abc", 3);
    ck_assert(!ms_rare_needs_submission(work.rare));
    ms_slab_give(&slab, work.block, work.block_size);
    end(&work);
}
END_TEST

static void end_terms(struct ms_work *work, bool has_payload)
{
    work->rare->has_payload = has_payload;
    ms_rare_end_terms(work, &slab);
    ck_assert(ms_work_deadline(work) == MS_TIME_NEVER);
    ck_assert_uint_eq(ms_rare_bytes(work->rare), ms_slab_used(&slab));
}

START_TEST(a_key_stays_as_long_as_it_may_be_started)
{
    const struct ms_terms others = {.priority = 1, .group = ms_bytes_of("g")};
    const struct ms_terms terms = {.deadline = 50, .key = ms_bytes_of("user")};
    struct ms_work work = {.seq = 1, .state = MS_LIFE_READY};

    begin(1 << 20);
    ck_assert(ms_rare_keep_terms(&work, &slab, NULL, 20));
    ck_assert(ms_rare_keep_terms(&work, &slab, &others, 20));
    ck_assert_ptr_null(work.rare); /* it costs nothing */
    ck_assert_uint_eq(ms_work_key(&work).size, 0);
    ck_assert(ms_rare_keep_terms(&work, &slab, &terms, 20));
    ck_assert_int_eq(ms_work_deadline(&work), 30);
    ck_assert_uint_eq(ms_rare_bytes(work.rare), ms_slab_used(&slab));
    work.state = MS_LIFE_BURIED;
    end_terms(&work, true);
    ck_assert_uint_eq(ms_work_key(&work).size, 4);
    ck_assert_mem_eq(ms_work_key(&work).data, "user", 4);
    end_terms(&work, false);
    ck_assert_uint_eq(ms_work_key(&work).size, 0);
    end(&work);
}
END_TEST

START_TEST(without_memory_for_its_key_it_is_not_taken)
{
    const struct ms_terms terms = {.key = ms_bytes_of("user")};
    struct ms_work work = {.seq = 1, .state = MS_LIFE_READY};

    begin(1);
    ck_assert(!ms_rare_keep_terms(&work, &slab, &terms, 0));
    ck_assert_ptr_null(work.rare);
    slab.max = ms_slab_cost(sizeof *work.rare);
    ck_assert(!ms_rare_keep_terms(&work, &slab, &terms, 0));
    ck_assert_uint_eq(ms_work_key(&work).size, 0);
    end(&work);
}
END_TEST

TESTS(attempts_are_remembered_in_order, the_oldest_makes_room_with_its_record,
      what_cannot_be_remembered_is_erased, a_wish_that_cannot_be_remembered_ends_it,
      a_later_wish_replaces_the_record, its_records_go_with_the_closing,
      a_payload_outlives_the_outcome, a_key_stays_as_long_as_it_may_be_started,
      without_memory_for_its_key_it_is_not_taken)
