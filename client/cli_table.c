#include "client/cli_table.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/error.h"

#define COLUMN_GAP  2
#define NUMBER_SIZE 32 /* also of a time */

/* One question being printed. Widths are those of the first part of the answer, so that a million rows
 * need no room; a later cell that is wider pushes its row out, no more. */
struct printing {
    const struct ms_cli *cli;
    const struct ms_cli_table *table;
    size_t *widths;
    uint32_t columns;
    uint32_t shown; /* of them, from the first on */
    char first_column[MS_NAME_MAX + 1];
    uint64_t rows;
    int error;
    bool is_done, has_fault;
    json_t *record; /* until its rest is in */
};

/* Points in time come as microseconds, and are told as people write them. */
static bool is_time(const struct ms_client_cell *cell)
{
    return cell->is_number && strcmp(cell->name, "at_us") == 0;
}

static const char *cell_name(const struct ms_client_cell *cell)
{
    return is_time(cell) ? "at" : cell->name;
}

static const char *cell_text(const struct ms_client_cell *cell, char number_out[NUMBER_SIZE])
{
    if (!cell->is_number) {
        return cell->text != NULL ? cell->text : "";
    }
    if (is_time(cell)) {
        struct ms_text text;

        ms_text_init(&text, number_out, NUMBER_SIZE);
        ms_text_add_time(&text, (int64_t)(cell->number & INT64_MAX));
        return number_out;
    }
    snprintf(number_out, NUMBER_SIZE, "%" PRIu64, cell->number);
    return number_out;
}

/* Characters, not bytes; what continues a character does not count. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80 ? 1 : 0;
    }
    return width;
}

/* What a slave or a client called itself shall not steer the terminal, nor break the row. */
void ms_cli_print_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;

        putchar(c < ' ' || c == 0x7F ? '?' : c);
    }
}

static void print_padded(const char *text, size_t width, bool is_right, bool is_last)
{
    const size_t have = width_of(text);
    const size_t gap = width > have ? width - have : 0;

    if (is_right) {
        printf("%*s", (int)gap, "");
    }
    ms_cli_print_clean(text);
    if (!is_last) {
        printf("%*s", (int)(is_right ? COLUMN_GAP : gap + COLUMN_GAP), "");
    }
}

static bool measure(struct printing *printing, const struct ms_client_report *report)
{
    char number[NUMBER_SIZE];

    printing->columns = report->columns;
    printing->shown = report->columns;
    for (uint32_t i = 0; i < report->columns && printing->table->last != NULL; i++) {
        if (strcmp(report->cells[i].name, printing->table->last) == 0) {
            printing->shown = i + 1;
        }
    }
    snprintf(printing->first_column, sizeof printing->first_column, "%s", report->cells[0].name);
    printing->widths = calloc(report->columns, sizeof *printing->widths);
    if (printing->widths == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        const size_t name = width_of(cell_name(&report->cells[i]));
        const size_t text = width_of(cell_text(&report->cells[i], number));
        size_t *width = &printing->widths[i % report->columns];

        *width = *width < name ? name : *width;
        *width = *width < text ? text : *width;
    }
    return true;
}

static void print_headers(const struct printing *printing, const struct ms_client_report *report)
{
    for (uint32_t i = 0; i < printing->shown; i++) {
        print_padded(cell_name(&report->cells[i]), printing->widths[i], report->cells[i].is_number,
                     i + 1 == printing->shown);
    }
    putchar('\n');
}

static void print_rows(const struct printing *printing, const struct ms_client_report *report)
{
    char number[NUMBER_SIZE];

    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        const uint32_t column = i % report->columns;
        const bool is_last = column + 1 == printing->shown;

        if (column >= printing->shown) {
            continue;
        }
        print_padded(cell_text(&report->cells[i], number), printing->widths[column],
                     report->cells[i].is_number, is_last);
        if (is_last) {
            putchar('\n');
        }
    }
}

static void print_record(const struct ms_client_report *report)
{
    char number[NUMBER_SIZE];
    size_t width = 0;

    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        const size_t name = width_of(report->cells[i].name);

        width = width < name ? name : width;
    }
    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        print_padded(report->cells[i].name, width, false, false);
        ms_cli_print_clean(cell_text(&report->cells[i], number));
        putchar('\n');
    }
}

static const struct ms_client_cell *cell_of(const struct ms_client_report *report, uint32_t row,
                                            const char *column, bool is_number)
{
    const struct ms_client_cell *cells = &report->cells[row * report->columns];

    for (uint32_t i = 0; i < report->columns; i++) {
        if (cells[i].is_number == is_number && strcmp(cells[i].name, column) == 0) {
            return &cells[i];
        }
    }
    return NULL;
}

const char *ms_cli_text_of(const struct ms_client_report *report, uint32_t row, const char *column)
{
    const struct ms_client_cell *cell = cell_of(report, row, column, false);

    return cell != NULL && cell->text != NULL ? cell->text : "";
}

uint64_t ms_cli_number_of(const struct ms_client_report *report, uint32_t row, const char *column)
{
    const struct ms_client_cell *cell = cell_of(report, row, column, true);

    return cell != NULL ? cell->number : 0;
}

static json_t *json_cell(const struct ms_client_cell *cell)
{
    char time[NUMBER_SIZE];

    if (is_time(cell)) {
        return json_string(cell_text(cell, time));
    }
    if (cell->is_number) {
        return json_integer((json_int_t)cell->number);
    }
    json_t *text = json_string(cell->text != NULL ? cell->text : "");

    return text != NULL ? text : json_null(); /* it was not UTF-8 */
}

json_t *ms_cli_row_to_json(const struct ms_client_report *report, uint32_t row)
{
    const struct ms_client_cell *cells = &report->cells[row * report->columns];
    json_t *object = json_object();

    for (uint32_t i = 0; i < report->columns; i++) {
        json_object_set_new(object, cell_name(&cells[i]), json_cell(&cells[i]));
    }
    return object;
}

/* The first row is the record, the others are its rest. */
static void gather_json(struct printing *printing, const struct ms_client_report *report)
{
    uint32_t row = 0;

    if (printing->record == NULL) {
        printing->record = ms_cli_row_to_json(report, row++);
        if (printing->table->rest != NULL) {
            json_object_set_new(printing->record, printing->table->rest, json_array());
        }
    }
    for (; row < report->rows && printing->table->rest != NULL; row++) {
        json_array_append_new(json_object_get(printing->record, printing->table->rest),
                              ms_cli_row_to_json(report, row));
    }
}

static bool print_json(struct printing *printing, const struct ms_client_report *report)
{
    if (printing->table->is_record) {
        gather_json(printing, report);
        return true;
    }
    for (uint32_t row = 0; row < report->rows; row++) {
        json_t *object = ms_cli_row_to_json(report, row);

        fputs(printing->rows + row == 0 ? "[\n" : ",\n", stdout);
        const int failed = json_dumpf(object, stdout, JSON_COMPACT);

        json_decref(object);
        if (failed != 0) {
            return false;
        }
    }
    return true;
}

/* The same columns as before; else it is another table, below. */
static bool is_of_shape(const struct printing *printing, const struct ms_client_report *report)
{
    return report->columns == printing->columns &&
           strcmp(printing->first_column, report->cells[0].name) == 0;
}

static void look_for_fault(struct printing *printing, const struct ms_client_report *report)
{
    for (uint32_t i = 0; i < report->columns * report->rows && printing->table->fault != NULL;
         i++) {
        if (strcmp(report->cells[i].name, printing->table->fault) == 0 &&
            report->cells[i].number > 0) {
            printing->has_fault = true;
        }
    }
}

static bool print_part(struct printing *printing, const struct ms_client_report *report)
{
    look_for_fault(printing, report);
    if (report->rows == 0) {
        return true;
    }
    if (printing->table->is_json) {
        return print_json(printing, report);
    }
    if (printing->table->is_record && printing->rows == 0) {
        print_record(report);
        return true;
    }
    if (printing->widths != NULL && !is_of_shape(printing, report)) {
        free(printing->widths);
        printing->widths = NULL;
    }
    if (printing->widths == NULL) {
        if (printing->rows > 0) {
            putchar('\n');
        }
        if (!measure(printing, report)) {
            return false;
        }
        if (!printing->table->no_headers) {
            print_headers(printing, report);
        }
    }
    print_rows(printing, report);
    return true;
}

static void print_end(const struct printing *printing)
{
    if (!printing->table->is_json) {
        return;
    }
    if (printing->table->is_record) {
        if (printing->record == NULL) {
            fputs("null", stdout);
        } else {
            json_dumpf(printing->record, stdout,
                       JSON_COMPACT); /* errors are found when it is flushed */
        }
        putchar('\n');
    } else {
        fputs(printing->rows == 0 ? "[]\n" : "\n]\n", stdout);
    }
}

static void report_cb(struct ms_client *client, const struct ms_client_report *report,
                      void *context)
{
    struct printing *printing = context;

    if (report->is_reset) {
        /* What is printed cannot be taken back, so the answer must not begin anew behind it. */
        printing->error = printing->rows > 0 ? MS_CLIENT_CLOSED : MS_CLIENT_OK;
        printing->is_done = printing->rows > 0;
    } else if (report->error != MS_CLIENT_OK) {
        printing->error = report->error;
        printing->is_done = true;
    } else if (!printing->is_done) {
        if (!print_part(printing, report)) {
            printing->error = MS_CLIENT_NO_MEMORY;
            printing->is_done = true;
        }
        printing->rows += report->rows;
        printing->is_done = printing->is_done || report->is_last;
    }
    if (printing->is_done) {
        ms_client_break(client);
    }
}

void ms_cli_print_report(const struct ms_cli *cli, const struct ms_client_report *report,
                         const struct ms_cli_table *table)
{
    struct printing printing = {.cli = cli, .table = table};

    if (print_part(&printing, report)) {
        printing.rows = report->rows;
        print_end(&printing);
    } else {
        ms_cli_say(cli, "out of memory");
    }
    free(printing.widths);
    json_decref(printing.record);
}

/* Who has said a word that is no id, may have meant something else. */
static void explain_unknown(const struct ms_cli *cli, const struct ms_client_query *query,
                            const char *called)
{
    char client[MS_CLI_CLIENT_SIZE];
    uint64_t seq;

    if (called != NULL && !ms_cli_parse_id(called, client, &seq)) {
        ms_cli_say(cli,
                   "the master knows no command \"%s\": it never came, or is over and was not kept "
                   "(" MS_CLI_ID_HELP ")",
                   called);
        return;
    }
    ms_cli_say(cli,
               "the master knows no command %s:%" PRIu64
               ": it never came, or is over and was not kept",
               query->client_id, query->seq);
}

static int explain(const struct ms_cli *cli, const struct ms_client_query *query,
                   const char *called, int error)
{
    if (error == MS_CLIENT_NOT_FOUND && query->what == MS_CLIENT_ASK_GROUP) {
        ms_cli_say(cli, "the master knows no command of a group \"%s\"", query->where);
    } else if (error == MS_CLIENT_NOT_FOUND && query->what == MS_CLIENT_ASK_COMMAND_SLAVES) {
        ms_cli_say(cli, "no slave fits \"%s\"; muster slaves lists them", query->where);
    } else if (error == MS_E_FRAME_KIND) {
        ms_cli_say(cli, "the master's program is older than this order");
    } else if (error == MS_CLIENT_NOT_FOUND && query->client_id != NULL) {
        explain_unknown(cli, query, called);
    } else {
        ms_cli_say(cli, "%s",
                   error == MS_CLIENT_CLOSED ? "the connection was lost in the midst of the answer"
                                             : ms_client_strerror(error));
    }
    return error == MS_CLIENT_CLOSED ? EX_TEMPFAIL : ms_cli_exit_code(error);
}

static int ask(const struct ms_cli *cli, struct ms_client *client,
               const struct ms_client_query *query, const struct ms_cli_table *table)
{
    struct printing printing = {.cli = cli, .table = table};
    int error = ms_client_ask(client, query, report_cb, &printing);

    while (error == MS_CLIENT_OK && !printing.is_done) {
        ms_client_run(client, -1);
    }
    error = error != MS_CLIENT_OK ? error : printing.error;
    if (error == MS_CLIENT_OK) {
        print_end(&printing);
    }
    free(printing.widths);
    json_decref(printing.record);
    if (error != MS_CLIENT_OK) {
        return explain(cli, query, table->called, error);
    }
    return printing.has_fault ? MS_EX_FAULT : EX_OK;
}

int ms_cli_ask(const struct ms_cli *cli, const struct ms_cli_common *common,
               const struct ms_client_query *query, const struct ms_cli_table *table)
{
    int code = EX_OK;
    struct ms_client *client = ms_cli_connect(cli, common, NULL, &code);

    if (client != NULL) {
        code = ask(cli, client, query, table);
        ms_client_close(client, 0);
        ms_client_destroy(client);
    }
    return code;
}

static void question_report_cb(struct ms_client *client, const struct ms_client_report *report,
                               void *context)
{
    struct ms_cli_question *question = context;

    if (report->is_reset || question->is_done) {
        return;
    }
    question->error = report->error;
    question->is_done = report->error != MS_CLIENT_OK || report->is_last;
    if (report->error == MS_CLIENT_OK && question->on_report != NULL) {
        question->on_report(question, report);
    }
    if (question->is_done) {
        ms_client_break(client);
    }
}

static void question_output_cb(struct ms_client *client, const struct ms_client_output *output,
                               void *context)
{
    struct ms_cli_question *question = context;

    if (!question->is_done && question->on_output != NULL) {
        question->on_output(question, output);
    }
    if (question->is_done) {
        ms_client_break(client);
    }
}

int ms_cli_put_question(const struct ms_cli *cli, const struct ms_cli_common *common,
                        struct ms_cli_question *question)
{
    int code = EX_OK;
    struct ms_client *client = ms_cli_connect(cli, common, NULL, &code);

    if (client == NULL) {
        return code;
    }
    question->query.size = sizeof question->query;
    question->query.on_output = question_output_cb;
    int error = ms_client_ask(client, &question->query, question_report_cb, question);

    while (error == MS_CLIENT_OK && !question->is_done) {
        ms_client_run(client, -1);
    }
    error = error != MS_CLIENT_OK ? error : question->error;
    code = error == MS_CLIENT_OK ? EX_OK : explain(cli, &question->query, question->called, error);
    ms_client_close(client, 0);
    ms_client_destroy(client);
    return code;
}

int ms_cli_run_on_id(const struct ms_cli *cli, int argc, char **argv, void *settings,
                     int (*act)(void *settings, const struct ms_cli_id *id))
{
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(cli, argc, argv, settings, &options);
    struct ms_cli_id id;
    int code;

    if (result.is_done) {
        return result.exit_code;
    }
    id.text = argv[result.argument_at];
    if (ms_cli_find_id(id.text, id.client, &id.seq)) {
        code = act(settings, &id);
    } else {
        code = ms_cli_usage_error(cli, MS_CLI_ID_HELP);
    }
    ms_options_finish(&options);
    return ms_cli_finish_output(cli, code);
}

int ms_cli_ask_and_finish(const struct ms_cli *cli, struct ms_options *options,
                          const struct ms_cli_common *common, const struct ms_client_query *query,
                          const struct ms_cli_table *table)
{
    const int code = ms_cli_ask(cli, common, query, table);

    ms_options_finish(options);
    return ms_cli_finish_output(cli, code);
}

int ms_cli_run_long_listing(const struct ms_cli *cli, int argc, char **argv, int what,
                            const char *last)
{
    struct ms_cli_long_listing settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = what,
        .limit = (uint32_t)settings.listing.limit,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.listing.no_headers,
                                     .last = settings.is_long ? NULL : last};

    return ms_cli_ask_and_finish(cli, &options, &settings.common, &query, &how);
}
