#include "client/cli_record.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct ms_cli_audit audit;
static struct ms_complaint complaint;

static void setup(void)
{
    ms_cli_audit_init(&audit, 5);
}

static void teardown(void)
{
    ms_cli_audit_finish(&audit);
}

static const uint8_t raw[] = {0xff, 0, 'x', 0x80};
static const struct ms_usage usage = {.wall_us = 1, .user_us = 2, .system_us = 3, .rss_kib = 4};
static const struct ms_terms terms = {.priority = -4,
                                      .unique_mode = 2,
                                      .unique = {raw, sizeof raw},
                                      .group = {(const uint8_t *)"night", 5},
                                      .run_at = 5,
                                      .deadline = 6,
                                      .array_concurrency = 7,
                                      .key = {raw, sizeof raw},
                                      .on = 3,
                                      .targets = {raw, sizeof raw}};

/* A record with everything in it. */
static struct ms_record full(void)
{
    return (struct ms_record){
        .kind = MS_RECORD_SETTLE,
        .event = 3,
        .status = 2,
        .flags = 16,
        .durability = 1,
        .stream = 1,
        .attempt = 4,
        .attempts_max = 5,
        .failures = 6,
        .crashes = 7,
        .index = 8,
        .signal = 9,
        .code = -10,
        .at = 11,
        .until = 12,
        .timeout = 13,
        .type = UINT64_MAX - 1,
        .number = 14,
        .count = 15,
        .id = {{{1, 2, 3}}, 16},
        .token = {17, 18},
        .uuid = {{19}},
        .node = {{20}},
        .name = ms_bytes_of("slave"),
        .detail = ms_bytes_of("why \"so\""),
        .payload = {raw, sizeof raw},
        .usage = &usage,
        .terms = &terms,
    };
}

static void same_bytes(struct ms_bytes a, struct ms_bytes b)
{
    ck_assert_uint_eq(a.size, b.size);
    ck_assert_mem_eq(a.data, b.data, a.size);
}

/* The entries of both are the same bytes, so nothing was lost. */
static void same_records(const struct ms_record *a, const struct ms_record *b)
{
    uint8_t first[4096], second[4096];

    ck_assert_uint_le(ms_record_size_max(a), sizeof first);
    ck_assert_uint_le(ms_record_size_max(b), sizeof second);
    same_bytes((struct ms_bytes){first, (size_t)(ms_record_write(first, 1, a) - first)},
               (struct ms_bytes){second, (size_t)(ms_record_write(second, 1, b) - second)});
}

START_TEST(what_was_printed_is_read_back)
{
    const struct ms_record record = full();
    json_t *object = ms_cli_record_to_json(77, &record);
    char *text = json_dumps(object, JSON_COMPACT);
    json_t *again = json_loads(text, JSON_ALLOW_NUL, NULL);
    struct ms_record_room room;
    struct ms_record read;
    ms_seq seq = 0;

    ck_assert_ptr_nonnull(again);
    ck_assert_msg(ms_cli_record_from_json(again, &seq, &read, &room, &complaint), "%s",
                  complaint.text);
    ck_assert_uint_eq(seq, 77);
    same_records(&record, &read);
    same_bytes(read.payload, record.payload);
    ck_assert_int_eq(read.terms->priority, -4);
    same_bytes(read.terms->unique, terms.unique);
    same_bytes(read.terms->key, terms.key);
    same_bytes(read.terms->targets, terms.targets);
    ck_assert_uint_eq(read.terms->on, 3);
    json_decref(again);
    json_decref(object);
    free(text);
}
END_TEST

START_TEST(what_no_disk_could_hold_is_refused)
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "{\"seq\":0,\"kind\":\"DUE\",\"id_seq\":1}",
        "{\"seq\":-1,\"kind\":\"DUE\",\"id_seq\":1}",
        "{\"seq\":1,\"kind\":\"ERASE\",\"id_seq\":1}",
        "{\"seq\":1,\"kind\":\"NONSENSE\",\"id_seq\":1}",
        "{\"seq\":1,\"kind\":\"DUE\"}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":\"x\"}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"status\":8}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"status\":256}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"stream\":4}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"durability\":4}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"at\":-1}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"at\":9223372036854775807}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"client\":\"xyz\"}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"name\":7}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"payload_base64\":\"AB\"}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"payload_base64\":\"A===\"}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"payload_base64\":\"AB=C\"}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"terms\":{\"priority\":11}}",
        "{\"seq\":1,\"kind\":\"DUE\",\"id_seq\":1,\"name\":"
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *object = json_loads(wrong[i], 0, NULL);
        struct ms_record_room room;
        struct ms_record record;
        ms_seq seq;

        ck_assert_ptr_nonnull(object);
        complaint.text[0] = '\0';
        ck_assert_msg(!ms_cli_record_from_json(object, &seq, &record, &room, &complaint), "%s",
                      wrong[i]);
        ck_assert_str_ne(complaint.text, "");
        json_decref(object);
    }
}
END_TEST

/* ---- do they make sense together? ---- */

#define TYPE 2000

static bool add_kind(ms_seq seq, enum ms_record_kind kind, uint64_t id_seq)
{
    return ms_cli_audit_add(&audit, seq,
                            &(struct ms_record){.kind = (uint8_t)kind,
                                                .id = {{{7}}, id_seq},
                                                .type = TYPE,
                                                .attempt = 1,
                                                .name = ms_bytes_of("echo"),
                                                .uuid = {{(uint8_t)seq}},
                                                .node = {{1}},
                                                .token = {seq, 1}},
                            &complaint);
}

static void refused(bool is_taken, const char *sentence)
{
    ck_assert(!is_taken);
    ck_assert_str_eq(complaint.text, sentence);
}

START_TEST(a_life_makes_sense)
{
    ck_assert(add_kind(1, MS_RECORD_EPOCH, 0));
    ck_assert(add_kind(2, MS_RECORD_TYPE, 0));
    ck_assert(add_kind(3, MS_RECORD_SESSION, 0));
    ck_assert(add_kind(4, MS_RECORD_SUBMIT, 1));
    ck_assert(add_kind(5, MS_RECORD_LEASE, 1));
    ck_assert(add_kind(6, MS_RECORD_PIECE, 1));
    ck_assert(add_kind(7, MS_RECORD_RETRY, 1));
    ck_assert(add_kind(8, MS_RECORD_SUBMIT, 2));
    ck_assert(add_kind(9, MS_RECORD_SETTLE, 1));
    ck_assert(add_kind(10, MS_RECORD_SETTLE, 3)); /* its submission was erased with it */
    ck_assert_uint_eq(audit.open, 1);
    ck_assert_uint_eq(audit.settled[MS_STATUS_OK], 2);
    ck_assert_uint_eq(audit.kinds[MS_RECORD_SUBMIT], 2);
}
END_TEST

START_TEST(nonsense_is_named)
{
    refused(add_kind(1, MS_RECORD_SUBMIT, 1), "record 1 (SUBMIT): its type was never announced");
    ck_assert(add_kind(2, MS_RECORD_TYPE, 0));
    refused(add_kind(3, MS_RECORD_TYPE, 0), "record 3 (TYPE): the type is there twice");
    ck_assert(add_kind(4, MS_RECORD_SUBMIT, 1));
    refused(add_kind(4, MS_RECORD_SUBMIT, 2), "record 4 (SUBMIT): its number does not rise");
    refused(add_kind(5, MS_RECORD_SUBMIT, 1),
            "record 5 (SUBMIT): a command with its id is there already");
    refused(add_kind(6, MS_RECORD_RETRY, 9),
            "record 6 (RETRY): no command was submitted under its id");
    ck_assert(add_kind(7, MS_RECORD_SETTLE, 1));
    refused(add_kind(8, MS_RECORD_LEASE, 1), "record 8 (LEASE): its command has ended before");
    refused(add_kind(9, MS_RECORD_SETTLE, 1),
            "record 9 (SETTLE): its command has an outcome already");
    refused(add_kind(10, MS_RECORD_DUE, 0),
            "record 10 (DUE): it does not hold what a record of its kind does");
}
END_TEST

START_TEST(epochs_rise)
{
    const struct ms_record epoch = {.kind = MS_RECORD_EPOCH, .token = {5, 0}};

    ck_assert(ms_cli_audit_add(&audit, 1, &epoch, &complaint));
    refused(ms_cli_audit_add(&audit, 2, &epoch, &complaint),
            "record 2 (EPOCH): the epoch does not rise");
}
END_TEST

START_TEST(members_of_an_array_are_submitted_with_it)
{
    const struct ms_terms three = {.array_count = 3};
    const struct ms_record submit = {
        .kind = MS_RECORD_SUBMIT, .id = {{{7}}, 10}, .type = TYPE, .terms = &three};

    ck_assert(add_kind(1, MS_RECORD_TYPE, 0));
    ck_assert(ms_cli_audit_add(&audit, 2, &submit, &complaint));
    ck_assert_uint_eq(audit.open, 3);
    ck_assert(add_kind(3, MS_RECORD_RETRY, 12));
    ck_assert(add_kind(4, MS_RECORD_SETTLE, 12));
    ck_assert_uint_eq(audit.open, 2);
    refused(add_kind(5, MS_RECORD_RETRY, 12), "record 5 (RETRY): its command has ended before");
    refused(add_kind(6, MS_RECORD_RETRY, 13),
            "record 6 (RETRY): no command was submitted under its id");
    refused(add_kind(7, MS_RECORD_SUBMIT, 11),
            "record 7 (SUBMIT): a command with its id is there already");
    struct ms_record closed = {.kind = MS_RECORD_CLOSED, .id = {{{7}}, 10}};
    const uint8_t bits = 1; /* the first of them */

    closed.payload = (struct ms_bytes){&bits, 1};
    ck_assert(ms_cli_audit_add(&audit, 8, &closed, &complaint));
    ck_assert_uint_eq(audit.open, 1);
    closed.id.seq = 20;
    refused(ms_cli_audit_add(&audit, 9, &closed, &complaint),
            "record 9 (CLOSED): no array was submitted under its id");
    closed.id.seq = 0; /* of the client */
    ck_assert(ms_cli_audit_add(&audit, 10, &closed, &complaint));
    ck_assert_uint_eq(audit.open, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cli_record");
    TCase *tests = tcase_create("records");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_was_printed_is_read_back);
    tcase_add_test(tests, what_no_disk_could_hold_is_refused);
    tcase_add_test(tests, a_life_makes_sense);
    tcase_add_test(tests, nonsense_is_named);
    tcase_add_test(tests, epochs_rise);
    tcase_add_test(tests, members_of_an_array_are_submitted_with_it);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
