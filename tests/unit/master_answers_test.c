/* Answers that wait: their order, and what becomes one of them. */
#include "master/answers.h"
#include "master_script.h"

static struct ms_answer ack(ms_seq seq, uint64_t first)
{
    return (struct ms_answer){.kind = MS_KIND_SUBMIT_ACK,
                              .peer = 1,
                              .made_at = 5,
                              .durability = MS_DURABILITY_LOCAL,
                              .seq = seq,
                              .first = first,
                              .count = 1};
}

static void push(struct ms_answers *answers, struct ms_answer answer)
{
    ck_assert(ms_answers_push(answers, &answer));
}

START_TEST(they_come_out_in_order)
{
    enum { COUNT = 1000 };
    struct ms_answers answers = {0};
    uint64_t next = 0;

    ck_assert_ptr_null(ms_answers_first(&answers));
    for (uint64_t i = 0; i < COUNT; i++) {
        push(&answers, ack(i, i * 2)); /* not in a run */
        if (i % 3 == 0) {
            ck_assert_uint_eq(ms_answers_first(&answers)->first, next++ * 2);
            ms_answers_pop(&answers);
        }
    }
    while (next < COUNT) {
        ck_assert_uint_eq(ms_answers_first(&answers)->first, next++ * 2);
        ms_answers_pop(&answers);
    }
    ck_assert_ptr_null(ms_answers_first(&answers));
    ms_answers_finish(&answers);
    ms_answers_finish(&answers);
    ms_answers_finish(NULL);
}
END_TEST

START_TEST(a_run_waits_for_its_latest_record)
{
    struct ms_answers answers = {0};

    push(&answers, ack(7, 1));
    push(&answers, ack(9, 2));
    push(&answers, ack(8, 3));
    ck_assert_uint_eq(answers.count, 1);
    ck_assert_uint_eq(ms_answers_first(&answers)->count, 3);
    ck_assert_uint_eq(ms_answers_first(&answers)->seq, 9);
    ms_answers_finish(&answers);
}
END_TEST

START_TEST(what_differs_is_no_run)
{
    struct ms_answer others[7];
    struct ms_answers answers = {0};

    for (size_t i = 0; i < 7; i++) {
        others[i] = ack(1, 2);
    }
    others[0].peer = 2;
    others[1].made_at = 6;
    others[2].durability = MS_DURABILITY_MEM;
    others[3].first = 3;
    others[4].kind = MS_KIND_RESULT_ACK;
    others[5].epoch = 4;
    others[6].first = 1;
    for (size_t i = 0; i < 7; i++) {
        push(&answers, ack(1, 1));
        push(&answers, others[i]);
        ck_assert_uint_eq(answers.count, 2);
        ms_answers_pop(&answers);
        ms_answers_pop(&answers);
    }
    ms_answers_finish(&answers);
}
END_TEST

START_TEST(only_acknowledgements_are_runs)
{
    static const enum ms_kind kinds[] = {MS_KIND_CANCEL_ACK, MS_KIND_WELCOME, MS_KIND_COMMAND};
    struct ms_answers answers = {0};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct ms_answer answer = ack(1, 1);

        answer.kind = (uint8_t)kinds[i];
        push(&answers, answer);
        answer.first++;
        push(&answers, answer);
    }
    ck_assert_uint_eq(answers.count, 6);
    ms_answers_finish(&answers);
}
END_TEST

START_TEST(they_move_behind_others)
{
    struct ms_answers from = {0}, to = {0};

    push(&to, ack(1, 1));
    for (uint64_t i = 0; i < 500; i++) {
        push(&from, ack(0, 10 + i * 2));
    }
    ck_assert(ms_answers_move(&to, &from, 42));
    ck_assert_ptr_null(ms_answers_first(&from));
    ck_assert_uint_eq(to.count, 501);
    ck_assert_uint_eq(ms_answers_first(&to)->seq, 1);
    ms_answers_pop(&to);
    for (uint64_t i = 0; i < 500; i++) {
        ck_assert_uint_eq(ms_answers_first(&to)->first, 10 + i * 2);
        ck_assert_uint_eq(ms_answers_first(&to)->seq, 42);
        ms_answers_pop(&to);
    }
    ms_answers_finish(&from);
    ms_answers_finish(&to);
}
END_TEST

TESTS(they_come_out_in_order, a_run_waits_for_its_latest_record, what_differs_is_no_run,
      only_acknowledgements_are_runs, they_move_behind_others)
