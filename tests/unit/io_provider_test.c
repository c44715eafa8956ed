/* Providers that are part of the program: what they make, and where they go on. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/io/provider.h"

#define MADE_MAX 16

/* One provider, and what it said in its latest call. */
struct lab {
    struct ms_provider_reply reply; /* first */
    const struct ms_provider *provider;
    void *self;
    struct {
        char payload[64], cursor[64];
    } made[MADE_MAX];
    uint32_t count;
    char cursor[64]; /* behind all that was made */
    uint64_t number;
};

static void keep_text(char *to, const void *from, size_t size)
{
    ck_assert_uint_lt(size, 64);
    memcpy(to, from, size);
    to[size] = '\0';
}

static void put(struct ms_provider_reply *reply, const struct ms_provider_command *command)
{
    struct lab *lab = (struct lab *)(void *)reply;

    ck_assert_uint_lt(lab->count, MADE_MAX);
    keep_text(lab->made[lab->count].payload, command->payload, command->payload_size);
    keep_text(lab->made[lab->count].cursor, command->cursor, command->cursor_size);
    keep_text(lab->cursor, command->cursor, command->cursor_size);
    lab->count++;
    lab->number++;
}

static void open_lab(struct lab *lab, const char *use, const char *const *with, size_t count)
{
    const struct ms_provider_setup setup = {
        .abi = MS_PROVIDER_ABI, .size = sizeof setup, .with = with, .with_count = count};
    struct ms_complaint complaint;

    *lab = (struct lab){.reply = {.abi = MS_PROVIDER_ABI, .size = sizeof lab->reply, .put = put},
                        .provider = ms_provider_find(use, &complaint)};
    ck_assert_ptr_nonnull(lab->provider);
    lab->self = lab->provider->open(&setup, &lab->reply);
}

static int produce(struct lab *lab, uint32_t count)
{
    char cursor[64];
    const struct ms_provider_ask ask = {
        .abi = MS_PROVIDER_ABI,
        .size = sizeof ask,
        .number = lab->number + 1,
        .count = count,
        .cursor = cursor,
        .cursor_size = strlen(lab->cursor),
    };

    memcpy(cursor, lab->cursor, sizeof cursor);
    lab->count = 0;
    return lab->provider->produce(lab->self, &ask, &lab->reply);
}

START_TEST(a_range_counts)
{
    static const char *const with[] = {"from=8", "to=11", "step=2", "template=<{}|{}>"};
    struct lab lab;

    open_lab(&lab, "range", with, 4);
    ck_assert_int_eq(produce(&lab, 1), MS_PROVIDER_MORE);
    ck_assert_uint_eq(lab.count, 1);
    ck_assert_str_eq(lab.made[0].payload, "<8|8>");
    ck_assert_int_eq(produce(&lab, 5), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 1);
    ck_assert_str_eq(lab.made[0].payload, "<10|10>");
    ck_assert_int_eq(produce(&lab, 5), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 0);
    lab.provider->close(lab.self);
}
END_TEST

START_TEST(a_range_may_fall_and_may_be_empty)
{
    static const char *const falling[] = {"from=1", "to=-1", "step=-1"};
    static const char *const empty[] = {"from=2", "to=1"};
    struct lab lab;

    open_lab(&lab, "range", falling, 3);
    ck_assert_int_eq(produce(&lab, 3), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 3);
    ck_assert_str_eq(lab.made[2].payload, "-1");
    ck_assert_int_eq(produce(&lab, 3), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 0);
    lab.provider->close(lab.self);
    open_lab(&lab, "range", empty, 2);
    ck_assert_int_eq(produce(&lab, 3), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 0);
    lab.provider->close(lab.self);
}
END_TEST

/* A file with that text, whose name is in path. */
static void write_file(char *path, size_t size, const char *text)
{
    FILE *file;

    snprintf(path, size, "%s/provider_lines_%ld.txt", MS_TEST_BUILD_DIR, (long)getpid());
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void open_lines(struct lab *lab, const char *path, bool is_followed)
{
    static char file[512];
    static const char *with[2];

    snprintf(file, sizeof file, "file=%s", path);
    with[0] = file;
    with[1] = "follow=2s";
    open_lab(lab, "lines", with, is_followed ? 2 : 1);
    ck_assert_ptr_nonnull(lab->self);
}

START_TEST(lines_come_one_by_one)
{
    struct lab lab;
    char path[400];

    write_file(path, sizeof path, "one\n\nthree\nfour");
    open_lines(&lab, path, false);
    ck_assert_int_eq(produce(&lab, 2), MS_PROVIDER_MORE);
    ck_assert_uint_eq(lab.count, 2);
    ck_assert_str_eq(lab.made[0].payload, "one");
    ck_assert_str_eq(lab.made[0].cursor, "4");
    ck_assert_str_eq(lab.made[1].payload, "");
    lab.provider->close(lab.self); /* another one goes on */
    const uint64_t number = lab.number;

    open_lines(&lab, path, false);
    lab.number = number;
    snprintf(lab.cursor, sizeof lab.cursor, "5");
    ck_assert_int_eq(produce(&lab, 9), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 2);
    ck_assert_str_eq(lab.made[0].payload, "three");
    ck_assert_str_eq(lab.made[1].payload, "four"); /* which has no end */
    ck_assert_int_eq(produce(&lab, 9), MS_PROVIDER_END);
    ck_assert_uint_eq(lab.count, 0);
    lab.provider->close(lab.self);
    unlink(path);
}
END_TEST

START_TEST(a_file_that_grows_is_followed)
{
    struct lab lab;
    char path[400];

    write_file(path, sizeof path, "one\ntw");
    open_lines(&lab, path, true);
    ck_assert_int_eq(produce(&lab, 9), MS_PROVIDER_REST);
    ck_assert_int_eq(lab.reply.rest_us, 2 * MS_SEC);
    ck_assert_uint_eq(lab.count, 1); /* the second has not ended */
    write_file(path, sizeof path, "one\ntwo\n");
    ck_assert_int_eq(produce(&lab, 9), MS_PROVIDER_REST);
    ck_assert_uint_eq(lab.count, 1);
    ck_assert_str_eq(lab.made[0].payload, "two");
    unlink(path);
    ck_assert_int_eq(produce(&lab, 9), MS_PROVIDER_REST); /* it may come again */
    lab.provider->close(lab.self);
    open_lines(&lab, path, false);
    ck_assert_int_eq(produce(&lab, 9), MS_PROVIDER_FAILED);
    ck_assert_ptr_nonnull(strstr(lab.reply.why, path));
    lab.provider->close(lab.self);
}
END_TEST

START_TEST(long_lines_are_whole)
{
    const size_t size = 200000;
    char *text = malloc(size + 2), path[400];
    struct ms_option_list with = {0};
    char file[512];
    struct ms_complaint complaint;

    ck_assert_ptr_nonnull(text);
    memset(text, 'x', size);
    memcpy(text + size, "\n", 2);
    write_file(path, sizeof path, text);
    snprintf(file, sizeof file, "file=%s", path);
    const char *words[] = {file};

    with.items = (void *)words;
    with.count = 1;
    ck_assert(ms_provider_check(&ms_provider_lines, "l", &with, &complaint));
    unlink(path);
    free(text);
}
END_TEST

static void want_complaint(const char *use, const char *word, const char *expected)
{
    const char *words[] = {word};
    const struct ms_option_list with = {.items = (void *)words, .count = 1};
    struct ms_complaint complaint = {.text = ""};
    const struct ms_provider *provider = ms_provider_find(use, &complaint);

    ck_assert(provider == NULL || !ms_provider_check_with(provider, &with, &complaint) ||
              !ms_provider_check(provider, "p", &with, &complaint));
    ck_assert_msg(strstr(complaint.text, expected) != NULL, "%s", complaint.text);
}

START_TEST(what_is_wrong_is_named)
{
    want_complaint("rang", "to=1", "lines, range");
    want_complaint("./no-such.so", "to=1", "no-such.so");
    want_complaint("range", "too=1", "from=, to=, step=, template=");
    want_complaint("range", "to", "from=");
    want_complaint("range", "to=x1", "to=x1");
    want_complaint("range", "from=1", "to=");
    want_complaint("lines", "follow=1s", "file=");
    want_complaint("lines", "file=", "file=");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("provider");
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_range_counts);
    tcase_add_test(tcase, a_range_may_fall_and_may_be_empty);
    tcase_add_test(tcase, lines_come_one_by_one);
    tcase_add_test(tcase, a_file_that_grows_is_followed);
    tcase_add_test(tcase, long_lines_are_whole);
    tcase_add_test(tcase, what_is_wrong_is_named);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
