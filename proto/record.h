/* The journal: what happened, as records; the one stream of truth that is applied live, read back at a
 * start and followed by a standby.
 *
 * An entry is a header of MS_RECORD_HEADER_SIZE bytes, little endian,
 *     size      u32  of the whole entry
 *     checksum  u32  CRC-32 (of gzip) of everything behind it; 0 until the entry is sealed
 *     seq       u64  number of the record
 *     kind      u8   enum ms_record_kind; 0 = no record: the record seq is erased
 *     version   u8   MS_RECORD_VERSION
 *     zero      u16
 * and a body in the wire format of protobuf, message Record of record.proto.
 *
 * How to change it: fields and kinds are only added, with new numbers, and a field that is absent must mean
 * what was true before it existed; a reader skips fields it does not know, and refuses kinds and versions
 * it does not know, because it cannot say what they would have changed. MS_RECORD_VERSION rises only
 * when an old reader would be wrong about a record of a kind it knows. */
#ifndef PROTO_RECORD_H
#define PROTO_RECORD_H

#include "core/command.h"

#define MS_RECORD_VERSION     1
#define MS_RECORD_HEADER_SIZE 20
#define MS_RECORD_BODY_MAX    (MS_PAYLOAD_MAX_CEILING + (64u << 10)) /* bytes beyond are malformed */

/* Numbers are never reused. What is named is filled in; everything else is zero. at is set in all. */
enum ms_record_kind {
    MS_RECORD_ERASE = 0,
    MS_RECORD_EPOCH =
        1, /* token.epoch; name = build: a master begins to serve; payload: nodes of the slaves that
                          * get nothing new because people said so, 16 bytes each */
    MS_RECORD_TYPE = 2,        /* type, name: a type was announced for the first time */
    MS_RECORD_SESSION = 3,     /* uuid = token, node, number, name, count = slots: a slave's */
    MS_RECORD_SESSION_END = 4, /* uuid */
    MS_RECORD_CLIENT = 5,      /* id.client, count = floor */
    MS_RECORD_CLOSED = 6, /* id.client, number = a span of numbers, payload = its bits; id.seq = the
                             * first number of an array: of its members, counted from 0 */
    MS_RECORD_SUBMIT =
        7, /* id, type, flags, durability, attempts_max, timeout, until, terms, payload */
    MS_RECORD_LEASE = 8,  /* id, token, attempt, uuid = token of the session, name = slave */
    MS_RECORD_RETURN = 9, /* id, event, status, failures, crashes: LEASED -> READY */
    MS_RECORD_PIECE =
        10, /* id, attempt, token (absent: not known), stream, index, payload: output */
    MS_RECORD_RETRY =
        11, /* id, event, status, attempt, failures, crashes, code, signal, until, name, detail */
    MS_RECORD_SETTLE =
        12, /* id, event, status, attempt, failures, crashes, code, signal, usage, name, detail,
                                * payload: the outcome; count > 0: what came of it is not that of
                                * those that have joined it: it had joined another one, or was cancelled at the other half */
    MS_RECORD_CLOSE = 13, /* id, event: the end. In the store its CLOSED record says so */
    MS_RECORD_CHANGE =
        14, /* id, event = enum ms_operation, until, count = value (CANCEL: 1 = replaced by
                          * a submission with its key; KICK: generation, attempt, flags, and
                          * index = 1: it took its unique key again): somebody's wish */
    MS_RECORD_PART = 15, /* id, index, payload: of a payload too large for one frame */
    MS_RECORD_DUE = 16,  /* id: its time has come */
    MS_RECORD_GROUP =
        17, /* name, payload: done, buried and cancelled members of it that are closed, 8 bytes each */
    MS_RECORD_CLOSED_RUN =
        18, /* id.client, number = a span of numbers, count: all of it and of those behind it,
                                * so many spans, is closed */
    MS_RECORD_HAND =
        19, /* as LEASE, which is of what may be started once only: of anything else. Only where both halves know it */
    /* 20 is taken */
    MS_RECORD_PROVIDER =
        21, /* name, number = of the last command that it made, payload = cursor behind that, memo = its
                                * state: takes the place of the one before */
    MS_RECORD_SERVICE =
        23, /* name = of the service, number = its place among the changes of that service, from 1,
                                * token.epoch = of the reign in which it was put, event = enum ms_change_event,
                                * id = of the call, if it is of one, count = numbers up to there are answered; payload: the change */
    MS_RECORD_SERVICE_STATE =
        24, /* name, number = of the last change in it, token.epoch = of the reign of that, count = pieces, index, payload: what all
                                * changes up to there made (master/service_unit.h) */
    MS_RECORD_KINDS
};

/* What a SERVICE record is of. */
enum ms_change_event {
    MS_CHANGE_CALL = 0,          /* a client's call */
    MS_CHANGE_CONFIGURATION = 1, /* payload: the service's configuration from now on */
    MS_CHANGE_OWN = 2,           /* the service's own, when it took over */
    MS_CHANGE_MERGED = 3, /* a client's call that the other half had carried out; count = 0 */
    MS_CHANGE_EVENTS
};

/* One record as a value; pointers are borrowed. Times are of the wall clock, in us since 1970. */
struct ms_record {
    uint8_t kind;  /* enum ms_record_kind */
    uint8_t event; /* enum ms_life_event (master/life.h), by number on the disk: see record.proto */
    uint8_t status;     /* enum ms_status */
    uint8_t flags;      /* enum ms_command_flags */
    uint8_t durability; /* enum ms_durability */
    uint8_t stream;     /* enum ms_stream */
    uint32_t attempt;
    uint32_t attempts_max;
    uint32_t failures;
    uint32_t crashes;
    uint32_t index;
    uint32_t signal;
    int32_t code;
    int64_t at;      /* when it happened */
    int64_t until;   /* not before; 0 = now */
    ms_time timeout; /* a duration */
    ms_type type;
    uint64_t number;
    uint64_t count;
    struct ms_id id;
    struct ms_token token;
    struct ms_uuid uuid;
    struct ms_uuid node;
    struct ms_bytes name;   /* at most MS_NAME_MAX */
    struct ms_bytes detail; /* at most MS_DETAIL_MAX */
    struct ms_bytes payload;
    struct ms_bytes memo;         /* at most MS_PROVIDER_STATE_MAX */
    const struct ms_usage *usage; /* NULL = unknown */
    const struct ms_terms *terms; /* NULL = none */
};

/* What a decoded record points to beside the entry itself. */
struct ms_record_room {
    struct ms_usage usage;
    struct ms_terms terms;
};

/* An entry as it lies in the journal. */
struct ms_entry {
    ms_seq seq;
    uint8_t kind;          /* enum ms_record_kind */
    struct ms_bytes bytes; /* header and body */
};

/* Bytes that ms_record_write needs at most for this record. Its terms are left out when they are all zero; times
 * of the wall clock are brought into 0 .. MS_DURATION_MAX. */
size_t ms_record_size_max(const struct ms_record *record);

/* Writes the entry of a record; returns the place after. */
uint8_t *ms_record_write(uint8_t *at, ms_seq seq, const struct ms_record *record);

/* Writes MS_RECORD_HEADER_SIZE bytes: the record seq is erased. */
uint8_t *ms_record_write_erase(uint8_t *at, ms_seq seq);

/* The same, not sealed: most entries are void before anybody needs their checksums. */
uint8_t *ms_record_draft(uint8_t *at, ms_seq seq, const struct ms_record *record);
uint8_t *ms_record_draft_erase(uint8_t *at, ms_seq seq);

/* Seals those of these whole entries that are not sealed yet: before they leave the process, go to the disk
 * or are read back. Malformed ones are a programmer error. */
void ms_record_seal(uint8_t *entries, size_t size);

/* Takes the first entry off entries, checksum verified. False when nothing whole and sound stands there:
 * entries->size is 0 at a clean end. */
bool ms_record_next(struct ms_bytes *entries, struct ms_entry *entry_out);

/* Goes on with the digest of a stream by these entries: of the number and the checksum of each. Two sides have the same
 * digest when they have the same entries in the same order; what the entries hold is trusted to be sound. Never 0. */
uint64_t ms_record_digest(uint64_t digest, struct ms_bytes entries);

/* The same of whole entries that come in pieces: begin with the digest, add each piece to what the last one returned, and
 * end that. */
uint64_t ms_record_digest_add(uint64_t open, struct ms_bytes entries);
uint64_t ms_record_digest_end(uint64_t open);

/* The record of a sound entry; it borrows from the entry and from room. MALFORMED, or
 * VERSION: an unknown one, or an unknown kind. */
enum ms_error ms_record_read(const struct ms_entry *entry, struct ms_record_room *room,
                             struct ms_record *record_out);

/* What the rest of the system takes for granted of a record of its kind (an id, a type, a token) is there.
 * Others are not written, and refused when they are read. */
bool ms_record_is_complete(const struct ms_record *record);

/* It says who has a command in hand. */
static inline bool ms_record_is_lease(uint8_t kind)
{
    return kind == MS_RECORD_LEASE || kind == MS_RECORD_HAND;
}

/* There is such a kind; some numbers below MS_RECORD_KINDS are kept free. */
bool ms_record_has_kind(unsigned kind);

const char *ms_record_kind_name(enum ms_record_kind kind); /* "SUBMIT"; never NULL */

#endif
