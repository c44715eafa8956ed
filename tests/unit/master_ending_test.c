/* How a command came out, in words: what it keeps is told, and nothing of what it has not. */
#include "master/ending.h"

#include <check.h>
#include <stdlib.h>

#include "master/clients.h"
#include "master/page.h"
#include "master/work.h"
#include "master_script.h"

static const struct ms_cell *cell(const struct ms_report_page *page, const char *name)
{
    for (uint32_t i = 0; i < page->report.cells_count; i++) {
        if (strcmp(page->cells[i].name, name) == 0) {
            return &page->cells[i];
        }
    }
    ck_abort_msg("no cell %s", name);
    return NULL;
}

static struct ms_report_page *tell(const struct ms_work *work)
{
    struct ms_report_page *page = calloc(1, sizeof *page);
    struct ms_ending ending;

    ck_assert_ptr_nonnull(page);
    ms_page_begin(page);
    ms_ending_of(work, &ending);
    ms_ending_fill(&ending, page);
    ms_page_end_row(page);
    return page;
}

START_TEST(an_open_command_has_no_status)
{
    struct ms_client client = {.uuid = {{1}}};
    const struct ms_work work = {.client = &client,
                                 .seq = 7,
                                 .state = MS_LIFE_LEASED,
                                 .status = MS_STATUS_RETRY,
                                 .attempt = 2};
    struct ms_report_page *page = tell(&work);

    ck_assert_str_eq(cell(page, "id")->text, "01000000000000000000000000000000:7");
    ck_assert_str_eq(cell(page, "state")->text, "leased");
    ck_assert_str_eq(cell(page, "status")->text, "");
    ck_assert_uint_eq(cell(page, "attempt")->number, 2);
    ck_assert_uint_eq(cell(page, "wall_us")->number, 0);
    free(page);
}
END_TEST

START_TEST(one_that_is_over_tells_all_it_has)
{
    struct {
        struct ms_usage usage;
        char rest[32];
    } block = {.usage = {.wall_us = 5, .rss_kib = 9}, .rest = "resultwords"};
    struct ms_client client = {.uuid = {{1}}};
    const struct ms_work work = {.client = &client,
                                 .seq = 7,
                                 .state = MS_LIFE_BURIED,
                                 .status = MS_STATUS_FAIL,
                                 .code = -3,
                                 .signal = 9,
                                 .has_usage = true,
                                 .block = (uint8_t *)(void *)&block,
                                 .size = 6,
                                 .detail_size = 5};
    struct ms_report_page *page = tell(&work);

    ck_assert_str_eq(cell(page, "status")->text, "fail");
    ck_assert_str_eq(cell(page, "code")->text, "-3");
    ck_assert_uint_eq(cell(page, "signal")->number, 9);
    ck_assert_str_eq(cell(page, "detail")->text, "words");
    ck_assert_uint_eq(cell(page, "wall_us")->number, 5);
    ck_assert_uint_eq(cell(page, "rss_kib")->number, 9);
    free(page);
}
END_TEST

TESTS(an_open_command_has_no_status, one_that_is_over_tells_all_it_has)
