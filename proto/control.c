#include "proto/control.h"

#include "core/invariant.h"
#include "proto/muster.pb-c.h"
#include "proto/screen.h"
#include "proto/utf8.h"

static uint16_t narrow_error(uint32_t number)
{
    return (uint16_t)(number < UINT16_MAX ? number : UINT16_MAX);
}

static bool is_duration(uint64_t time)
{
    return time <= (uint64_t)MS_DURATION_MAX;
}

/* to holds MS_NAME_MAX + 1 bytes, zeroed. */
static bool read_name(char *to, const char *from)
{
    const struct ms_bytes bytes = ms_bytes_of(from);

    ms_assert(to[0] == '\0');
    if (bytes.size > MS_NAME_MAX || !ms_utf8_is_name(bytes)) {
        return false;
    }
    memcpy(to, bytes.data, bytes.size);
    return true;
}

static bool read_uuid(struct ms_uuid *to, ProtobufCBinaryData from)
{
    if (from.len != sizeof to->bytes) {
        return false;
    }
    memcpy(to->bytes, from.data, sizeof to->bytes);
    return true;
}

/* Absent is all zero. */
static bool read_optional_uuid(struct ms_uuid *to, ProtobufCBinaryData from)
{
    return from.len == 0 || read_uuid(to, from);
}

/* Those that are too many are counted, so that whoever is greeted can say so. */
static bool read_labels(struct ms_hello *hello, const Muster__Hello *from)
{
    ms_assert(hello->labels_count == 0);
    hello->labels_count = from->n_labels < UINT32_MAX ? (uint32_t)from->n_labels : UINT32_MAX;
    for (size_t i = 0; i < from->n_labels && i < MS_LABELS_MAX; i++) {
        if (!read_name(hello->labels[i], from->labels[i])) {
            return false;
        }
    }
    return true;
}

static enum ms_error read_hello(struct ms_arena *arena, const Muster__Hello *from,
                                struct ms_command *command)
{
    struct ms_hello *hello = ms_arena_take(arena, sizeof *hello);

    if (hello == NULL) {
        return arena->error;
    }
    ms_assert(hello->role == MS_ROLE_NONE);
    if (from->role != MS_ROLE_SLAVE && from->role != MS_ROLE_CLIENT) {
        return MS_E_MALFORMED;
    }
    hello->role = (enum ms_role)from->role;
    hello->version_min = from->version_min;
    hello->version_max = from->version_max;
    hello->features = from->features;
    hello->epoch = from->epoch;
    hello->floor = from->floor;
    hello->slots = from->slots;
    hello->slots_max = from->slots_max;
    hello->weight = from->weight;
    command->body.hello = hello;
    const bool is_fine = read_uuid(&hello->node, from->node) && !ms_uuid_is_zero(&hello->node) &&
                         read_optional_uuid(&hello->token, from->token) &&
                         read_name(hello->name, from->name) &&
                         read_name(hello->group, from->group) &&
                         read_name(hello->build, from->build) && read_labels(hello, from);
    return is_fine ? MS_E_OK : MS_E_MALFORMED;
}

static enum ms_error read_welcome(struct ms_arena *arena, const Muster__Welcome *from,
                                  struct ms_command *command)
{
    struct ms_welcome *welcome = ms_arena_take(arena, sizeof *welcome);

    if (welcome == NULL) {
        return arena->error;
    }
    if (from->payload_max > MS_PAYLOAD_MAX_CEILING || !is_duration(from->beat_interval) ||
        !is_duration(from->dead_after)) {
        return MS_E_MALFORMED;
    }
    welcome->version = from->version;
    welcome->features = from->features;
    welcome->resumed = from->resumed != 0;
    welcome->session = from->session;
    welcome->payload_max = from->payload_max;
    welcome->outstanding_max = from->outstanding_max;
    welcome->beat_interval = (ms_time)from->beat_interval;
    welcome->dead_after = (ms_time)from->dead_after;
    command->body.welcome = welcome;
    const bool is_fine = read_uuid(&welcome->token, from->token) &&
                         read_name(welcome->name, from->name) &&
                         read_name(welcome->build, from->build);
    ms_assert(welcome->beat_interval >= 0 && welcome->dead_after >= 0);
    return is_fine ? MS_E_OK : MS_E_MALFORMED;
}

static enum ms_error read_goodbye(struct ms_arena *arena, const Muster__Goodbye *from,
                                  struct ms_command *command)
{
    (void)arena; /* the detail lies in it already */
    command->error = narrow_error(from->error);
    command->detail = ms_bytes_of(from->detail);
    return command->detail.size <= MS_DETAIL_MAX ? MS_E_OK : MS_E_MALFORMED;
}

static enum ms_error read_announce(struct ms_arena *arena, const Muster__Announce *from,
                                   struct ms_command *command)
{
    if (from->n_types > MS_SLAVE_TYPES_MAX) {
        return MS_E_MALFORMED;
    }
    struct ms_announce *announce = ms_arena_take(arena, sizeof *announce);
    struct ms_announced *types = ms_arena_take(arena, from->n_types * sizeof *types);
    if (announce == NULL || types == NULL) {
        return arena->error;
    }
    for (size_t i = 0; i < from->n_types; i++) {
        types[i].type = from->types[i]->type;
        if (types[i].type < MS_TYPE_USER_MIN || !read_name(types[i].name, from->types[i]->name)) {
            return MS_E_MALFORMED;
        }
    }
    announce->count = (uint32_t)from->n_types;
    announce->types = types;
    command->body.announce = announce;
    ms_assert(announce->count <= MS_SLAVE_TYPES_MAX);
    return MS_E_OK;
}

static enum ms_error read_tokens(struct ms_arena *arena, const Muster__Tokens *from,
                                 ms_epoch frame_epoch, struct ms_command *command)
{
    if (from->n_tokens > MS_HELD_PER_FRAME_MAX) {
        return MS_E_MALFORMED;
    }
    struct ms_tokens *list = ms_arena_take(arena, sizeof *list);
    struct ms_token *tokens = ms_arena_take(arena, from->n_tokens * sizeof *tokens);
    if (list == NULL || tokens == NULL) {
        return arena->error;
    }
    for (size_t i = 0; i < from->n_tokens; i++) {
        const Muster__Tokens__Token *token = from->tokens[i];
        if (token->token == 0) {
            return MS_E_MALFORMED;
        }
        tokens[i].n = token->token;
        tokens[i].epoch = token->epoch != 0 ? token->epoch : frame_epoch;
    }
    list->count = (uint32_t)from->n_tokens;
    list->tokens = tokens;
    list->last = from->last != 0;
    command->body.tokens = list;
    ms_assert(list->count <= MS_HELD_PER_FRAME_MAX);
    return MS_E_OK;
}

/* A seq says that the rest is told, too. */
static bool read_holding(const Muster__Roll__Held *from, struct ms_holding *to)
{
    if (from->seq == 0) {
        return from->client.len == 0;
    }
    to->id.seq = from->seq;
    to->type = from->type;
    to->attempt = from->attempt;
    return read_uuid(&to->id.client, from->client) && to->type >= MS_TYPE_USER_MIN &&
           to->attempt > 0;
}

static enum ms_error read_roll(struct ms_arena *arena, const Muster__Roll *from,
                               ms_epoch frame_epoch, struct ms_command *command)
{
    if (from->n_held > MS_HELD_PER_FRAME_MAX) {
        return MS_E_MALFORMED;
    }
    struct ms_tokens *list = ms_arena_take(arena, sizeof *list);
    struct ms_token *tokens = ms_arena_take(arena, from->n_held * sizeof *tokens);
    struct ms_holding *holdings = ms_arena_take(arena, from->n_held * sizeof *holdings);
    if (list == NULL || tokens == NULL || holdings == NULL) {
        return arena->error;
    }
    for (size_t i = 0; i < from->n_held; i++) {
        const Muster__Roll__Held *held = from->held[i];
        if (held->token == 0 || !read_holding(held, &holdings[i])) {
            return MS_E_MALFORMED;
        }
        tokens[i].n = held->token;
        tokens[i].epoch = held->epoch != 0 ? held->epoch : frame_epoch;
    }
    list->count = (uint32_t)from->n_held;
    list->tokens = tokens;
    list->holdings = holdings;
    list->last = from->last != 0;
    command->body.tokens = list;
    ms_assert(list->count <= MS_HELD_PER_FRAME_MAX);
    return MS_E_OK;
}

/* Whether the query names what it is about. */
static bool is_about(const struct ms_query *query)
{
    switch (query->what) {
    case MS_QUERY_SHOW:
    case MS_QUERY_WHY:
    case MS_QUERY_RESULT:
    case MS_QUERY_TAIL:
        return query->id.seq > 0;
    case MS_QUERY_GROUP:
        return query->where[0] != '\0';
    case MS_QUERY_OPERATE:
        return query->operation != MS_OPERATION_NONE;
    case MS_QUERY_DRY_RUN:
        return query->type != 0;
    case MS_QUERY_COMMAND_SLAVES:
        return query->order != MS_SLAVE_ORDER_NONE;
    case MS_QUERY_STATUS:
    case MS_QUERY_SLAVES:
    case MS_QUERY_COMMANDS:
    case MS_QUERY_ROUTES:
    case MS_QUERY_SERVICES:
    case MS_QUERY_PROVIDERS:
    case MS_QUERY_COUNT:
        break;
    }
    return true;
}

static enum ms_error read_query(struct ms_arena *arena, const Muster__Query *from,
                                struct ms_command *command)
{
    struct ms_query *query = ms_arena_take(arena, sizeof *query);

    if (query == NULL) {
        return arena->error;
    }
    if (from->what < MS_QUERY_STATUS || from->what >= MS_QUERY_COUNT ||
        from->operation >= MS_OPERATION_COUNT || from->order >= MS_SLAVE_ORDER_COUNT) {
        return MS_E_MALFORMED;
    }
    query->what = (enum ms_query_what)from->what;
    query->id.seq = from->seq;
    query->limit = from->limit;
    query->type = from->type;
    query->operation = (enum ms_operation)from->operation;
    query->is_dry = from->is_dry != 0;
    query->is_following = from->is_following != 0;
    query->from = from->from;
    query->value = from->value;
    query->order = (enum ms_slave_order)from->order;
    command->count = from->number;
    command->body.query = query;
    const struct ms_bytes where = ms_bytes_of(from->where);
    if (where.size > MS_WHERE_MAX) {
        return MS_E_MALFORMED;
    }
    memcpy(query->where, where.data, where.size);
    const bool is_fine = read_optional_uuid(&query->id.client, from->client) &&
                         read_name(query->state, from->state) && is_about(query);
    ms_assert(query->what < MS_QUERY_COUNT);
    return is_fine ? MS_E_OK : MS_E_MALFORMED;
}

/* Rows are whole, and no larger than a sender of ours would make them. */
static bool is_table(const Muster__Report *from)
{
    if (from->n_columns == 0) {
        return from->n_cells == 0;
    }
    if (from->n_columns > MS_REPORT_COLUMNS_MAX || from->n_cells % from->n_columns != 0 ||
        from->n_cells / from->n_columns > MS_REPORT_ROWS_MAX) {
        return false;
    }
    for (size_t i = 0; i < from->n_columns; i++) {
        const struct ms_bytes name = ms_bytes_of(from->columns[i]->name);
        if (name.size > MS_NAME_MAX || !ms_utf8_is_name(name)) {
            return false;
        }
    }
    for (size_t i = 0; i < from->n_cells; i++) {
        if (ms_bytes_of(from->cells[i]->text).size > MS_DETAIL_MAX) {
            return false;
        }
    }
    return true;
}

static enum ms_error read_report(struct ms_arena *arena, const Muster__Report *from,
                                 struct ms_command *command)
{
    if (!is_table(from)) {
        return MS_E_MALFORMED;
    }
    struct ms_report *report = ms_arena_take(arena, sizeof *report);
    struct ms_cell *cells = ms_arena_take(arena, from->n_cells * sizeof *cells);
    if (report == NULL || cells == NULL) {
        return arena->error;
    }
    for (size_t i = 0; i < from->n_cells; i++) {
        const Muster__Report__Column *column = from->columns[i % from->n_columns];
        cells[i].name = column->name;
        cells[i].is_number = column->is_number != 0;
        cells[i].number = cells[i].is_number ? from->cells[i]->number : 0;
        cells[i].text = cells[i].is_number ? NULL : from->cells[i]->text;
    }
    report->error = (enum ms_error)narrow_error(from->error);
    report->columns_count = (uint32_t)from->n_columns;
    report->cells_count = (uint32_t)from->n_cells;
    report->cells = cells;
    report->last = from->last != 0;
    command->count = from->number;
    command->body.report = report;
    ms_assert(report->columns_count > 0 || report->cells_count == 0);
    return MS_E_OK;
}

static const ProtobufCMessageDescriptor *descriptor_of(enum ms_kind kind)
{
    switch (kind) {
    case MS_KIND_HELLO:
        return &muster__hello__descriptor;
    case MS_KIND_WELCOME:
        return &muster__welcome__descriptor;
    case MS_KIND_ERROR:
    case MS_KIND_GOAWAY:
        return &muster__goodbye__descriptor;
    case MS_KIND_ANNOUNCE:
        return &muster__announce__descriptor;
    case MS_KIND_ROLL:
        return &muster__roll__descriptor;
    case MS_KIND_VERDICT:
        return &muster__tokens__descriptor;
    case MS_KIND_BYE:
        return &muster__bye__descriptor;
    case MS_KIND_QUERY:
        return &muster__query__descriptor;
    case MS_KIND_REPORT:
        return &muster__report__descriptor;
    default:
        ms_unreachable();
    }
}

static enum ms_error convert(struct ms_arena *arena, const struct ms_frame *frame,
                             const ProtobufCMessage *message, struct ms_command *command)
{
    ms_assert(message->n_unknown_fields <= MS_UNKNOWN_FIELDS_MAX);
    switch (frame->kind) {
    case MS_KIND_HELLO:
        return read_hello(arena, (const Muster__Hello *)message, command);
    case MS_KIND_WELCOME:
        return read_welcome(arena, (const Muster__Welcome *)message, command);
    case MS_KIND_ERROR:
    case MS_KIND_GOAWAY:
        return read_goodbye(arena, (const Muster__Goodbye *)message, command);
    case MS_KIND_ANNOUNCE:
        return read_announce(arena, (const Muster__Announce *)message, command);
    case MS_KIND_ROLL:
        return read_roll(arena, (const Muster__Roll *)message, frame->epoch, command);
    case MS_KIND_VERDICT:
        return read_tokens(arena, (const Muster__Tokens *)message, frame->epoch, command);
    case MS_KIND_BYE:
        return MS_E_OK;
    case MS_KIND_QUERY:
        return read_query(arena, (const Muster__Query *)message, command);
    case MS_KIND_REPORT:
        return read_report(arena, (const Muster__Report *)message, command);
    default:
        ms_unreachable();
    }
}

enum ms_error ms_control_read(struct ms_arena *arena, const struct ms_frame *frame,
                              struct ms_command *command_out)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->kind);

    *command_out = (struct ms_command){.kind = (uint8_t)frame->kind};
    if (!ms_screen(descriptor, frame->body)) {
        return MS_E_MALFORMED;
    }
    ms_arena_begin(arena, frame->body.size);
    const ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, &arena->allocator,
                                                                frame->body.size, frame->body.data);
    if (message == NULL) {
        return arena->error != MS_E_OK ? arena->error : MS_E_MALFORMED;
    }
    ms_assert(arena->error == MS_E_OK);
    return convert(arena, frame, message, command_out);
}
