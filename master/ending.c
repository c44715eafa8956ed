#include "master/ending.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/page.h"
#include "master/work.h"

void ms_ending_of(const struct ms_work *work, struct ms_ending *ending_out)
{
    const struct ms_usage *usage = ms_work_usage(work);
    const struct ms_bytes detail = ms_work_detail(work);

    ms_assert(detail.size <= MS_DETAIL_MAX);
    *ending_out = (struct ms_ending){
        .id = {.client = work->client->uuid, .seq = work->seq},
        .state = work->state,
        .status = work->status,
        .is_finished = ms_work_is_finished(work),
        .attempt = work->attempt,
        .code = work->code,
        .signal = work->signal,
        .usage = usage != NULL ? *usage : (struct ms_usage){0},
        .detail_size = (uint32_t)detail.size,
    };
    if (detail.size > 0) {
        memcpy(ending_out->detail, detail.data, detail.size);
    }
}

static void add_id(struct ms_report_page *page, const struct ms_id *id)
{
    char words[MS_PAGE_ID_SIZE];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    ms_page_print_uuid(&text, &id->client);
    ms_text_add(&text, ":%llu", (unsigned long long)id->seq);
    ms_assert(!ms_text_is_cut(&text));
    ms_page_text(page, "id", words);
}

static void add_code(struct ms_report_page *page, int32_t code)
{
    char digits[16];
    struct ms_text text;

    ms_text_init(&text, digits, sizeof digits);
    ms_text_add(&text, "%d", (int)code);
    ms_page_text(page, "code", digits);
}

void ms_ending_fill(const struct ms_ending *ending, struct ms_report_page *page)
{
    const struct ms_usage *usage = &ending->usage;

    add_id(page, &ending->id);
    ms_page_text(page, "state", ms_life_state_name((enum ms_life_state)ending->state));
    ms_page_text(page, "status",
                 ending->is_finished ? ms_status_name((enum ms_status)ending->status) : "");
    ms_page_number(page, "attempt", ending->attempt);
    add_code(page, ending->code);
    ms_page_number(page, "signal", ending->signal);
    ms_page_bytes(page, "detail", (struct ms_bytes){ending->detail, ending->detail_size});
    ms_page_number(page, "wall_us", usage->wall_us);
    ms_page_number(page, "user_us", usage->user_us);
    ms_page_number(page, "system_us", usage->system_us);
    ms_page_number(page, "rss_kib", usage->rss_kib);
}
