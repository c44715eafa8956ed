#include <stdlib.h>

#include "core/invariant.h"
#include "proto/muster.pb-c.h"
#include "tests/support/oracle.h"

/* One element, as protobuf-c wants it; it borrows from the command. */
union element {
    ProtobufCMessage base;
    Muster__Commands__Command command;
    Muster__Outputs__Output output;
    Muster__Results__Result result;
    Muster__Acks__Run run;
    Muster__Tokens__Token token;
    Muster__Submits__Submit submit;
    Muster__Naks__Nak nak;
    Muster__Outcomes__Outcome outcome;
    Muster__Cancels__Cancel cancel;
    Muster__Parts__Part part;
    Muster__Tails__Tail tail;
    Muster__Calls__Call call;
    Muster__CallReplies__Reply reply;
};

/* The usage and the terminated detail of one element. */
struct attachment {
    Muster__Usage usage;
    char group[MS_NAME_MAX + 1];
    char detail[MS_DETAIL_MAX + 1]; /* of a SUBMIT: where */
};

static ProtobufCBinaryData data_of(struct ms_bytes bytes)
{
    return (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
}

static Muster__Usage *usage_of(const struct ms_usage *from, Muster__Usage *to)
{
    if (from == NULL) {
        return NULL;
    }
    muster__usage__init(to);
    to->wall_us = from->wall_us;
    to->user_us = from->user_us;
    to->system_us = from->system_us;
    to->rss_kib = from->rss_kib;
    return to;
}

static char *detail_of(struct ms_bytes from, char *to)
{
    ms_assert(from.size <= MS_DETAIL_MAX);
    if (from.size > 0) {
        memcpy(to, from.data, from.size);
    }
    to[from.size] = '\0';
    return to;
}

static uint64_t epoch_of(ms_epoch epoch, ms_epoch frame_epoch)
{
    return epoch != frame_epoch ? epoch : 0;
}

static void make_command(Muster__Commands__Command *to, const struct ms_command *from,
                         ms_epoch epoch)
{
    muster__commands__command__init(to);
    to->type = from->type;
    to->client = data_of((struct ms_bytes){from->id.client.bytes, sizeof from->id.client.bytes});
    to->seq = from->id.seq;
    to->token = from->token.n;
    to->epoch = epoch_of(from->token.epoch, epoch);
    to->attempt = from->attempt;
    to->timeout = (uint64_t)from->timeout;
    to->flags = from->flags;
    to->payload = data_of(from->payload);
    to->index = from->index;
    to->count = from->count;
}

static void make_output(Muster__Outputs__Output *to, const struct ms_command *from, ms_epoch epoch)
{
    muster__outputs__output__init(to);
    to->token = from->token.n;
    to->epoch = from->kind == MS_KIND_OUTPUT ? epoch_of(from->token.epoch, epoch) : 0;
    to->seq = from->id.seq;
    to->attempt = from->attempt;
    to->stream = from->stream;
    to->index = from->index;
    to->payload = data_of(from->payload);
}

static void make_result(Muster__Results__Result *to, const struct ms_command *from, ms_epoch epoch,
                        struct attachment *attachment)
{
    muster__results__result__init(to);
    to->token = from->token.n;
    to->status = from->status;
    to->code = from->code;
    to->signal = from->signal;
    to->credit = from->count;
    to->usage = usage_of(from->usage, &attachment->usage);
    to->detail = detail_of(from->detail, attachment->detail);
    to->payload = data_of(from->payload);
    to->epoch = epoch_of(from->token.epoch, epoch);
    to->delay = (uint64_t)from->delay;
}

static void set_terms(Muster__Submits__Submit *to, const struct ms_terms *from, char *group,
                      char *where)
{
    to->priority = from->priority;
    to->unique_mode = from->unique_mode;
    to->unique = data_of(from->unique);
    to->group = detail_of(from->group, group);
    to->run_at = (uint64_t)from->run_at;
    to->deadline = (uint64_t)from->deadline;
    to->array_count = from->array_count;
    to->array_concurrency = from->array_concurrency;
    to->parts_size = from->parts_size;
    to->array_closed = data_of(from->array_closed);
    to->key = data_of(from->key);
    to->on = from->on;
    to->where = detail_of(from->where, where);
}

static void make_submit(Muster__Submits__Submit *to, const struct ms_command *from,
                        struct attachment *attachment)
{
    muster__submits__submit__init(to);
    to->type = from->type;
    to->seq = from->id.seq;
    to->attempts_max = from->attempts_max;
    to->timeout = (uint64_t)from->timeout;
    to->delay = (uint64_t)from->delay;
    to->flags = from->flags;
    to->durability = from->durability;
    to->payload = data_of(from->payload);
    if (from->terms != NULL) {
        set_terms(to, from->terms, attachment->group, attachment->detail);
    }
}

static void make_outcome(Muster__Outcomes__Outcome *to, const struct ms_command *from,
                         struct attachment *attachment)
{
    muster__outcomes__outcome__init(to);
    to->seq = from->id.seq;
    to->status = from->status;
    to->attempt = from->attempt;
    to->code = from->code;
    to->signal = from->signal;
    to->usage = usage_of(from->usage, &attachment->usage);
    to->detail = detail_of(from->detail, attachment->detail);
    to->payload = data_of(from->payload);
    to->index = from->index;
}

static void make_nak(Muster__Naks__Nak *to, const struct ms_command *from,
                     struct attachment *attachment)
{
    muster__naks__nak__init(to);
    to->seq = from->id.seq;
    to->error = from->error;
    to->delay = (uint64_t)from->delay;
    to->detail = detail_of(from->detail, attachment->detail);
    to->count = from->count;
}

static void make_call(union element *to, const struct ms_command *from,
                      struct attachment *attachment)
{
    if (from->kind == MS_KIND_CALL) {
        muster__calls__call__init(&to->call);
        to->call.number = from->id.seq;
        to->call.floor = from->count;
        to->call.what = detail_of(from->detail, attachment->detail);
        to->call.payload = data_of(from->payload);
        to->call.wait = (uint64_t)from->timeout;
        return;
    }
    muster__call_replies__reply__init(&to->reply);
    to->reply.number = from->id.seq;
    to->reply.error = from->error;
    to->reply.delay = (uint64_t)from->delay;
    to->reply.detail = detail_of(from->detail, attachment->detail);
    to->reply.payload = data_of(from->payload);
}

static void make_small(union element *to, const struct ms_command *from, ms_epoch epoch)
{
    switch ((enum ms_kind)from->kind) {
    case MS_KIND_CANCEL:
    case MS_KIND_CANCEL_ACK:
        muster__cancels__cancel__init(&to->cancel);
        to->cancel.seq = from->id.seq;
        to->cancel.flags = from->flags;
        to->cancel.error = from->error;
        return;
    case MS_KIND_REVOKE:
    case MS_KIND_FOLLOW:
    case MS_KIND_RETURN:
        muster__tokens__token__init(&to->token);
        to->token.token = from->token.n;
        to->token.epoch = epoch_of(from->token.epoch, epoch);
        return;
    case MS_KIND_PART:
        muster__parts__part__init(&to->part);
        to->part.epoch = from->token.n != 0 ? epoch_of(from->token.epoch, epoch) : 0;
        to->part.seq = from->id.seq;
        to->part.token = from->token.n;
        to->part.index = from->index;
        to->part.payload = data_of(from->payload);
        return;
    case MS_KIND_TAIL:
        muster__tails__tail__init(&to->tail);
        to->tail.number = from->count;
        to->tail.attempt = from->attempt;
        to->tail.stream = from->stream;
        to->tail.index = from->index;
        to->tail.payload = data_of(from->payload);
        return;
    default:
        muster__acks__run__init(&to->run);
        to->run.first = from->kind == MS_KIND_RESULT_ACK ? from->token.n : from->id.seq;
        to->run.count = from->count > 1 ? from->count : 0;
        return;
    }
}

static void make(union element *to, const struct ms_command *from, ms_epoch epoch,
                 struct attachment *attachment)
{
    switch ((enum ms_kind)from->kind) {
    case MS_KIND_COMMAND:
        make_command(&to->command, from, epoch);
        return;
    case MS_KIND_OUTPUT:
    case MS_KIND_STREAM:
        make_output(&to->output, from, epoch);
        return;
    case MS_KIND_RESULT:
        make_result(&to->result, from, epoch, attachment);
        return;
    case MS_KIND_SUBMIT:
        make_submit(&to->submit, from, attachment);
        return;
    case MS_KIND_SUBMIT_NAK:
        make_nak(&to->nak, from, attachment);
        return;
    case MS_KIND_OUTCOME:
        make_outcome(&to->outcome, from, attachment);
        return;
    case MS_KIND_CALL:
    case MS_KIND_CALL_REPLY:
        make_call(to, from, attachment);
        return;
    default:
        make_small(to, from, epoch);
        return;
    }
}

static size_t pack_message(const ProtobufCMessage *message, uint8_t **body_out)
{
    const size_t size = protobuf_c_message_get_packed_size(message);

    *body_out = malloc(size + 1);
    ms_assert(*body_out != NULL);
    return protobuf_c_message_pack(message, *body_out);
}

/* All lists have their elements in field 1, so the message of one kind stands for all of them. */
static size_t pack_list(const struct ms_command *first, ms_epoch epoch, union element **elements,
                        size_t count, uint8_t **body_out)
{
    if (first->kind != MS_KIND_SUBMIT_ACK && first->kind != MS_KIND_RESULT_ACK) {
        Muster__Tokens list = MUSTER__TOKENS__INIT;
        list.n_tokens = count;
        list.tokens = (Muster__Tokens__Token **)elements;
        return pack_message(&list.base, body_out);
    }
    Muster__Acks acks = MUSTER__ACKS__INIT;
    acks.n_runs = count;
    acks.runs = (Muster__Acks__Run **)elements;
    acks.durability = first->durability;
    acks.copies = first->copies;
    acks.epoch = first->kind == MS_KIND_RESULT_ACK ? epoch_of(first->token.epoch, epoch) : 0;
    return pack_message(&acks.base, body_out);
}

static size_t pack_beat(const struct ms_command *command, uint8_t **body_out)
{
    const struct ms_load *load = command->body.load;
    Muster__Beat beat = MUSTER__BEAT__INIT;

    beat.number = command->count;
    beat.cpu = load->cpu != MS_PERMILLE_UNKNOWN ? load->cpu + 1u : 0;
    beat.memory = load->memory != MS_PERMILLE_UNKNOWN ? load->memory + 1u : 0;
    beat.running = load->running;
    beat.queued = load->queued;
    beat.slots = load->slots;
    return pack_message(&beat.base, body_out);
}

size_t oracle_pack(ms_epoch frame_epoch, const struct ms_command *commands, size_t count,
                   uint8_t **body_out)
{
    ms_assert(count > 0);
    if (commands->kind == MS_KIND_BEAT && commands->body.load != NULL) {
        return pack_beat(commands, body_out);
    }
    if (commands->kind == MS_KIND_ADJUST) {
        Muster__Adjust adjust = MUSTER__ADJUST__INIT;
        adjust.slots = commands->count;
        adjust.log_level = commands->index;
        return pack_message(&adjust.base, body_out);
    }
    if (commands->kind == MS_KIND_BEAT || commands->kind == MS_KIND_BEAT_ACK ||
        commands->kind == MS_KIND_PULL) {
        Muster__Pull pull = MUSTER__PULL__INIT;
        pull.count = commands->count;
        return pack_message(&pull.base, body_out);
    }
    union element *elements = calloc(count, sizeof *elements);
    union element **pointers = calloc(count, sizeof *pointers);
    struct attachment *attachments = calloc(count, sizeof *attachments);
    ms_assert(elements != NULL && pointers != NULL && attachments != NULL);
    for (size_t i = 0; i < count; i++) {
        make(&elements[i], &commands[i], frame_epoch, &attachments[i]);
        pointers[i] = &elements[i];
    }
    const size_t size = pack_list(commands, frame_epoch, pointers, count, body_out);
    free(elements);
    free(pointers);
    free(attachments);
    return size;
}
