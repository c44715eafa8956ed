#include <stdlib.h>

#include "client/api_private.h"
#include "core/filter.h"
#include "core/router.h"
#include "core/text.h"

_Static_assert((int)MS_CLIENT_ASK_STATUS == MS_QUERY_STATUS &&
                   (int)MS_CLIENT_ASK_SLAVES == MS_QUERY_SLAVES &&
                   (int)MS_CLIENT_ASK_COMMANDS == MS_QUERY_COMMANDS &&
                   (int)MS_CLIENT_ASK_SHOW == MS_QUERY_SHOW &&
                   (int)MS_CLIENT_ASK_WHY == MS_QUERY_WHY &&
                   (int)MS_CLIENT_ASK_GROUP == MS_QUERY_GROUP &&
                   (int)MS_CLIENT_ASK_RESULT == MS_QUERY_RESULT &&
                   (int)MS_CLIENT_ASK_TAIL == MS_QUERY_TAIL &&
                   (int)MS_CLIENT_ASK_OPERATE == MS_QUERY_OPERATE &&
                   (int)MS_CLIENT_ASK_ROUTES == MS_QUERY_ROUTES &&
                   (int)MS_CLIENT_ASK_DRY_RUN == MS_QUERY_DRY_RUN &&
                   (int)MS_CLIENT_ASK_SERVICES == MS_QUERY_SERVICES &&
                   (int)MS_CLIENT_ASK_PROVIDERS == MS_QUERY_PROVIDERS &&
                   (int)MS_CLIENT_ASK_COMMAND_SLAVES == MS_QUERY_COMMAND_SLAVES,
               "public questions are those of the wire");
_Static_assert((int)MS_CLIENT_OPERATE_CANCEL == MS_OPERATION_CANCEL &&
                   (int)MS_CLIENT_OPERATE_KICK == MS_OPERATION_KICK &&
                   (int)MS_CLIENT_OPERATE_RELEASE == MS_OPERATION_RELEASE &&
                   (int)MS_CLIENT_OPERATE_PRIORITY == MS_OPERATION_PRIORITY &&
                   (int)MS_CLIENT_OPERATE_CONCURRENCY == MS_OPERATION_CONCURRENCY,
               "public operations are those of the wire");

_Static_assert((int)MS_CLIENT_ORDER_CORDON == MS_SLAVE_ORDER_CORDON &&
                   (int)MS_CLIENT_ORDER_UNCORDON == MS_SLAVE_ORDER_UNCORDON &&
                   (int)MS_CLIENT_ORDER_SLOTS == MS_SLAVE_ORDER_SLOTS &&
                   (int)MS_CLIENT_ORDER_LOG_LEVEL == MS_SLAVE_ORDER_LOG_LEVEL,
               "public orders are those of the wire");

static bool is_order_fit(const struct ms_client_query *from)
{
    if (from->what != MS_CLIENT_ASK_COMMAND_SLAVES) {
        return from->order == 0;
    }
    return from->order > MS_SLAVE_ORDER_NONE && from->order < MS_SLAVE_ORDER_COUNT &&
           from->where != NULL && from->where[0] != '\0';
}

static bool is_operation_fit(const struct ms_client_query *from)
{
    if (from->what != MS_CLIENT_ASK_OPERATE) {
        return from->operation == 0;
    }
    /* Everything at once is said in so many words (state=* ...), never by leaving something out. */
    return from->operation > MS_OPERATION_NONE && from->operation < MS_OPERATION_COUNT &&
           (from->seq != 0 || (from->where != NULL && from->where[0] != '\0'));
}

/* The filter's grammar is checked here too, so that a slip costs no round trip. */
static bool is_where_fit(const struct ms_client_query *from)
{
    struct ms_filter filter;

    if (from->where == NULL) {
        return from->what != MS_CLIENT_ASK_GROUP;
    }
    switch (from->what) {
    case MS_CLIENT_ASK_DRY_RUN:
        return true; /* a key is any text */
    case MS_CLIENT_ASK_GROUP:
        return ms_text_is_name(from->where, strlen(from->where));
    case MS_CLIENT_ASK_SLAVES:
    case MS_CLIENT_ASK_COMMAND_SLAVES:
        return ms_filter_parse_slaves(from->where, &filter, NULL);
    default:
        return ms_filter_parse(from->where, &filter, NULL);
    }
}

static bool translate(const struct ms_client *client, const struct ms_client_query *from,
                      struct ms_query *query_out)
{
    struct ms_query query = {
        .what = (enum ms_query_what)from->what,
        .id = {client->engine.client, from->seq},
        .limit = from->limit,
        .operation = (enum ms_operation)from->operation,
        .order = (enum ms_slave_order)from->order,
        .is_dry = from->is_dry_run,
        .is_following = from->is_following,
        .from = from->from,
        .value = from->value,
    };

    if (from->what < MS_QUERY_STATUS || from->what >= MS_QUERY_COUNT || !is_operation_fit(from) ||
        !is_order_fit(from) || !is_where_fit(from)) {
        return false;
    }
    if (from->where != NULL &&
        !ms_text_copy(query.where, sizeof query.where, from->where, strlen(from->where))) {
        return false;
    }
    if (from->client_id != NULL && !ms_client_parse_id(from->client_id, &query.id.client)) {
        return false;
    }
    if (from->state != NULL && !ms_text_is_name(from->state, strlen(from->state))) {
        return false;
    }
    if (from->state != NULL &&
        !ms_text_copy(query.state, sizeof query.state, from->state, strlen(from->state))) {
        return false;
    }
    query.type = from->type != NULL ? ms_type_of_name(from->type) : 0;
    *query_out = query;
    return true;
}

int ms_client_ask(struct ms_client *client, const struct ms_client_query *query,
                  ms_client_report_fn on_report, void *context)
{
    struct ms_client_query known;
    struct ms_query asked;
    struct ms_question *question = NULL;

    if (client->is_closing) {
        return MS_CLIENT_DRAINING;
    }
    if (on_report == NULL || !ms_client_copy_struct(&known, sizeof known, query) ||
        !translate(client, &known, &asked)) {
        return MS_CLIENT_BAD_ARGUMENT;
    }
    for (size_t i = 0; i < MS_CLIENT_QUERIES_MAX && question == NULL; i++) {
        question = client->questions[i].is_used ? NULL : &client->questions[i];
    }
    if (question == NULL) {
        return MS_CLIENT_BUSY;
    }
    question->is_used = true;
    question->on_report = on_report;
    question->on_output = known.on_output;
    question->seq = known.seq;
    question->context = context;
    ms_client_post(client, MS_EVENT_REQUEST, (uint64_t)(uintptr_t)question,
                   &(struct ms_command){.kind = MS_KIND_QUERY, .body.query = &asked});
    return MS_CLIENT_OK;
}

static bool translate_cells(struct ms_question *question, const struct ms_report *from)
{
    if (from->cells_count > question->cells_capacity) {
        struct ms_client_cell *cells = realloc(question->cells, from->cells_count * sizeof *cells);

        if (cells == NULL) {
            return false;
        }
        question->cells = cells;
        question->cells_capacity = from->cells_count;
    }
    for (uint32_t i = 0; i < from->cells_count; i++) {
        const struct ms_cell *cell = &from->cells[i];

        question->cells[i] = (struct ms_client_cell){
            .name = cell->name,
            .is_number = cell->is_number,
            .number = cell->number,
            .text = cell->text,
        };
    }
    return true;
}

void ms_client_deliver_report(struct ms_client *client, const struct ms_effect *effect)
{
    struct ms_question *question = (struct ms_question *)(uintptr_t)effect->seq;
    const struct ms_report *from = effect->command.body.report;
    struct ms_client_report report = {.size = sizeof report};

    ms_assert(question != NULL && question->is_used);
    if (effect->tag == MS_CLIENT_NOTE_RESET) {
        report.is_reset = true;
    } else {
        ms_assert(from != NULL);
        report.error = (int)from->error;
        report.is_last = from->last;
        if (!translate_cells(question, from)) {
            report.error = MS_CLIENT_NO_MEMORY;
        } else if (from->columns_count > 0) {
            report.columns = from->columns_count;
            report.rows = from->cells_count / from->columns_count;
            report.cells = question->cells;
        }
    }
    const ms_client_report_fn on_report = question->on_report;
    void *context = question->context;
    struct ms_client_cell *cells = question->cells;

    if (report.is_last) {
        *question = (struct ms_question){.is_used = false};
    }
    client->depth++;
    on_report(client, &report, context);
    client->depth--;
    if (report.is_last) {
        free(cells);
    }
}

void ms_client_deliver_tail(struct ms_client *client, const struct ms_effect *effect)
{
    const struct ms_question *question = (const struct ms_question *)(uintptr_t)effect->seq;
    const struct ms_command *piece = &effect->command;

    ms_assert(question != NULL && question->is_used);
    if (question->on_output == NULL) {
        return;
    }
    client->depth++;
    question->on_output(client,
                        &(struct ms_client_output){
                            .size = sizeof(struct ms_client_output),
                            .seq = question->seq,
                            .stream = piece->stream,
                            .attempt = piece->attempt,
                            .data = piece->payload.data,
                            .data_size = piece->payload.size,
                        },
                        question->context);
    client->depth--;
}
