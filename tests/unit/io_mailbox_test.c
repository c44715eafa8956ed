/* Letters are deep copies: nothing of the sender's is looked at later. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/mailbox.h"

static struct ms_mailbox mailbox;

static void set_up(void)
{
    ms_mailbox_init(&mailbox);
}

static void tear_down(void)
{
    ms_mailbox_finish(&mailbox);
}

/* Posts the command and spoils the original. */
static struct ms_letter *through(struct ms_command *command)
{
    struct ms_event event = {.type = MS_EVENT_REQUEST, .tag = 9, .command = command};
    struct ms_letter *letter;

    ms_mailbox_post(&mailbox, &event);
    memset(command, 0xee, sizeof *command);
    letter = ms_mailbox_take(&mailbox);
    ck_assert_ptr_nonnull(letter);
    ck_assert_ptr_eq(letter->event.command, &letter->command);
    ck_assert_uint_eq(letter->event.tag, 9);
    return letter;
}

START_TEST(test_no_command)
{
    struct ms_letter *letter;

    ms_mailbox_post(&mailbox, &(struct ms_event){.type = MS_EVENT_STOP});
    ms_mailbox_post(&mailbox, &(struct ms_event){.type = MS_EVENT_RELOAD});
    ck_assert(!ms_mailbox_is_empty(&mailbox));
    letter = ms_mailbox_take(&mailbox);
    ck_assert_int_eq(letter->event.type, MS_EVENT_STOP);
    ck_assert_ptr_null(letter->event.command);
    free(letter);
    letter = ms_mailbox_take(&mailbox);
    ck_assert_int_eq(letter->event.type, MS_EVENT_RELOAD);
    free(letter);
    ck_assert_ptr_null(ms_mailbox_take(&mailbox));
}
END_TEST

START_TEST(test_result)
{
    char payload[] = "payload", detail[] = "why";
    struct ms_usage usage = {.wall_us = 5, .rss_kib = 6};
    struct ms_command command = {.kind = MS_KIND_RESULT,
                                 .payload = ms_bytes_of(payload),
                                 .detail = ms_bytes_of(detail),
                                 .usage = &usage,
                                 .token = {.epoch = 1, .n = 77}};
    struct ms_letter *letter = through(&command);

    memset(payload, '!', sizeof payload);
    memset(detail, '!', sizeof detail);
    memset(&usage, 0xee, sizeof usage);
    ck_assert_uint_eq(letter->command.token.n, 77);
    ck_assert_mem_eq(letter->command.payload.data, "payload", 7);
    ck_assert_mem_eq(letter->command.detail.data, "why", 3);
    ck_assert_uint_eq(letter->command.usage->wall_us, 5);
    ck_assert_uint_eq(letter->command.usage->rss_kib, 6);
    free(letter);
}
END_TEST

START_TEST(test_query)
{
    struct ms_query query = {.what = MS_QUERY_COMMANDS, .state = "ready"};
    struct ms_command command = {.kind = MS_KIND_QUERY, .body.query = &query};
    struct ms_letter *letter = through(&command);

    memset(&query, 0xee, sizeof query);
    ck_assert_str_eq(letter->command.body.query->state, "ready");
    free(letter);
}
END_TEST

START_TEST(test_announce)
{
    struct ms_announced types[2] = {{.type = 2000, .name = "a"}, {.type = 3000, .name = "b"}};
    struct ms_announce announce = {.count = 2, .types = types};
    struct ms_command command = {.kind = MS_KIND_ANNOUNCE, .body.announce = &announce};
    struct ms_letter *letter = through(&command);

    memset(types, 0xee, sizeof types);
    memset(&announce, 0xee, sizeof announce);
    ck_assert_uint_eq(letter->command.body.announce->count, 2);
    ck_assert_str_eq(letter->command.body.announce->types[1].name, "b");
    free(letter);
}
END_TEST

START_TEST(test_tokens)
{
    struct ms_token items[2] = {{.epoch = 1, .n = 2}, {.epoch = 1, .n = 3}};
    struct ms_tokens tokens = {.count = 2, .tokens = items, .last = true};
    struct ms_command command = {.kind = MS_KIND_ROLL, .body.tokens = &tokens};
    struct ms_letter *letter = through(&command);

    memset(items, 0xee, sizeof items);
    ck_assert_uint_eq(letter->command.body.tokens->tokens[1].n, 3);
    ck_assert(letter->command.body.tokens->last);
    free(letter);
}
END_TEST

START_TEST(test_holdings)
{
    struct ms_token items[2] = {{.epoch = 1, .n = 2}, {.epoch = 1, .n = 3}};
    struct ms_holding holdings[2] = {{.attempt = 4}, {.id.seq = 5, .type = 2000, .attempt = 6}};
    struct ms_tokens tokens = {.count = 2, .tokens = items, .holdings = holdings};
    struct ms_command command = {.kind = MS_KIND_ROLL, .body.tokens = &tokens};
    struct ms_letter *letter = through(&command);

    memset(items, 0xee, sizeof items);
    memset(holdings, 0xee, sizeof holdings);
    memset(&tokens, 0xee, sizeof tokens);
    ck_assert_uint_eq(letter->command.body.tokens->tokens[0].n, 2);
    ck_assert_uint_eq(letter->command.body.tokens->holdings[0].attempt, 4);
    ck_assert_uint_eq(letter->command.body.tokens->holdings[1].id.seq, 5);
    ck_assert_uint_eq(letter->command.body.tokens->holdings[1].type, 2000);
    free(letter);
}
END_TEST

START_TEST(test_no_tokens)
{
    struct ms_tokens tokens = {.last = true};
    struct ms_command command = {.kind = MS_KIND_VERDICT, .body.tokens = &tokens};
    struct ms_letter *letter = through(&command);

    memset(&tokens, 0xee, sizeof tokens);
    ck_assert_uint_eq(letter->command.body.tokens->count, 0);
    ck_assert(letter->command.body.tokens->last);
    free(letter);
}
END_TEST

START_TEST(test_terms)
{
    char unique[] = "key", group[] = "nightly", key[] = "user", payload[] = "work";
    struct ms_terms terms = {
        .priority = -3,
        .array_count = 7,
        .unique = ms_bytes_of(unique),
        .group = ms_bytes_of(group),
        .key = ms_bytes_of(key),
    };
    struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .payload = ms_bytes_of(payload), .terms = &terms};
    struct ms_letter *letter = through(&command);

    memset(unique, '!', sizeof unique);
    memset(group, '!', sizeof group);
    memset(key, '!', sizeof key);
    memset(&terms, 0xee, sizeof terms);
    ck_assert_int_eq(letter->command.terms->priority, -3);
    ck_assert_uint_eq(letter->command.terms->array_count, 7);
    ck_assert_uint_eq(letter->command.terms->unique.size, 3);
    ck_assert_mem_eq(letter->command.terms->unique.data, "key", 3);
    ck_assert_mem_eq(letter->command.terms->group.data, "nightly", 7);
    ck_assert_uint_eq(letter->command.terms->key.size, 4);
    ck_assert_mem_eq(letter->command.terms->key.data, "user", 4);
    free(letter);
}
END_TEST

/* Left-over letters are freed with the box; the sanitizer would tell. */
START_TEST(test_finish_frees)
{
    ms_mailbox_post(&mailbox, &(struct ms_event){.type = MS_EVENT_STOP});
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("mailbox");
    TCase *io = tcase_create("io");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_no_command);
    tcase_add_test(io, test_result);
    tcase_add_test(io, test_query);
    tcase_add_test(io, test_announce);
    tcase_add_test(io, test_tokens);
    tcase_add_test(io, test_holdings);
    tcase_add_test(io, test_no_tokens);
    tcase_add_test(io, test_terms);
    tcase_add_test(io, test_finish_frees);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
