#include "master/pieces.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

static struct ms_bytes text(const char *bytes)
{
    return (struct ms_bytes){(const uint8_t *)bytes, strlen(bytes)};
}

START_TEST(one_frame_is_not_copied)
{
    struct ms_pieces pieces = {0};
    struct ms_bytes bytes = text("all");
    const uint8_t *was = bytes.data;

    ck_assert(ms_pieces_complete(&pieces, &bytes));
    ck_assert_ptr_eq(bytes.data, was);
    ms_pieces_finish(&pieces);
}
END_TEST

START_TEST(several_are_put_together)
{
    struct ms_pieces pieces = {0};

    for (int i = 0; i < 2; i++) {
        struct ms_bytes bytes = text("c");

        ck_assert(ms_pieces_gather(&pieces, text("a")));
        ck_assert(ms_pieces_gather(&pieces, text("")));
        ck_assert(ms_pieces_gather(&pieces, text("b")));
        ck_assert(ms_pieces_complete(&pieces, &bytes));
        ck_assert_uint_eq(bytes.size, 3);
        ck_assert_mem_eq(bytes.data, "abc", 3);
        ck_assert_uint_eq(pieces.size, 0);
    }
    ms_pieces_finish(&pieces);
    ck_assert_ptr_null(pieces.bytes);
}
END_TEST

START_TEST(a_large_one_is_not_kept_for_ever)
{
    const size_t size = 8u << 20;
    uint8_t *large = calloc(1, size);
    struct ms_pieces pieces = {0};
    struct ms_bytes bytes = text("x");

    ck_assert_ptr_nonnull(large);
    ck_assert(ms_pieces_gather(&pieces, (struct ms_bytes){large, size}));
    ck_assert(ms_pieces_complete(&pieces, &bytes));
    ck_assert_uint_gt(pieces.capacity, size);
    ck_assert(ms_pieces_gather(&pieces, text("a")));
    ck_assert_uint_lt(pieces.capacity, size);
    ms_pieces_finish(&pieces);
    free(large);
}
END_TEST

START_TEST(too_much_is_refused)
{
    struct ms_pieces pieces = {0};

    ck_assert(ms_pieces_gather(&pieces, text("a")));
    ck_assert(!ms_pieces_gather(&pieces, (struct ms_bytes){pieces.bytes, MS_BACKLOG_COPY_BYTES}));
    ck_assert_uint_eq(pieces.size, 1);
    ms_pieces_finish(&pieces);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pieces");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, one_frame_is_not_copied);
    tcase_add_test(tests, several_are_put_together);
    tcase_add_test(tests, a_large_one_is_not_kept_for_ever);
    tcase_add_test(tests, too_much_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
