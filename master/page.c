#include "master/page.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/work.h"
#include "proto/utf8.h"

void ms_page_begin(struct ms_report_page *page)
{
    ms_assert(page != NULL);
    page->report = (struct ms_report){.cells = page->cells};
    page->text_used = 0;
}

static struct ms_cell *add_cell(struct ms_report_page *page, const char *name)
{
    struct ms_cell *cell = &page->cells[page->report.cells_count];

    ms_assert(page->report.cells_count < sizeof page->cells / sizeof page->cells[0]);
    page->report.cells_count++;
    *cell = (struct ms_cell){.name = name};
    return cell;
}

void ms_page_number(struct ms_report_page *page, const char *name, uint64_t number)
{
    struct ms_cell *cell = add_cell(page, name);

    cell->is_number = true;
    cell->number = number;
}

void ms_page_text(struct ms_report_page *page, const char *name, const char *text)
{
    struct ms_cell *cell = add_cell(page, name);
    const size_t size = strlen(text) + 1;

    ms_assert(size <= MS_DETAIL_MAX + 1);
    ms_assert(page->text_used + size <= sizeof page->text);
    memcpy(page->text + page->text_used, text, size);
    cell->text = page->text + page->text_used;
    page->text_used += size;
}

bool ms_page_has_room(const struct ms_report_page *page)
{
    return page->report.cells_count < MS_PAGE_ROWS * page->report.columns_count ||
           page->report.cells_count == 0;
}

/* The row that was added tells how many columns there are. */
void ms_page_end_row(struct ms_report_page *page)
{
    if (page->report.columns_count == 0) {
        page->report.columns_count = page->report.cells_count;
    }
    ms_assert(page->report.columns_count <= MS_REPORT_COLUMNS_MAX);
    ms_assert(page->report.cells_count % page->report.columns_count == 0);
}

static_assert(MS_PAGE_ROWS <= MS_REPORT_ROWS_MAX, "a page is one frame");
void ms_page_print_uuid(struct ms_text *text, const struct ms_uuid *uuid)
{
    ms_text_add_hex(text, uuid->bytes, sizeof uuid->bytes);
}

void ms_page_print_id(struct ms_text *text, const struct ms_work *work)
{
    ms_page_print_uuid(text, &work->client->uuid);
    ms_text_add(text, ":%llu", (unsigned long long)work->seq);
    ms_assert(!ms_text_is_cut(text));
}

void ms_page_id(struct ms_report_page *page, const struct ms_work *work)
{
    char id[MS_PAGE_ID_SIZE];
    struct ms_text text;

    ms_text_init(&text, id, sizeof id);
    ms_page_print_id(&text, work);
    ms_page_text(page, "id", id);
}

void ms_page_bytes(struct ms_report_page *page, const char *name, struct ms_bytes bytes)
{
    char text[MS_DETAIL_MAX + 1];
    size_t size = 0;

    if (bytes.size > MS_DETAIL_MAX) {
        bytes.data += bytes.size - MS_DETAIL_MAX;
        bytes.size = MS_DETAIL_MAX;
    }
    if (bytes.size > 0) {
        size = ms_utf8_clean((uint8_t *)text, bytes, MS_DETAIL_MAX);
    }
    text[size] = '\0';
    ms_page_text(page, name, text);
}
