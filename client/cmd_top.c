/* What a frame of muster top is made of. */
#include "client/cmd_top.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli_table.h"

#define LINE_SIZE   512
#define LINES_ABOVE 4 /* of the frame, above the slaves */

bool ms_top_init(struct ms_top *top)
{
    *top = (struct ms_top){0};
    top->slaves = calloc(MS_TOP_SLAVES_MAX, sizeof *top->slaves);
    return top->slaves != NULL;
}

void ms_top_finish(struct ms_top *top)
{
    free(top->slaves);
    top->slaves = NULL;
}

void ms_top_begin_slaves(struct ms_top *top)
{
    top->count = 0;
    top->more = 0;
}

/* What does not fit is cut. */
static void take(char *to, size_t size, const char *text)
{
    struct ms_text out;

    ms_text_init(&out, to, size);
    ms_text_add(&out, "%s", text);
}

#define TAKE(to, report, row, column) take(to, sizeof(to), ms_cli_text_of(report, row, column))

void ms_top_add_slaves(struct ms_top *top, const struct ms_client_report *report)
{
    for (uint32_t row = 0; row < report->rows; row++) {
        if (top->count == MS_TOP_SLAVES_MAX) {
            top->more++;
            continue;
        }
        struct ms_top_slave *slave = &top->slaves[top->count++];

        TAKE(slave->name, report, row, "name");
        TAKE(slave->group, report, row, "group");
        TAKE(slave->state, report, row, "state");
        TAKE(slave->intake, report, row, "intake");
        TAKE(slave->cpu, report, row, "cpu_percent");
        TAKE(slave->memory, report, row, "memory_percent");
        TAKE(slave->rate, report, row, "rate_per_s");
        slave->slots = ms_cli_number_of(report, row, "slots");
        slave->held = ms_cli_number_of(report, row, "held");
    }
}

void ms_top_take_master(struct ms_top *top, const struct ms_client_report *report, ms_time now)
{
    struct ms_top_master *master = &top->master;

    if (report->rows == 0) {
        return;
    }
    top->before = *master;
    top->before_at = top->at;
    top->at = now;
    TAKE(master->name, report, 0, "name");
    TAKE(master->state, report, 0, "state");
    master->epoch = ms_cli_number_of(report, 0, "epoch");
    master->copies = ms_cli_number_of(report, 0, "copies");
    master->ready = ms_cli_number_of(report, 0, "commands_ready");
    master->delayed = ms_cli_number_of(report, 0, "commands_delayed");
    master->leased = ms_cli_number_of(report, 0, "commands_leased");
    master->buried = ms_cli_number_of(report, 0, "commands_buried");
    master->slots = ms_cli_number_of(report, 0, "slots");
    master->slaves = ms_cli_number_of(report, 0, "slaves");
    master->clients = ms_cli_number_of(report, 0, "clients");
    master->submitted_total = ms_cli_number_of(report, 0, "submitted_total");
    master->outcomes_total = ms_cli_number_of(report, 0, "outcomes_total");
    if (master->epoch != top->before.epoch) {
        top->before_at = 0; /* another one, who counts from the beginning */
    }
}

static int by_load(const void *left, const void *right)
{
    const struct ms_top_slave *a = left;
    const struct ms_top_slave *b = right;
    const uint64_t a_share = a->held * (b->slots > 0 ? b->slots : 1);
    const uint64_t b_share = b->held * (a->slots > 0 ? a->slots : 1);

    if (a_share != b_share) {
        return a_share > b_share ? -1 : 1;
    }
    if (a->held != b->held) {
        return a->held > b->held ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

void ms_top_sort(struct ms_top *top)
{
    qsort(top->slaves, top->count, sizeof *top->slaves, by_load);
}

/* In a second, of late; 0 when it is not known. */
static uint64_t rate(const struct ms_top *top, uint64_t total, uint64_t before)
{
    const ms_time span = top->at - top->before_at;

    if (top->before_at == 0 || span <= 0 || total < before) {
        return 0;
    }
    return (total - before) * (uint64_t)MS_SEC / (uint64_t)span;
}

/* Adds a line, cut to the width of the screen in characters; what would steer a terminal becomes '?'. */
static void add_line(struct ms_text *out, uint32_t columns, const char *line)
{
    uint32_t width = 0;

    for (const char *c = line; *c != '\0'; c++) {
        const unsigned char byte = (unsigned char)*c;

        if ((byte & 0xC0) != 0x80 && ++width > columns) {
            break;
        }
        ms_text_add(out, "%c", byte < ' ' || byte == 0x7F ? '?' : *c);
    }
    ms_text_add(out, "\n");
}

static void add_master(const struct ms_top *top, uint32_t columns, struct ms_text *out)
{
    const struct ms_top_master *master = &top->master;
    char line[LINE_SIZE];
    struct ms_text text;

    ms_text_init(&text, line, sizeof line);
    ms_text_add(
        &text,
        "%s %s, epoch %" PRIu64 ", copies %" PRIu64 ", slaves %" PRIu64 ", clients %" PRIu64 "%s%s",
        master->name, master->state, master->epoch, master->copies, master->slaves, master->clients,
        top->trouble != NULL ? " - " : "", top->trouble != NULL ? top->trouble : "");
    add_line(out, columns, line);
    ms_text_init(&text, line, sizeof line);
    ms_text_add(&text,
                "ready %" PRIu64 ", delayed %" PRIu64 ", leased %" PRIu64 " of %" PRIu64
                " slots, buried %" PRIu64 ", submitted %" PRIu64 "/s, outcomes %" PRIu64 "/s",
                master->ready, master->delayed, master->leased, master->slots, master->buried,
                rate(top, master->submitted_total, top->before.submitted_total),
                rate(top, master->outcomes_total, top->before.outcomes_total));
    add_line(out, columns, line);
    add_line(out, columns, top->pair != NULL ? top->pair : "");
}

static void add_slave(const struct ms_top_slave *slave, uint32_t columns, struct ms_text *out)
{
    char line[LINE_SIZE];
    struct ms_text text;

    ms_text_init(&text, line, sizeof line);
    ms_text_add(&text, "%-24s %-12s %-9s %-8s %5" PRIu64 " %5" PRIu64 " %6s %6s %9s", slave->name,
                slave->group, slave->state, slave->intake, slave->held, slave->slots, slave->cpu,
                slave->memory, slave->rate);
    add_line(out, columns, line);
}

static void add_headers(uint32_t columns, struct ms_text *out)
{
    char line[LINE_SIZE];
    struct ms_text text;

    ms_text_init(&text, line, sizeof line);
    ms_text_add(&text, "%-24s %-12s %-9s %-8s %5s %5s %6s %6s %9s", "name", "group", "state",
                "intake", "held", "slots", "cpu%", "mem%", "done/s");
    add_line(out, columns, line);
}

uint32_t ms_top_print(const struct ms_top *top, uint32_t lines, uint32_t columns,
                      struct ms_text *out)
{
    char line[LINE_SIZE];
    struct ms_text text;
    uint32_t shown = 0;

    if (lines < LINES_ABOVE + 1) {
        lines = LINES_ABOVE + 1;
    }
    add_master(top, columns, out);
    add_headers(columns, out);
    while (shown < top->count && LINES_ABOVE + shown + 1 < lines) {
        add_slave(&top->slaves[shown++], columns, out);
    }
    if (shown + 1 == top->count && top->more == 0) {
        add_slave(&top->slaves[shown++], columns, out);
    }
    if (shown == top->count && top->more == 0) {
        return LINES_ABOVE + shown;
    }
    ms_text_init(&text, line, sizeof line);
    ms_text_add(&text, "and %u more", top->count - shown + top->more);
    add_line(out, columns, line);
    return LINES_ABOVE + shown + 1;
}
