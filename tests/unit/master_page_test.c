/* One frame of a report. */
#include "master/page.h"

#include <check.h>
#include <stdlib.h>

#include "master_script.h"

START_TEST(rows_are_whole_and_fit_the_frame)
{
    struct ms_report_page *page = calloc(1, sizeof *page);

    ck_assert_ptr_nonnull(page);
    ms_page_begin(page);
    for (uint32_t i = 0; i < MS_PAGE_ROWS; i++) {
        ck_assert(ms_page_has_room(page));
        ms_page_number(page, "n", i);
        ms_page_text(page, "t", "text");
        ms_page_end_row(page);
    }
    ck_assert(!ms_page_has_room(page));
    ck_assert_uint_eq(page->report.columns_count, 2);
    ck_assert_uint_eq(page->report.cells_count, 2 * MS_PAGE_ROWS);
    ck_assert_uint_eq(page->report.cells[2].number, 1);
    ck_assert_str_eq(page->report.cells[3].text, "text");
    free(page);
}
END_TEST

START_TEST(bytes_become_text_and_only_their_end_is_told)
{
    struct ms_report_page *page = calloc(1, sizeof *page);
    char much[2 * MS_DETAIL_MAX];

    ck_assert_ptr_nonnull(page);
    memset(much, 'a', sizeof much);
    much[sizeof much - 1] = 'z';
    ms_page_begin(page);
    ms_page_bytes(page, "odd", (struct ms_bytes){(const uint8_t *)"a\xff\0b", 4});
    ms_page_bytes(page, "none", (struct ms_bytes){0});
    ms_page_bytes(page, "much", (struct ms_bytes){(const uint8_t *)much, sizeof much});
    ms_page_end_row(page);
    ck_assert_str_eq(page->report.cells[0].text, "a??b");
    ck_assert_str_eq(page->report.cells[1].text, "");
    ck_assert_uint_eq(strlen(page->report.cells[2].text), MS_DETAIL_MAX);
    ck_assert_int_eq(page->report.cells[2].text[MS_DETAIL_MAX - 1], 'z');
    free(page);
}
END_TEST

TESTS(rows_are_whole_and_fit_the_frame, bytes_become_text_and_only_their_end_is_told)
