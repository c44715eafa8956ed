#include "tests/support/oracle.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/muster.pb-c.h"
#include "proto/screen.h"

static const ProtobufCMessageDescriptor *descriptor_of(enum ms_kind kind)
{
    static const ProtobufCMessageDescriptor *const descriptors[MS_KIND_COUNT] = {
        [MS_KIND_BEAT] = &muster__beat__descriptor,
        [MS_KIND_BEAT_ACK] = &muster__beat__descriptor,
        [MS_KIND_PULL] = &muster__pull__descriptor,
        [MS_KIND_COMMAND] = &muster__commands__descriptor,
        [MS_KIND_OUTPUT] = &muster__outputs__descriptor,
        [MS_KIND_RESULT] = &muster__results__descriptor,
        [MS_KIND_RESULT_ACK] = &muster__acks__descriptor,
        [MS_KIND_REVOKE] = &muster__tokens__descriptor,
        [MS_KIND_RETURN] = &muster__tokens__descriptor,
        [MS_KIND_FOLLOW] = &muster__tokens__descriptor,
        [MS_KIND_SUBMIT] = &muster__submits__descriptor,
        [MS_KIND_SUBMIT_ACK] = &muster__acks__descriptor,
        [MS_KIND_SUBMIT_NAK] = &muster__naks__descriptor,
        [MS_KIND_OUTCOME] = &muster__outcomes__descriptor,
        [MS_KIND_OUTCOME_ACK] = &muster__acks__descriptor,
        [MS_KIND_STREAM] = &muster__outputs__descriptor,
        [MS_KIND_CANCEL] = &muster__cancels__descriptor,
        [MS_KIND_CANCEL_ACK] = &muster__cancels__descriptor,
        [MS_KIND_PART] = &muster__parts__descriptor,
        [MS_KIND_TAIL] = &muster__tails__descriptor,
        [MS_KIND_ADJUST] = &muster__adjust__descriptor,
        [MS_KIND_CALL] = &muster__calls__descriptor,
        [MS_KIND_CALL_REPLY] = &muster__call_replies__descriptor,
    };

    ms_assert(descriptors[kind] != NULL);
    return descriptors[kind];
}

static bool is_duration(uint64_t time)
{
    return time <= (uint64_t)MS_DURATION_MAX;
}

static struct ms_bytes bytes_of(ProtobufCBinaryData data)
{
    return (struct ms_bytes){data.data, data.len};
}

static struct ms_bytes detail_of(const char *text)
{
    return text[0] != '\0' ? ms_bytes_of(text) : (struct ms_bytes){0};
}

static const struct ms_usage *usage_of(const Muster__Usage *from, struct ms_usage *to)
{
    if (from == NULL) {
        return NULL;
    }
    *to = (struct ms_usage){from->wall_us, from->user_us, from->system_us, from->rss_kib};
    return to;
}

static uint16_t error_of(uint32_t number)
{
    return (uint16_t)(number > 65535 ? 65535 : number);
}

static ms_epoch epoch_of(uint64_t own, ms_epoch frame_epoch)
{
    return own != 0 ? own : frame_epoch;
}

static bool take_command(const Muster__Commands__Command *from, ms_epoch epoch,
                         struct ms_command *to)
{
    if (from->client.len != 16 || from->seq == 0 || from->token == 0 || from->attempt == 0 ||
        from->type < 1024 || !is_duration(from->timeout) ||
        (from->index != 0 && from->index >= from->count)) {
        return false;
    }
    to->index = from->index;
    to->count = from->count;
    to->type = from->type;
    memcpy(to->id.client.bytes, from->client.data, 16);
    to->id.seq = from->seq;
    to->token = (struct ms_token){epoch_of(from->epoch, epoch), from->token};
    to->attempt = from->attempt;
    to->timeout = (ms_time)from->timeout;
    to->flags = from->flags & (2 | 32);
    to->payload = bytes_of(from->payload);
    return true;
}

static bool take_output(const Muster__Outputs__Output *from, ms_epoch epoch, struct ms_command *to)
{
    if (from->stream > 3) {
        return false;
    }
    to->stream = (uint8_t)from->stream;
    to->index = from->index;
    to->payload = bytes_of(from->payload);
    if (to->kind == MS_KIND_OUTPUT) {
        to->token = (struct ms_token){epoch_of(from->epoch, epoch), from->token};
        return from->token != 0;
    }
    to->id.seq = from->seq;
    to->attempt = from->attempt;
    return from->seq != 0 && from->attempt != 0;
}

static bool take_result(const Muster__Results__Result *from, ms_epoch epoch, struct ms_command *to,
                        struct ms_usage *usage)
{
    if (from->token == 0 || from->token == UINT64_MAX || from->status > 5 ||
        strlen(from->detail) > 512 || !is_duration(from->delay)) {
        return false;
    }
    to->token = (struct ms_token){epoch_of(from->epoch, epoch), from->token};
    to->status = (uint8_t)from->status;
    to->code = from->code;
    to->signal = from->signal;
    to->count = from->credit;
    to->delay = (ms_time)from->delay;
    to->usage = usage_of(from->usage, usage);
    to->detail = detail_of(from->detail);
    to->payload = bytes_of(from->payload);
    return true;
}

static bool take_run(const Muster__Acks *acks, size_t i, ms_epoch epoch, struct ms_command *to)
{
    const Muster__Acks__Run *from = acks->runs[i];

    to->count = from->count != 0 ? from->count : 1;
    if (from->first == 0 || from->first + to->count < from->first) {
        return false;
    }
    if (to->kind == MS_KIND_RESULT_ACK) {
        to->token = (struct ms_token){epoch_of(acks->epoch, epoch), from->first};
        return true;
    }
    to->id.seq = from->first;
    if (to->kind == MS_KIND_SUBMIT_ACK) {
        to->durability = (uint8_t)acks->durability;
        to->copies = (uint8_t)(acks->copies > 255 ? 255 : acks->copies);
    }
    return true;
}

static bool is_name(const char *text)
{
    if (strlen(text) > 63) {
        return false;
    }
    for (; *text != '\0'; text++) {
        const unsigned char byte = (unsigned char)*text;
        const bool is_c1 = byte == 0xc2 && (unsigned char)text[1] < 0xa0;
        if (byte < 0x20 || byte == 0x7f || is_c1) {
            return false;
        }
    }
    return true;
}

/* NULL: none of them says anything. */
static const struct ms_terms *terms_of(const Muster__Submits__Submit *from, struct ms_terms *to)
{
    *to = (struct ms_terms){
        .priority = (int8_t)from->priority,
        .unique_mode = (uint8_t)from->unique_mode,
        .array_count = from->array_count,
        .array_concurrency = from->array_concurrency,
        .parts_size = from->parts_size,
        .run_at = (int64_t)from->run_at,
        .deadline = (int64_t)from->deadline,
        .array_closed = bytes_of(from->array_closed),
        .unique = bytes_of(from->unique),
        .group = detail_of(from->group),
        .key = bytes_of(from->key),
        .on = from->on,
        .where = detail_of(from->where),
    };
    const bool is_any = to->priority != 0 || to->unique_mode != 0 || to->array_count != 0 ||
                        to->array_concurrency != 0 || to->parts_size != 0 || to->run_at != 0 ||
                        to->deadline != 0 || to->unique.size > 0 || to->group.size > 0 ||
                        to->array_closed.size > 0 || to->key.size > 0 || to->on != 0 ||
                        to->where.size > 0;
    return is_any ? to : NULL;
}

static bool take_submit(const Muster__Submits__Submit *from, struct ms_command *to,
                        struct ms_terms *terms)
{
    if (from->priority < -10 || from->priority > 10 || from->unique_mode > 3 ||
        from->unique.len > 255 || from->key.len > 255 || !is_name(from->group) ||
        strlen(from->where) > MS_WHERE_MAX || !is_duration(from->run_at) ||
        !is_duration(from->deadline) || from->seq + from->array_count < from->seq) {
        return false;
    }
    if (from->type < 1024 || from->seq == 0 || from->seq == UINT64_MAX ||
        !is_duration(from->timeout) || !is_duration(from->delay) || from->durability > 3) {
        return false;
    }
    to->type = from->type;
    to->id.seq = from->seq;
    to->attempts_max = from->attempts_max != 0 ? from->attempts_max : 1;
    to->timeout = (ms_time)from->timeout;
    to->delay = (ms_time)from->delay;
    to->flags = from->flags & (1 | 2 | 8 | 16 | 32 | 64);
    to->durability = (uint8_t)from->durability;
    to->payload = bytes_of(from->payload);
    to->terms = terms_of(from, terms);
    return true;
}

static bool take_nak(const Muster__Naks__Nak *from, struct ms_command *to)
{
    if (from->seq == 0 || from->error == 0 || !is_duration(from->delay) || from->count > 256 ||
        strlen(from->detail) > 512) {
        return false;
    }
    to->id.seq = from->seq;
    to->error = error_of(from->error);
    to->delay = (ms_time)from->delay;
    to->detail = detail_of(from->detail);
    to->count = from->count;
    return true;
}

static bool take_outcome(const Muster__Outcomes__Outcome *from, struct ms_command *to,
                         struct ms_usage *usage)
{
    if (from->seq == 0 || from->status > 7 || strlen(from->detail) > 512) {
        return false;
    }
    to->id.seq = from->seq;
    to->status = (uint8_t)from->status;
    to->attempt = from->attempt;
    to->code = from->code;
    to->signal = from->signal;
    to->usage = usage_of(from->usage, usage);
    to->detail = detail_of(from->detail);
    to->payload = bytes_of(from->payload);
    to->index = from->index;
    return true;
}

static bool take_cancel(const Muster__Cancels__Cancel *from, struct ms_command *to)
{
    to->id.seq = from->seq;
    if (to->kind == MS_KIND_CANCEL_ACK) {
        to->flags = from->flags & 4;
        to->error = error_of(from->error);
    }
    return from->seq != 0;
}

static bool take_token(const Muster__Tokens__Token *from, ms_epoch epoch, struct ms_command *to)
{
    to->token = (struct ms_token){epoch_of(from->epoch, epoch), from->token};
    return from->token != 0;
}

static bool take_part(const Muster__Parts__Part *from, ms_epoch epoch, struct ms_command *to)
{
    to->id.seq = from->seq;
    to->token = (struct ms_token){from->token != 0 ? epoch_of(from->epoch, epoch) : 0, from->token};
    to->index = from->index;
    to->payload = bytes_of(from->payload);
    return (from->seq != 0) != (from->token != 0);
}

static bool take_tail(const Muster__Tails__Tail *from, struct ms_command *to)
{
    to->count = from->number;
    to->attempt = from->attempt;
    to->stream = (uint8_t)from->stream;
    to->index = from->index;
    to->payload = bytes_of(from->payload);
    return from->attempt != 0 && from->stream < 4;
}

static bool take_call(const Muster__Calls__Call *from, struct ms_command *to)
{
    to->id.seq = from->number;
    to->count = from->floor;
    to->detail = detail_of(from->what);
    to->payload = bytes_of(from->payload);
    to->timeout = (ms_time)from->wait;
    return from->number > from->floor && from->number < UINT64_MAX && from->what[0] != '\0' &&
           strlen(from->what) <= 512 && is_duration(from->wait);
}

static bool take_reply(const Muster__CallReplies__Reply *from, struct ms_command *to)
{
    to->id.seq = from->number;
    to->error = error_of(from->error);
    to->delay = (ms_time)from->delay;
    to->detail = detail_of(from->detail);
    to->payload = bytes_of(from->payload);
    return from->number != 0 && strlen(from->detail) <= 512 && is_duration(from->delay);
}

static bool take_load(const Muster__Beat *from, struct ms_command *to, struct ms_load *load)
{
    if ((from->cpu | from->memory | from->running | from->queued | from->slots) == 0) {
        return true;
    }
    *load = (struct ms_load){
        .cpu = from->cpu > 0 ? (uint16_t)(from->cpu - 1) : MS_PERMILLE_UNKNOWN,
        .memory = from->memory > 0 ? (uint16_t)(from->memory - 1) : MS_PERMILLE_UNKNOWN,
        .running = from->running,
        .queued = from->queued,
        .slots = from->slots,
    };
    to->body.load = load;
    return from->cpu <= MS_PERMILLE_MAX + 1 && from->memory <= MS_PERMILLE_MAX + 1 &&
           from->slots <= MS_SLOTS_MAX;
}

static size_t elements_of(enum ms_kind kind, const void *message)
{
    switch (kind) {
    case MS_KIND_COMMAND:
        return ((const Muster__Commands *)message)->n_commands;
    case MS_KIND_OUTPUT:
    case MS_KIND_STREAM:
        return ((const Muster__Outputs *)message)->n_outputs;
    case MS_KIND_RESULT:
        return ((const Muster__Results *)message)->n_results;
    case MS_KIND_RESULT_ACK:
    case MS_KIND_SUBMIT_ACK:
    case MS_KIND_OUTCOME_ACK:
        return ((const Muster__Acks *)message)->n_runs;
    case MS_KIND_REVOKE:
    case MS_KIND_FOLLOW:
    case MS_KIND_RETURN:
        return ((const Muster__Tokens *)message)->n_tokens;
    case MS_KIND_SUBMIT:
        return ((const Muster__Submits *)message)->n_submits;
    case MS_KIND_SUBMIT_NAK:
        return ((const Muster__Naks *)message)->n_naks;
    case MS_KIND_OUTCOME:
        return ((const Muster__Outcomes *)message)->n_outcomes;
    case MS_KIND_CANCEL:
    case MS_KIND_CANCEL_ACK:
        return ((const Muster__Cancels *)message)->n_cancels;
    case MS_KIND_PART:
        return ((const Muster__Parts *)message)->n_parts;
    case MS_KIND_TAIL:
        return ((const Muster__Tails *)message)->n_tails;
    case MS_KIND_CALL:
        return ((const Muster__Calls *)message)->n_calls;
    case MS_KIND_CALL_REPLY:
        return ((const Muster__CallReplies *)message)->n_replies;
    default:
        return 1;
    }
}

static bool take(const struct ms_frame *frame, struct oracle_list *list, size_t i)
{
    const void *message = list->message;
    struct ms_command *to = &list->commands[i];

    to->kind = (uint8_t)frame->kind;
    switch (frame->kind) {
    case MS_KIND_COMMAND:
        return take_command(((const Muster__Commands *)message)->commands[i], frame->epoch, to);
    case MS_KIND_OUTPUT:
    case MS_KIND_STREAM:
        return take_output(((const Muster__Outputs *)message)->outputs[i], frame->epoch, to);
    case MS_KIND_RESULT:
        return take_result(((const Muster__Results *)message)->results[i], frame->epoch, to,
                           &list->usages[i]);
    case MS_KIND_RESULT_ACK:
    case MS_KIND_SUBMIT_ACK:
    case MS_KIND_OUTCOME_ACK:
        return take_run(message, i, frame->epoch, to);
    case MS_KIND_REVOKE:
    case MS_KIND_FOLLOW:
    case MS_KIND_RETURN:
        return take_token(((const Muster__Tokens *)message)->tokens[i], frame->epoch, to);
    case MS_KIND_SUBMIT:
        return take_submit(((const Muster__Submits *)message)->submits[i], to, &list->terms[i]);
    case MS_KIND_SUBMIT_NAK:
        return take_nak(((const Muster__Naks *)message)->naks[i], to);
    case MS_KIND_OUTCOME:
        return take_outcome(((const Muster__Outcomes *)message)->outcomes[i], to, &list->usages[i]);
    case MS_KIND_CANCEL:
    case MS_KIND_CANCEL_ACK:
        return take_cancel(((const Muster__Cancels *)message)->cancels[i], to);
    case MS_KIND_PART:
        return take_part(((const Muster__Parts *)message)->parts[i], frame->epoch, to);
    case MS_KIND_TAIL:
        return take_tail(((const Muster__Tails *)message)->tails[i], to);
    case MS_KIND_CALL:
        return take_call(((const Muster__Calls *)message)->calls[i], to);
    case MS_KIND_CALL_REPLY:
        return take_reply(((const Muster__CallReplies *)message)->replies[i], to);
    case MS_KIND_PULL:
        to->count = ((const Muster__Pull *)message)->count;
        return to->count > 0;
    case MS_KIND_ADJUST:
        to->count = ((const Muster__Adjust *)message)->slots;
        to->index = ((const Muster__Adjust *)message)->log_level;
        return to->count <= MS_SLOTS_MAX && to->index <= 4 && to->count + to->index > 0;
    default:
        to->count = ((const Muster__Beat *)message)->number;
        return frame->kind == MS_KIND_BEAT_ACK || take_load(message, to, &list->load);
    }
}

bool oracle_unpack(const struct ms_frame *frame, struct oracle_list *list_out)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(frame->kind);

    *list_out = (struct oracle_list){0};
    list_out->message =
        protobuf_c_message_unpack(descriptor, NULL, frame->body.size, frame->body.data);
    if (list_out->message == NULL) {
        return false;
    }
    bool is_fine = ms_screen(descriptor, frame->body);
    if (frame->kind == MS_KIND_SUBMIT_ACK) {
        is_fine = is_fine && ((const Muster__Acks *)list_out->message)->durability <= 3;
    }
    list_out->count = elements_of(frame->kind, list_out->message);
    list_out->commands = calloc(list_out->count + 1, sizeof *list_out->commands);
    list_out->usages = calloc(list_out->count + 1, sizeof *list_out->usages);
    list_out->terms = calloc(list_out->count + 1, sizeof *list_out->terms);
    ms_assert(list_out->commands != NULL && list_out->usages != NULL && list_out->terms != NULL);
    for (size_t i = 0; is_fine && i < list_out->count; i++) {
        is_fine = take(frame, list_out, i);
    }
    if (!is_fine) {
        oracle_free(list_out);
    }
    return is_fine;
}

void oracle_free(struct oracle_list *list)
{
    if (list->message != NULL) {
        protobuf_c_message_free_unpacked(list->message, NULL);
    }
    free(list->commands);
    free(list->usages);
    free(list->terms);
    *list = (struct oracle_list){0};
}

bool oracle_bytes_equal(struct ms_bytes a, struct ms_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool oracle_usage_equal(const struct ms_usage *a, const struct ms_usage *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->wall_us == b->wall_us && a->user_us == b->user_us && a->system_us == b->system_us &&
           a->rss_kib == b->rss_kib;
}

bool oracle_terms_equal(const struct ms_terms *a, const struct ms_terms *b)
{
    static const struct ms_terms none;

    a = a != NULL ? a : &none;
    b = b != NULL ? b : &none;
    return a->priority == b->priority && a->unique_mode == b->unique_mode &&
           a->array_count == b->array_count && a->array_concurrency == b->array_concurrency &&
           a->parts_size == b->parts_size && a->run_at == b->run_at && a->deadline == b->deadline &&
           oracle_bytes_equal(a->array_closed, b->array_closed) &&
           oracle_bytes_equal(a->unique, b->unique) && oracle_bytes_equal(a->group, b->group) &&
           oracle_bytes_equal(a->key, b->key) && a->on == b->on &&
           oracle_bytes_equal(a->where, b->where) && oracle_bytes_equal(a->targets, b->targets);
}

bool oracle_decision_equal(const struct ms_decision *a, const struct ms_decision *b)
{
    return a->epoch == b->epoch && a->kind == b->kind && a->proposer == b->proposer &&
           a->active == b->active && ms_uuid_equal(&a->set[0], &b->set[0]) &&
           ms_uuid_equal(&a->set[1], &b->set[1]) && a->served == b->served;
}

bool oracle_witnesses_equal(const struct ms_witnesses *a, const struct ms_witnesses *b)
{
    return a->count == b->count && memcmp(a->ids, b->ids, a->count * sizeof a->ids[0]) == 0;
}

bool oracle_settings_equal(const struct ms_pair_settings *a, const struct ms_pair_settings *b)
{
    return a->beat == b->beat && a->lease == b->lease && a->silent == b->silent &&
           a->vote == b->vote && a->tick == b->tick && a->failover == b->failover &&
           a->witnesses == b->witnesses && a->quorum_loss == b->quorum_loss &&
           a->failback == b->failback;
}

bool oracle_start_equal(const struct ms_known_start *a, const struct ms_known_start *b)
{
    return a->number == b->number && a->life == b->life && ms_uuid_equal(&a->id, &b->id);
}

bool oracle_pair_equal(const struct ms_pair_frame *a, const struct ms_pair_frame *b)
{
    return a->role == b->role && a->version_min == b->version_min &&
           a->version_max == b->version_max && ms_uuid_equal(&a->cluster, &b->cluster) &&
           ms_uuid_equal(&a->id, &b->id) && a->node == b->node && a->state == b->state &&
           a->is_fresh == b->is_fresh && a->is_complete == b->is_complete &&
           a->promised == b->promised && a->served == b->served &&
           oracle_decision_equal(&a->decision, &b->decision) &&
           a->hears_active == b->hears_active && a->witness_version == b->witness_version &&
           oracle_witnesses_equal(&a->witnesses, &b->witnesses) &&
           oracle_witnesses_equal(&a->witnesses_next, &b->witnesses_next) &&
           a->hold.version == b->hold.version && a->hold.is_on == b->hold.is_on &&
           a->start.number == b->start.number &&
           memcmp(a->start.lives, b->start.lives, sizeof a->start.lives) == 0 &&
           a->features == b->features && a->routes == b->routes &&
           oracle_start_equal(&a->known[0], &b->known[0]) &&
           oracle_start_equal(&a->known[1], &b->known[1]) &&
           oracle_settings_equal(&a->settings, &b->settings) && strcmp(a->name, b->name) == 0 &&
           strcmp(a->build, b->build) == 0;
}

static bool is_load_equal(const struct ms_load *a, const struct ms_load *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    return a->cpu == b->cpu && a->memory == b->memory && a->running == b->running &&
           a->queued == b->queued && a->slots == b->slots;
}

static bool is_body_equal(const struct ms_command *a, const struct ms_command *b)
{
    return a->kind == MS_KIND_BEAT ? is_load_equal(a->body.load, b->body.load)
                                   : a->body.any == b->body.any;
}

bool oracle_equal(const struct ms_command *a, const struct ms_command *b)
{
    return a->kind == b->kind && a->status == b->status && a->stream == b->stream &&
           a->flags == b->flags && a->durability == b->durability && a->copies == b->copies &&
           a->error == b->error && a->attempt == b->attempt && a->attempts_max == b->attempts_max &&
           a->index == b->index && a->signal == b->signal && a->code == b->code &&
           a->type == b->type && ms_uuid_equal(&a->id.client, &b->id.client) &&
           a->id.seq == b->id.seq && ms_token_equal(a->token, b->token) && a->count == b->count &&
           a->timeout == b->timeout && a->delay == b->delay &&
           oracle_bytes_equal(a->payload, b->payload) && oracle_bytes_equal(a->detail, b->detail) &&
           oracle_usage_equal(a->usage, b->usage) && oracle_terms_equal(a->terms, b->terms) &&
           is_body_equal(a, b);
}
