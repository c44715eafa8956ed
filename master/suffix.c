#include "master/suffix.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/limits.h"
#include "master/reading.h"
#include "proto/record.h"

#define ALL_SENT   1u /* flag of RECONCILE */
#define ALL_MERGED 1u /* of RECONCILE_ACK */

struct ms_suffix {
    struct ms_engine *engine;
    ms_peer peer; /* MS_PEER_NONE = nothing is offered */
    ms_epoch epoch, own;
    enum ms_suffix_news news;
    ms_seq above;          /* is to be read next */
    uint64_t number;       /* of the next frame */
    uint64_t sent, taken;  /* bytes: sent, and said to be there */
    enum ms_reading scan;  /* for an offer: SCANNED will come */
    bool is_read, is_sent; /* nothing is left in the store; the last frame has left */
    bool knows_hands;      /* the peer reads HAND records */
    uint8_t *bytes;        /* what the last SCAN brought */
    size_t size, at, capacity;
};

struct ms_suffix *ms_suffix_create(struct ms_engine *engine)
{
    struct ms_suffix *suffix = calloc(1, sizeof *suffix);

    if (suffix != NULL) {
        suffix->engine = engine;
        suffix->peer = MS_PEER_NONE;
    }
    return suffix;
}

void ms_suffix_destroy(struct ms_suffix *suffix)
{
    if (suffix == NULL) {
        return;
    }
    free(suffix->bytes);
    free(suffix);
}

void ms_suffix_leave(struct ms_suffix *suffix)
{
    suffix->peer = MS_PEER_NONE;
    suffix->news = MS_SUFFIX_NOTHING;
    suffix->scan = ms_reading_void(suffix->scan);
    suffix->size = suffix->at = 0;
}

void ms_suffix_offer(struct ms_suffix *suffix, ms_peer peer, ms_epoch epoch, ms_epoch own,
                     bool knows_hands)
{
    ms_assert(peer != MS_PEER_NONE && own > 0);
    if (suffix->peer == peer && suffix->epoch == epoch && suffix->own == own) {
        return; /* it is under way */
    }
    ms_suffix_leave(suffix);
    suffix->peer = peer;
    suffix->epoch = epoch;
    suffix->own = own;
    suffix->knows_hands = knows_hands;
    suffix->above = 0;
    suffix->number = suffix->sent = suffix->taken = 0;
    suffix->is_read = suffix->is_sent = false;
}

void ms_suffix_epoch(struct ms_suffix *suffix, ms_epoch epoch)
{
    suffix->epoch = epoch;
}

static void end(struct ms_suffix *suffix, enum ms_suffix_news news)
{
    ms_suffix_leave(suffix);
    suffix->news = news;
}

bool ms_suffix_hear(struct ms_suffix *suffix, const struct ms_command *command)
{
    ms_assert(command->kind == MS_KIND_RECONCILE_ACK);
    if (suffix->peer == MS_PEER_NONE || command->token.epoch != suffix->own) {
        return true; /* of an offer that is over */
    }
    if (command->error != MS_E_OK) {
        end(suffix, command->error == MS_E_NOT_ACTIVE ? MS_SUFFIX_REFUSED : MS_SUFFIX_UNMERGED);
        return true;
    }
    if (command->token.n >= suffix->number || command->count > suffix->sent ||
        command->count < suffix->taken) {
        return false;
    }
    suffix->taken = command->count;
    if ((command->flags & ALL_MERGED) != 0) {
        if (!suffix->is_sent) {
            return false;
        }
        end(suffix, (command->flags & MS_FLAG_KNOWN) != 0 ? MS_SUFFIX_KNOWN : MS_SUFFIX_MERGED);
    }
    return true;
}

/* Returns the bytes of those that the peer shall have. What is not sound is left to whoever reads it there. */
static size_t copy(uint8_t *to, struct ms_bytes entries, bool knows_hands)
{
    uint8_t *at = to;
    struct ms_entry entry;

    while (!knows_hands && ms_record_next(&entries, &entry)) {
        if (entry.kind != MS_RECORD_HAND) {
            memcpy(at, entry.bytes.data, entry.bytes.size);
            at += entry.bytes.size;
        }
    }
    if (entries.size > 0) {
        memcpy(at, entries.data, entries.size);
    }
    return (size_t)(at - to) + entries.size;
}

static bool keep(struct ms_suffix *suffix, struct ms_bytes entries)
{
    if (entries.size > suffix->capacity || suffix->capacity > 4 * (size_t)MS_SCAN_BYTES) {
        const size_t capacity = entries.size > MS_SCAN_BYTES ? entries.size : MS_SCAN_BYTES;

        free(suffix->bytes);
        suffix->bytes = malloc(capacity);
        suffix->capacity = suffix->bytes != NULL ? capacity : 0;
    }
    if (suffix->bytes == NULL) {
        return false;
    }
    suffix->size = copy(suffix->bytes, entries, suffix->knows_hands);
    suffix->at = 0;
    return true;
}

void ms_suffix_scanned(struct ms_suffix *suffix, const struct ms_event *event)
{
    const struct ms_bytes none = {0};
    const struct ms_bytes entries = event->command != NULL ? event->command->payload : none;
    const bool is_void = suffix->scan == MS_READING_VOID;

    ms_assert(suffix->scan != MS_READING_NONE);
    suffix->scan = MS_READING_NONE;
    if (is_void || suffix->peer == MS_PEER_NONE) {
        return;
    }
    ms_assert(suffix->at == suffix->size);
    if (event->error != MS_E_OK || (entries.size > 0 && event->seq <= suffix->above)) {
        end(suffix, MS_SUFFIX_UNMERGED);
        return;
    }
    suffix->is_read = entries.size == 0;
    if (entries.size > 0 && !keep(suffix, entries)) {
        end(suffix, MS_SUFFIX_REFUSED);
        return;
    }
    suffix->above = event->seq;
}

bool ms_suffix_is_scanning(const struct ms_suffix *suffix)
{
    return suffix->scan != MS_READING_NONE;
}

bool ms_suffix_is_offering(const struct ms_suffix *suffix)
{
    return suffix->peer != MS_PEER_NONE;
}

enum ms_suffix_news ms_suffix_news(struct ms_suffix *suffix)
{
    const enum ms_suffix_news news = suffix->news;

    suffix->news = MS_SUFFIX_NOTHING;
    return news;
}

static void send(struct ms_suffix *suffix, struct ms_command *command)
{
    command->kind = MS_KIND_RECONCILE;
    command->token = (struct ms_token){suffix->own, suffix->number++};
    suffix->sent += command->payload.size;
    ms_engine_send(suffix->engine, suffix->peer, suffix->epoch, command);
}

static void send_piece(struct ms_suffix *suffix)
{
    const size_t left = suffix->size - suffix->at;
    const size_t size = left < MS_LOG_FRAME_SIZE ? left : MS_LOG_FRAME_SIZE;

    send(suffix,
         &(struct ms_command){.count = left - size, .payload = {suffix->bytes + suffix->at, size}});
    suffix->at += size;
}

/* One effect at most; false when there is nothing to do before something else happens. */
static bool pump(struct ms_suffix *suffix, bool may_scan)
{
    if (suffix->at < suffix->size) {
        send_piece(suffix);
        return true;
    }
    if (suffix->is_read) {
        if (!suffix->is_sent) {
            suffix->is_sent = true;
            send(suffix, &(struct ms_command){.flags = ALL_SENT});
        }
        return false;
    }
    if (may_scan && suffix->scan == MS_READING_NONE &&
        suffix->sent - suffix->taken < MS_LOG_AHEAD_BYTES) {
        suffix->scan = MS_READING_ON;
        ms_engine_emit(suffix->engine, &(struct ms_effect){
                                           .type = MS_EFFECT_SCAN,
                                           .seq = suffix->above,
                                           .count = MS_SCAN_BYTES,
                                       });
    }
    return false;
}

bool ms_suffix_pump(struct ms_suffix *suffix, bool may_scan)
{
    bool is_going = suffix->peer != MS_PEER_NONE;

    while (is_going && ms_engine_room(suffix->engine) > 0) {
        is_going = pump(suffix, may_scan);
    }
    return is_going;
}
