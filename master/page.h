/* One frame of a report while it is made: cells, and the texts that they point to. */
#ifndef MASTER_PAGE_H
#define MASTER_PAGE_H

#include "core/command.h"
#include "core/limits.h"
#include "core/text.h"

struct ms_work;

#define MS_PAGE_ROWS     128  /* in one frame of a report; bounds a step */
#define MS_PAGE_VISITS   4096 /* objects looked at for one frame */
#define MS_PAGE_ROW_TEXT 1024 /* of a row of slaves or commands */
#define MS_PAGE_TEXT     (MS_PAGE_ROWS * MS_PAGE_ROW_TEXT)
#define MS_PAGE_ID_SIZE  56 /* 32 digits, a colon, a number, the terminating zero */

struct ms_report_page {
    struct ms_report report;
    struct ms_cell cells[MS_PAGE_ROWS * MS_REPORT_COLUMNS_MAX];
    char text[MS_PAGE_TEXT];
    size_t text_used;
};

void ms_page_begin(struct ms_report_page *page);

/* The next cell of the row. Names are borrowed; texts of at most MS_DETAIL_MAX bytes are copied. */
void ms_page_number(struct ms_report_page *page, const char *name, uint64_t number);
void ms_page_text(struct ms_report_page *page, const char *name, const char *text);

/* A text that may hold anything: what is no UTF-8, and zero bytes, become '?'; only the last MS_DETAIL_MAX
 * bytes are told. */
void ms_page_bytes(struct ms_report_page *page, const char *name, struct ms_bytes bytes);

/* Cell "id". */
void ms_page_id(struct ms_report_page *page, const struct ms_work *work);

/* The row that was added first tells how many columns there are. */
void ms_page_end_row(struct ms_report_page *page);

/* True when another row fits. */
bool ms_page_has_room(const struct ms_report_page *page);

/* As people write an id. */
void ms_page_print_id(struct ms_text *text, const struct ms_work *work);
void ms_page_print_uuid(struct ms_text *text, const struct ms_uuid *uuid);

#endif
