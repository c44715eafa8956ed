#include "proto/pack.h"

#include "core/invariant.h"
#include "proto/pack_list.h"
#include "proto/pair.h"
#include "proto/utf8.h"
#include "proto/wire_put.h"

#define NUMBER_FIELD_MAX     (1 + MS_WIRE_VARINT_MAX)
#define TEXT_FIELD_MAX(size) (3 + (size)) /* texts are shorter than 16 KiB */
#define TOKEN_MAX            (2 + 2 * NUMBER_FIELD_MAX)
#define HELD_MAX             (TOKEN_MAX + 18 + 9 + 9 + 6)
#define TYPE_MAX             (2 + 9 + TEXT_FIELD_MAX(MS_NAME_MAX))
#define COLUMN_MAX           (2 + TEXT_FIELD_MAX(MS_NAME_MAX) + 2)
#define CELL_MAX             (3 + TEXT_FIELD_MAX(MS_DETAIL_MAX))
#define REPORT_MAX           (3 * NUMBER_FIELD_MAX + MS_REPORT_COLUMNS_MAX * COLUMN_MAX)
#define SMALL_BODY_MAX       1024
#define HELLO_MAX            (SMALL_BODY_MAX + MS_LABELS_MAX * TEXT_FIELD_MAX(MS_NAME_MAX))

static_assert(MS_HELD_PER_FRAME_MAX * HELD_MAX + 2 <= MS_FRAME_CONTROL_MAX, "a roll fits");
static_assert(MS_SLAVE_TYPES_MAX * TYPE_MAX <= MS_FRAME_CONTROL_MAX, "an announcement fits");
static_assert(REPORT_MAX + MS_REPORT_COLUMNS_MAX * CELL_MAX <= MS_FRAME_CONTROL_MAX, "a row fits");
static_assert(SMALL_BODY_MAX >= MS_DETAIL_MAX + 64, "a goodbye fits");
static_assert(SMALL_BODY_MAX >= MS_WHERE_MAX + 256, "a query fits");
static_assert(HELLO_MAX <= MS_FRAME_HELLO_MAX, "a greeting fits");

bool ms_pack_is_ack(enum ms_kind kind)
{
    return kind == MS_KIND_RESULT_ACK || kind == MS_KIND_SUBMIT_ACK || kind == MS_KIND_OUTCOME_ACK;
}

static uint8_t *put_name(uint8_t *at, unsigned number, const char *name)
{
    return ms_pack_name(at, number, ms_bytes_of(name));
}

/* All zero is absent. */
static uint8_t *put_uuid(uint8_t *at, unsigned number, const struct ms_uuid *uuid)
{
    if (ms_uuid_is_zero(uuid)) {
        return at;
    }
    return ms_wire_put_bytes(at, number, (struct ms_bytes){uuid->bytes, sizeof uuid->bytes});
}

static uint8_t *put_bool(uint8_t *at, unsigned number, bool value)
{
    return ms_wire_put_u64(at, number, value ? 1 : 0);
}

static uint64_t zigzag64(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}

static uint8_t *pack_hello(uint8_t *at, const struct ms_hello *hello)
{
    ms_assert(hello->role == MS_ROLE_SLAVE || hello->role == MS_ROLE_CLIENT);
    ms_assert(!ms_uuid_is_zero(&hello->node));
    at = ms_wire_put_u64(at, 1, (uint64_t)hello->role);
    at = ms_wire_put_u64(at, 2, hello->version_min);
    at = ms_wire_put_u64(at, 3, hello->version_max);
    at = ms_wire_put_u64(at, 4, hello->features);
    at = put_uuid(at, 5, &hello->node);
    at = put_uuid(at, 6, &hello->token);
    at = ms_wire_put_u64(at, 7, hello->epoch);
    at = ms_wire_put_u64(at, 8, hello->floor);
    at = ms_wire_put_u64(at, 9, hello->slots);
    at = put_name(at, 10, hello->name);
    at = put_name(at, 11, hello->group);
    at = put_name(at, 12, hello->build);
    ms_assert(hello->labels_count <= MS_LABELS_MAX);
    for (uint32_t i = 0; i < hello->labels_count; i++) {
        ms_assert(hello->labels[i][0] != '\0');
        at = put_name(at, 13, hello->labels[i]);
    }
    at = ms_wire_put_u64(at, 14, hello->weight);
    return ms_wire_put_u64(at, 15, hello->slots_max);
}

/* Once more than nothing, so that nothing is told from what is not known. */
static uint8_t *put_permille(uint8_t *at, unsigned number, uint16_t permille)
{
    if (permille == MS_PERMILLE_UNKNOWN) {
        return at;
    }
    ms_assert(permille <= MS_PERMILLE_MAX);
    return ms_wire_put_u64(at, number, permille + 1u);
}

static uint8_t *pack_beat(uint8_t *at, const struct ms_command *command)
{
    const struct ms_load *load = command->body.load;

    at = ms_wire_put_u64(at, 1, command->count);
    if (load == NULL) {
        return at;
    }
    at = put_permille(at, 2, load->cpu);
    at = put_permille(at, 3, load->memory);
    at = ms_wire_put_u64(at, 4, load->running);
    at = ms_wire_put_u64(at, 5, load->queued);
    return ms_wire_put_u64(at, 6, load->slots);
}

static uint8_t *pack_adjust(uint8_t *at, const struct ms_command *command)
{
    ms_assert(command->count <= MS_SLOTS_MAX);
    at = ms_wire_put_u64(at, 1, command->count);
    return ms_wire_put_u64(at, 2, command->index);
}

static uint8_t *pack_welcome(uint8_t *at, const struct ms_welcome *welcome)
{
    ms_assert(welcome->payload_max <= MS_PAYLOAD_MAX_CEILING);
    at = ms_wire_put_u64(at, 1, welcome->version);
    at = ms_wire_put_u64(at, 2, welcome->features);
    at = ms_wire_put_bytes(at, 3,
                           (struct ms_bytes){welcome->token.bytes, sizeof welcome->token.bytes});
    at = put_bool(at, 4, welcome->resumed);
    at = ms_wire_put_u64(at, 5, welcome->session);
    at = ms_wire_put_u64(at, 6, welcome->payload_max);
    at = ms_wire_put_u64(at, 7, welcome->outstanding_max);
    at = ms_pack_time(at, 8, welcome->beat_interval);
    at = ms_pack_time(at, 9, welcome->dead_after);
    at = put_name(at, 10, welcome->name);
    return put_name(at, 11, welcome->build);
}

static uint8_t *pack_announce(uint8_t *at, const struct ms_announce *announce)
{
    ms_assert(announce->count <= MS_SLAVE_TYPES_MAX);
    for (uint32_t i = 0; i < announce->count; i++) {
        at = ms_wire_put_key(at, 1, MS_WIRE_BYTES);
        uint8_t *length = at;
        at = ms_wire_put_fixed64(length + 1, 1, announce->types[i].type);
        at = put_name(at, 2, announce->types[i].name);
        ms_assert(at - length - 1 < 0x80); /* a name and 9 bytes */
        *length = (uint8_t)(at - length - 1);
    }
    return at;
}

static uint8_t *pack_tokens(uint8_t *at, ms_epoch frame_epoch, const struct ms_tokens *tokens)
{
    ms_assert(tokens->count <= MS_HELD_PER_FRAME_MAX);
    for (uint32_t i = 0; i < tokens->count; i++) {
        at = ms_pack_token(at, frame_epoch, tokens->tokens[i]);
    }
    return put_bool(at, 2, tokens->last);
}

/* What is known of an attempt stands beside its token; of one without a seq nothing is. */
static uint8_t *put_holding(uint8_t *at, const struct ms_holding *holding)
{
    if (holding->id.seq == 0) {
        return at;
    }
    ms_assert(holding->type >= MS_TYPE_USER_MIN);
    ms_assert(holding->attempt > 0);
    at = ms_wire_put_bytes(
        at, 3, (struct ms_bytes){holding->id.client.bytes, sizeof holding->id.client.bytes});
    at = ms_wire_put_fixed64(at, 4, holding->id.seq);
    at = ms_wire_put_fixed64(at, 5, holding->type);
    return ms_wire_put_u64(at, 6, holding->attempt);
}

static uint8_t *pack_roll(uint8_t *at, ms_epoch frame_epoch, const struct ms_tokens *roll)
{
    ms_assert(roll->count <= MS_HELD_PER_FRAME_MAX);
    for (uint32_t i = 0; i < roll->count; i++) {
        const struct ms_token token = roll->tokens[i];
        ms_assert(token.n > 0);
        at = ms_wire_put_key(at, 1, MS_WIRE_BYTES);
        uint8_t *length = at;
        at = ms_wire_put_u64(length + 1, 1, token.n);
        at = token.epoch != frame_epoch ? ms_wire_put_u64(at, 2, token.epoch) : at;
        at = roll->holdings != NULL ? put_holding(at, &roll->holdings[i]) : at;
        ms_assert(at - length - 1 < HELD_MAX);
        *length = (uint8_t)(at - length - 1);
    }
    return put_bool(at, 2, roll->last);
}

static uint8_t *pack_query(uint8_t *at, const struct ms_command *command)
{
    const struct ms_query *query = command->body.query;

    ms_assert(query->what >= MS_QUERY_STATUS && query->what < MS_QUERY_COUNT);
    ms_assert(query->operation < MS_OPERATION_COUNT);
    at = ms_wire_put_u64(at, 1, command->count);
    at = ms_wire_put_u64(at, 2, (uint64_t)query->what);
    at = put_uuid(at, 3, &query->id.client);
    at = ms_wire_put_u64(at, 4, query->id.seq);
    at = ms_wire_put_u64(at, 5, query->limit);
    at = put_name(at, 6, query->state);
    at = ms_wire_put_fixed64(at, 7, query->type);
    at = ms_pack_detail(at, 8, ms_bytes_of(query->where));
    at = ms_wire_put_u64(at, 9, (uint64_t)query->operation);
    at = put_bool(at, 10, query->is_dry);
    at = put_bool(at, 11, query->is_following);
    at = ms_wire_put_u64(at, 12, query->from);
    at = ms_wire_put_u64(at, 13, zigzag64(query->value));
    return ms_wire_put_u64(at, 14, (uint64_t)query->order);
}

static size_t cell_max(const struct ms_cell *cell)
{
    if (cell->is_number || cell->text == NULL) {
        return 3 + NUMBER_FIELD_MAX;
    }
    const size_t size = strlen(cell->text);
    return 3 + TEXT_FIELD_MAX(size < MS_DETAIL_MAX ? size : MS_DETAIL_MAX);
}

static size_t row_max(const struct ms_report *report, uint32_t row)
{
    size_t size = 0;

    ms_assert((row + 1) * report->columns_count <= report->cells_count);
    for (uint32_t i = 0; i < report->columns_count; i++) {
        size += cell_max(&report->cells[row * report->columns_count + i]);
    }
    return size;
}

uint32_t ms_pack_report_rows(const struct ms_report *report, uint32_t row)
{
    if (report->columns_count == 0) {
        return 0;
    }
    const uint32_t rows = report->cells_count / report->columns_count;
    size_t size = REPORT_MAX;
    uint32_t count = 0;
    ms_assert(report->columns_count <= MS_REPORT_COLUMNS_MAX);
    ms_assert(report->cells_count % report->columns_count == 0);
    while (row + count < rows && count < MS_REPORT_ROWS_MAX) {
        size += row_max(report, row + count);
        if (size > MS_FRAME_CONTROL_MAX) {
            break;
        }
        count++;
    }
    return count;
}

/* A number stands there even when it is 0, and a text when it is empty, so that a cell is never an
 * empty message: those cost a receiver that unpacks with protobuf-c most, up to beyond its budget. */
static uint8_t *pack_cell(uint8_t *at, const struct ms_cell *cell)
{
    uint8_t body[CELL_MAX];
    uint8_t *end = body;

    if (cell->is_number) {
        end = ms_wire_put_varint(ms_wire_put_key(end, 2, MS_WIRE_VARINT), cell->number);
    } else if (cell->text != NULL && cell->text[0] != '\0') {
        end = ms_pack_detail(end, 1, ms_bytes_of(cell->text));
    } else {
        end = ms_wire_put_varint(ms_wire_put_key(end, 1, MS_WIRE_BYTES), 0);
    }
    const size_t size = (size_t)(end - body);
    ms_assert(size <= sizeof body);
    at = ms_wire_put_varint(ms_wire_put_key(at, 4, MS_WIRE_BYTES), size);
    memcpy(at, body, size);
    return at + size;
}

static uint8_t *pack_report(uint8_t *at, const struct ms_command *command)
{
    const struct ms_report *report = command->body.report;

    ms_assert(report->columns_count <= MS_REPORT_COLUMNS_MAX);
    ms_assert(report->cells_count == 0 || report->columns_count > 0);
    at = ms_wire_put_u64(at, 1, command->count);
    at = ms_wire_put_u64(at, 2, (uint64_t)report->error);
    /* The names of the columns stand in the cells of the first row: without one there are none. */
    for (uint32_t i = 0; i < report->columns_count && report->cells_count > 0; i++) {
        at = ms_wire_put_key(at, 3, MS_WIRE_BYTES);
        uint8_t *length = at;
        at = put_name(length + 1, 1, report->cells[i].name);
        at = put_bool(at, 2, report->cells[i].is_number);
        *length = (uint8_t)(at - length - 1);
    }
    for (uint32_t i = 0; i < report->cells_count; i++) {
        at = pack_cell(at, &report->cells[i]);
    }
    return put_bool(at, 5, report->last);
}

static size_t report_max(const struct ms_report *report)
{
    size_t size = REPORT_MAX;

    ms_assert(report->columns_count <= MS_REPORT_COLUMNS_MAX);
    for (uint32_t i = 0; i < report->cells_count; i++) {
        size += cell_max(&report->cells[i]);
    }
    return size;
}

size_t ms_pack_max(const struct ms_command *command)
{
    if (ms_kind_is_pair((enum ms_kind)command->kind)) {
        return ms_pair_pack_max(command);
    }
    ms_assert(command->payload.size <= MS_PAYLOAD_MAX_CEILING);
    switch ((enum ms_kind)command->kind) {
    case MS_KIND_ANNOUNCE:
        return (size_t)command->body.announce->count * TYPE_MAX;
    case MS_KIND_ROLL:
        return (size_t)command->body.tokens->count * HELD_MAX + 2;
    case MS_KIND_VERDICT:
        return (size_t)command->body.tokens->count * TOKEN_MAX + 2;
    case MS_KIND_REPORT:
        return report_max(command->body.report);
    case MS_KIND_HELLO:
        return HELLO_MAX;
    case MS_KIND_WELCOME:
    case MS_KIND_ERROR:
    case MS_KIND_GOAWAY:
    case MS_KIND_QUERY:
        return SMALL_BODY_MAX;
    default:
        break;
    }
    const struct ms_terms *terms = command->terms;
    return MS_PACK_ELEMENT_MAX + command->payload.size +
           (command->detail.size < MS_DETAIL_MAX ? command->detail.size : MS_DETAIL_MAX) +
           (terms != NULL ? MS_PACK_TERMS_MAX + terms->unique.size + terms->group.size +
                                terms->key.size + terms->where.size + terms->array_closed.size
                          : 0);
}

uint8_t *ms_pack(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    ms_pack_element_fn *pack_element = ms_pack_element_of((enum ms_kind)command->kind);

    if (pack_element != NULL) {
        return pack_element(at, frame_epoch, command);
    }
    switch ((enum ms_kind)command->kind) {
    case MS_KIND_HELLO:
        return pack_hello(at, command->body.hello);
    case MS_KIND_WELCOME:
        return pack_welcome(at, command->body.welcome);
    case MS_KIND_BEAT:
        return pack_beat(at, command);
    case MS_KIND_ADJUST:
        return pack_adjust(at, command);
    case MS_KIND_BEAT_ACK:
    case MS_KIND_PULL:
        return ms_wire_put_u64(at, 1, command->count);
    case MS_KIND_ERROR:
    case MS_KIND_GOAWAY:
        at = ms_wire_put_u64(at, 1, command->error);
        return ms_pack_detail(at, 2, command->detail);
    case MS_KIND_ANNOUNCE:
        return pack_announce(at, command->body.announce);
    case MS_KIND_ROLL:
        return pack_roll(at, frame_epoch, command->body.tokens);
    case MS_KIND_VERDICT:
        return pack_tokens(at, frame_epoch, command->body.tokens);
    case MS_KIND_BYE:
        return at;
    case MS_KIND_QUERY:
        return pack_query(at, command);
    case MS_KIND_REPORT:
        return pack_report(at, command);
    default:
        return ms_pair_pack(at, command);
    }
}
