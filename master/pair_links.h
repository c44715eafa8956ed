/* The connections of a pair: to the other half, from witnesses, from operators. Who they are is said by their first frame;
 * the other half is dialled when there is no connection to it. */
#ifndef MASTER_PAIR_LINKS_H
#define MASTER_PAIR_LINKS_H

#include "core/engine.h"
#include "core/rng.h"
#include "master/council.h"
#include "master/pair_writing.h"

/* A connection on which PEER_HELLO was said, or that was dialled to say it. */
struct ms_pair_link {
    ms_peer peer;      /* MS_PEER_NONE = free */
    enum ms_role role; /* NONE: dialled, the other side has not said PEER_HELLO yet */
    struct ms_uuid id; /* of its PEER_HELLO */
    bool is_dialled;   /* by us */
    uint32_t address;  /* which one was dialled */
    bool has_greeted;  /* we have said PEER_HELLO on it */
    bool is_apart;     /* it came in by a listener for the pair alone */
    enum ms_pair_ordered ordered;
    uint64_t order; /* an operator's, that is not answered yet */
    ms_time since, heard_at;
};

struct ms_pair_links {
    struct ms_engine *engine;
    struct ms_rng *rng;
    struct ms_pair_link links[MS_PAIR_LINKS_MAX];
    uint32_t end;               /* those from there on are free */
    struct ms_pair_link *other; /* the other half; NULL = none stands */
    uint32_t addresses_count, address_at;
    char addresses[MS_ADDRESSES_MAX][MS_ADDRESS_MAX + 1];
    ms_time passed_until[MS_ADDRESSES_MAX]; /* not dialled before */
    bool is_own[MS_ADDRESSES_MAX];          /* led to ourselves when it was dialled last */
    enum ms_error
        told[MS_ADDRESSES_MAX]; /* why nobody was reached there, as was said since one greeted */
    uint32_t tag;               /* of the CONNECT under way; 0 = none */
    uint32_t tags_count;        /* given so far */
    ms_time dial_at, dial_by, backoff;
    bool is_refused; /* it was said that the other half refuses, and it has not greeted since */
    ms_time refused_until; /* so long an operator is told that it does */
    ms_time silent;        /* a link on which nothing was heard for so long is dead */
    uint8_t place;
};

/* addresses: of the other half, separated by commas; they are copied. engine and rng are borrowed. */
void ms_pair_links_init(struct ms_pair_links *links, struct ms_engine *engine, struct ms_rng *rng,
                        uint8_t place, const char *addresses);

/* The link of that connection; NULL when it is none of the pair's. */
struct ms_pair_link *ms_pair_links_find(struct ms_pair_links *links, ms_peer peer);
/* Of the other half, or of that witness, if it has greeted. */
struct ms_pair_link *ms_pair_links_of(struct ms_pair_links *links,
                                      const struct ms_council_party *party);

/* One that has been silent for too long; NULL when there is none. Operators may be silent. */
struct ms_pair_link *ms_pair_links_silent(struct ms_pair_links *links, ms_time now);

/* Dials when it is time to, gives up what takes too long. */
void ms_pair_links_tick(struct ms_pair_links *links, ms_time now);
ms_time ms_pair_links_deadline(const struct ms_pair_links *links);

/* A connection that was dialled stands; NULL when nobody wants it any more: it is closed. */
struct ms_pair_link *ms_pair_links_opened(struct ms_pair_links *links, ms_time now,
                                          const struct ms_event *event);
/* A connection has said PEER_HELLO; NULL when there are too many or the other half has a better one: it is closed. */
struct ms_pair_link *ms_pair_links_greeted(struct ms_pair_links *links, ms_time now, ms_peer peer,
                                           const struct ms_pair_frame *hello);
/* A dial failed; true when that shows that no process listens there. */
bool ms_pair_links_failed(struct ms_pair_links *links, ms_time now, const struct ms_event *event);
/* Forgets the link; the other half is dialled again, at once. */
void ms_pair_links_forget(struct ms_pair_links *links, ms_time now, struct ms_pair_link *link);
/* The same, and says CLOSE, after ERROR if there is one. */
void ms_pair_links_close(struct ms_pair_links *links, ms_time now, struct ms_pair_link *link,
                         enum ms_error error);
/* Somebody has greeted there who is not the other half: the connection is closed, after ERROR if there is one, and if we have dialled it,
 * that address is passed over for a while. */
void ms_pair_links_refuse(struct ms_pair_links *links, ms_time now, ms_peer peer,
                          enum ms_error error);
/* We are refused there: if we have dialled it, that address is passed over for a while. */
void ms_pair_links_pass_over(struct ms_pair_links *links, ms_time now,
                             const struct ms_pair_link *link);
/* We have greeted there ourselves. The address that we dialled, to be said; NULL when it was said before, or it came in. */
const char *ms_pair_links_refuse_self(struct ms_pair_links *links, ms_time now, ms_peer peer);
/* Each address is our own, as far as is known. */
bool ms_pair_links_are_own(const struct ms_pair_links *links);

#endif
