/* What the mirror sends, and the copy that it reads from the store. */
#include "master/mirror_private.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"

#define COPY_FIRST MS_FLAG_PAIR   /* flags of LOG_BEGIN */
#define COPY_REST  MS_FLAG_SPARSE /* with it */
#define COPY_OVER  1u             /* of LOG_COPY */
#define LOG_LAST   1u             /* of LOG, with those of MS_FLAG_PROMPT and MS_FLAG_TIP */

/* The store cannot be read, or memory is out: the peer shall ask later. */
static void give_up(struct ms_mirror *mirror)
{
    ms_mirror_interrupt(mirror, MS_MIRROR_REFUSING);
}

/* Bytes of entries up to that record, and the last of them; SIZE_MAX when they are not sound. */
static size_t cut(struct ms_bytes entries, ms_seq last, ms_seq *seq_out)
{
    const uint8_t *start = entries.data;
    struct ms_entry entry;

    while (entries.size > 0) {
        const uint8_t *at = entries.data;

        if (!ms_record_next(&entries, &entry)) {
            return SIZE_MAX;
        }
        if (entry.seq > last) {
            return (size_t)(at - start);
        }
        *seq_out = entry.seq;
    }
    return (size_t)(entries.data - start);
}

static bool keep(struct ms_mirror_copy *copy, const uint8_t *bytes, size_t size)
{
    if (size > copy->capacity || copy->capacity > 4 * (size_t)MS_SCAN_BYTES) {
        const size_t capacity = size > MS_SCAN_BYTES ? size : MS_SCAN_BYTES;

        free(copy->bytes);
        copy->bytes = malloc(capacity);
        copy->capacity = copy->bytes != NULL ? capacity : 0;
    }
    if (copy->bytes == NULL) {
        return false;
    }
    memcpy(copy->bytes, bytes, size);
    copy->size = size;
    copy->sent = 0;
    return true;
}

/* The list goes on with what was read: up to its end, or until it is full. */
static void list(struct ms_mirror *mirror, struct ms_bytes entries)
{
    struct ms_mirror_copy *copy = &mirror->copy;
    bool is_end = entries.size == 0;
    struct ms_entry entry;

    while (entries.size > 0) {
        if (!ms_record_next(&entries, &entry)) {
            give_up(mirror);
            return;
        }
        is_end = entry.seq > copy->claimed;
        if (is_end || !ms_living_add(&copy->living, entry.seq)) {
            break;
        }
        copy->digest = ms_record_digest(copy->digest, entry.bytes);
        copy->above = entry.seq;
        copy->kept++;
    }
    copy->above = is_end ? copy->claimed : copy->above;
}

/* A piece of the copy was read. */
static void take_piece(struct ms_mirror *mirror, const struct ms_event *event,
                       struct ms_bytes entries)
{
    struct ms_mirror_copy *copy = &mirror->copy;
    size_t size = entries.size;
    ms_seq seq = event->seq;

    ms_assert(copy->sent == copy->size && copy->count < MS_MIRROR_PIECES_MAX);
    if (event->seq > copy->start.seq) {
        size = cut(entries, copy->start.seq, &seq);
    }
    copy->is_read = size < entries.size || size == 0;
    if (size == 0) {
        return;
    }
    if (size == SIZE_MAX || !keep(copy, entries.data, size)) {
        give_up(mirror);
        return;
    }
    copy->above = seq;
    copy->digest = ms_record_digest(copy->digest, (struct ms_bytes){entries.data, size});
    copy->unstored += size;
    copy->pieces[(copy->head + copy->count++) % MS_MIRROR_PIECES_MAX] =
        (struct ms_mirror_piece){copy->above, size};
    copy->bytes_total += size;
}

void ms_mirror_scanned(struct ms_mirror *mirror, const struct ms_event *event)
{
    const struct ms_bytes none = {0};
    const struct ms_bytes entries = event->command != NULL ? event->command->payload : none;
    const bool is_void = mirror->scan == MS_READING_VOID;

    ms_mirror_enter(mirror);
    ms_assert(mirror->scan != MS_READING_NONE);
    mirror->scan = MS_READING_NONE;
    if (is_void || (mirror->phase != MS_MIRROR_LISTING && mirror->phase != MS_MIRROR_COPYING)) {
        return;
    }
    if (event->error != MS_E_OK || (entries.size > 0 && event->seq <= mirror->copy.above)) {
        give_up(mirror);
    } else if (mirror->phase == MS_MIRROR_LISTING) {
        list(mirror, entries);
    } else {
        take_piece(mirror, event, entries);
    }
}

static void send(struct ms_mirror *mirror, struct ms_command *command)
{
    ms_engine_send(mirror->engine, mirror->peer.name, mirror->epoch, command);
}

static void send_begin(struct ms_mirror *mirror, const struct ms_place *place, uint8_t flags)
{
    send(mirror, &(struct ms_command){
                     .kind = MS_KIND_LOG_BEGIN,
                     .flags = flags,
                     .token = {mirror->reign, place->number},
                     .id = {.seq = place->seq},
                     .count = place->digest,
                 });
    mirror->peer.questions = 0;
    mirror->peer.received = place->number;
    mirror->peer.received_bytes = place->bytes;
    mirror->peer.stored = *place;
    mirror->peer.sending = place->number + 1;
    mirror->peer.offset = 0;
}

static void begin_stream(struct ms_mirror *mirror)
{
    send_begin(mirror, ms_backlog_place(&mirror->backlog, mirror->peer.asked.n), 0);
    mirror->phase = MS_MIRROR_STREAMING;
    mirror->resumes_total++;
}

/* SCAN comes in a later step, so it sees all that was appended until now. */
static void begin_copy(struct ms_mirror *mirror)
{
    struct ms_mirror_copy *copy = &mirror->copy;

    copy->start = mirror->backlog.tip;
    copy->above = 0;
    copy->digest = 0;
    copy->bytes_total = copy->kept = 0;
    ms_living_begin(&copy->living, 0);
    send_begin(mirror, &copy->start, copy->claimed > 0 ? COPY_FIRST | COPY_REST : COPY_FIRST);
    mirror->phase = MS_MIRROR_CLEARING;
    mirror->copies_total += copy->claimed == 0;
    mirror->catchups_total += copy->claimed > 0;
}

static void end_copy(struct ms_mirror *mirror)
{
    const struct ms_mirror_copy *copy = &mirror->copy;

    ms_trace(&mirror->engine->trace, MS_LEVEL_INFO,
             copy->claimed > 0 ? "the standby was caught up" : "the standby was copied",
             "kept=%llu bytes=%llu", (unsigned long long)copy->kept,
             (unsigned long long)copy->bytes_total);
    mirror->whole = mirror->backlog.tip;
    send(mirror, &(struct ms_command){
                     .kind = MS_KIND_LOG_COPY,
                     .flags = COPY_OVER,
                     .token = {mirror->reign, mirror->whole.number},
                     .id = {.seq = mirror->whole.seq},
                     .count = mirror->copy.digest,
                 });
    mirror->phase = MS_MIRROR_STREAMING;
}

static void scan(struct ms_mirror *mirror)
{
    mirror->scan = MS_READING_ON;
    ms_engine_emit(mirror->engine, &(struct ms_effect){
                                       .type = MS_EFFECT_SCAN,
                                       .seq = mirror->copy.above,
                                       .count = MS_SCAN_BYTES,
                                   });
}

/* One list after the other: the next is read when the peer is done with the last. False when it has to wait. */
static bool pump_list(struct ms_mirror *mirror)
{
    struct ms_mirror_copy *copy = &mirror->copy;

    if (mirror->scan != MS_READING_NONE || copy->count > 0) {
        return false;
    }
    if (copy->above < copy->claimed && !ms_living_is_full(&copy->living)) {
        scan(mirror);
        return false;
    }
    const struct ms_bytes living = ms_living_end(&copy->living);

    send(mirror, &(struct ms_command){
                     .kind = MS_KIND_LOG_LIVE,
                     .id = {.seq = copy->above},
                     .count = copy->digest,
                     .payload = living,
                 });
    ms_living_begin(&copy->living, copy->above);
    copy->unstored += living.size;
    copy->bytes_total += living.size;
    copy->pieces[copy->head] = (struct ms_mirror_piece){copy->above, living.size};
    copy->count = 1;
    return false;
}

/* False when nothing more can be sent of the copy now. */
static bool pump_copy(struct ms_mirror *mirror)
{
    struct ms_mirror_copy *copy = &mirror->copy;

    if (copy->sent < copy->size) {
        const size_t left = copy->size - copy->sent;
        const size_t size = left < MS_LOG_FRAME_SIZE ? left : MS_LOG_FRAME_SIZE;

        send(mirror, &(struct ms_command){
                         .kind = MS_KIND_LOG_COPY,
                         .count = left - size,
                         .payload = {copy->bytes + copy->sent, size},
                     });
        copy->sent += size;
        return true;
    }
    if (copy->is_read) {
        end_copy(mirror);
        return true;
    }
    if (mirror->scan == MS_READING_NONE && copy->unstored < MS_LOG_AHEAD_BYTES &&
        copy->count < MS_MIRROR_PIECES_MAX) {
        scan(mirror);
    }
    return false;
}

/* Bytes sent of the stream and of a copy that are not there yet. */
static uint64_t ahead(const struct ms_mirror *mirror)
{
    const struct ms_mirror_peer *peer = &mirror->peer;

    return ms_backlog_place(&mirror->backlog, peer->sending - 1)->bytes + peer->offset -
           peer->received_bytes + mirror->copy.unstored;
}

/* Nobody waits for one that is not in S, so nothing else bounds what it keeps in memory until its disk has it. */
static bool is_glutted(const struct ms_mirror *mirror)
{
    const struct ms_mirror_peer *peer = &mirror->peer;

    return !mirror->is_pair && peer->is_prefix && peer->offset == 0 &&
           ms_backlog_place(&mirror->backlog, peer->sending - 1)->bytes - peer->stored.bytes >=
               MS_STANDBY_AHEAD_BYTES;
}

/* Of the last frame of the batch that is sent next. */
static uint8_t last_flags(const struct ms_mirror *mirror)
{
    const uint64_t number = mirror->peer.sending;
    const bool is_tip = mirror->is_settled && number == mirror->backlog.tip.number;

    return (uint8_t)(LOG_LAST | (number <= mirror->hasty ? MS_FLAG_PROMPT : 0) |
                     (is_tip ? MS_FLAG_TIP : 0));
}

/* False when nothing more can be sent of the stream now. */
static bool pump_stream(struct ms_mirror *mirror, bool is_last)
{
    struct ms_mirror_peer *peer = &mirror->peer;

    if (peer->sending > mirror->backlog.tip.number || is_glutted(mirror) ||
        (ahead(mirror) >= MS_LOG_AHEAD_BYTES &&
         (peer->sending > peer->received + 1 || mirror->copy.unstored > 0))) {
        return false;
    }
    if (!is_last && peer->sending == mirror->backlog.tip.number && peer->offset == 0) {
        mirror->growing = peer->sending;
        return false;
    }
    const struct ms_batch *batch = ms_backlog_at(&mirror->backlog, peer->sending);
    const size_t left = batch->entries.size - peer->offset;
    const size_t size = left < MS_LOG_FRAME_SIZE ? left : MS_LOG_FRAME_SIZE;

    send(mirror, &(struct ms_command){
                     .kind = MS_KIND_LOG,
                     .flags = size == left ? last_flags(mirror) : 0,
                     .token = {mirror->reign, peer->sending},
                     .id = {.seq = batch->place.seq},
                     .payload = {batch->entries.data + peer->offset, size},
                 });
    peer->offset += size;
    if (size == left) {
        peer->sending++;
        peer->offset = 0;
    }
    return true;
}

static void refuse(struct ms_mirror *mirror)
{
    send(mirror, &(struct ms_command){.kind = MS_KIND_LOG_BEGIN, .error = MS_E_NOT_ACTIVE});
    mirror->peer.questions -= mirror->peer.questions > 0 ? 1 : 0;
}

/* One effect at most; false when there is nothing to do before something else happens. */
static bool pump(struct ms_mirror *mirror, bool is_last)
{
    if (mirror->peer.questions > 1) {
        refuse(mirror); /* only the last counts */
        return true;
    }
    switch (mirror->phase) {
    case MS_MIRROR_SILENT:
    case MS_MIRROR_CLEARING:
        return false;
    case MS_MIRROR_REFUSING:
        refuse(mirror);
        mirror->phase = MS_MIRROR_SILENT;
        return false;
    case MS_MIRROR_ASKED:
        begin_stream(mirror);
        return true;
    case MS_MIRROR_COPY_DUE:
        begin_copy(mirror);
        return false;
    case MS_MIRROR_LISTING:
        return pump_list(mirror);
    case MS_MIRROR_COPYING:
        return pump_copy(mirror);
    case MS_MIRROR_STREAMING:
        break;
    }
    return pump_stream(mirror, is_last);
}

bool ms_mirror_pump(struct ms_mirror *mirror, bool is_last)
{
    bool is_going = mirror->peer.name != MS_PEER_NONE;

    ms_mirror_enter(mirror);
    mirror->growing = 0;
    while (is_going && ms_engine_room(mirror->engine) > 0) {
        is_going = pump(mirror, is_last);
    }
    return is_going || mirror->growing != 0;
}
