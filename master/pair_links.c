#include "master/pair_links.h"

#include "core/invariant.h"
#include "core/uri.h"

#define GREET_TIMEOUT MS_RESPONSE_TIMEOUT

void ms_pair_links_init(struct ms_pair_links *links, struct ms_engine *engine, struct ms_rng *rng,
                        uint8_t place, const char *addresses)
{
    ms_assert(addresses != NULL && addresses[0] != '\0');
    *links = (struct ms_pair_links){
        .engine = engine,
        .rng = rng,
        .place = place,
        .backoff = MS_RECONNECT_MIN,
        .dial_at = INT64_MIN,
        .refused_until = INT64_MIN,
        .dial_by = MS_TIME_NEVER,
        .silent = MS_TIME_NEVER / 2,
    };
    for (uint32_t i = 0; i < MS_ADDRESSES_MAX; i++) {
        links->passed_until[i] = INT64_MIN;
    }
    links->addresses_count = ms_addresses_split(addresses, links->addresses);
}

struct ms_pair_link *ms_pair_links_find(struct ms_pair_links *links, ms_peer peer)
{
    for (uint32_t i = 0; i < links->end; i++) {
        if (links->links[i].peer == peer && peer != MS_PEER_NONE) {
            return &links->links[i];
        }
    }
    return NULL;
}

struct ms_pair_link *ms_pair_links_of(struct ms_pair_links *links,
                                      const struct ms_council_party *party)
{
    if (!party->is_witness) {
        return links->other;
    }
    for (uint32_t i = 0; i < links->end; i++) {
        struct ms_pair_link *link = &links->links[i];

        if (link->peer != MS_PEER_NONE && link->role == MS_ROLE_WITNESS &&
            ms_uuid_equal(&link->id, &party->id)) {
            return link;
        }
    }
    return NULL;
}

static struct ms_pair_link *take(struct ms_pair_links *links, ms_time now, ms_peer peer)
{
    for (uint32_t i = 0; i < MS_PAIR_LINKS_MAX; i++) {
        struct ms_pair_link *link = &links->links[i];

        if (link->peer == MS_PEER_NONE) {
            *link = (struct ms_pair_link){.peer = peer, .since = now, .heard_at = now};
            links->end = i < links->end ? links->end : i + 1;
            return link;
        }
    }
    return NULL;
}

static void drop(struct ms_pair_links *links, struct ms_pair_link *link)
{
    *link = (struct ms_pair_link){0};
    while (links->end > 0 && links->links[links->end - 1].peer == MS_PEER_NONE) {
        links->end--;
    }
}

static void close_peer(struct ms_pair_links *links, ms_peer peer, enum ms_error error)
{
    if (error != MS_E_OK) {
        ms_engine_send(links->engine, peer, 0,
                       &(struct ms_command){.kind = MS_KIND_ERROR,
                                            .error = (uint16_t)error,
                                            .detail = ms_bytes_of(ms_error_text(error))});
    }
    ms_engine_emit(links->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
}

/* --- dialling --- */

/* The next one that is not passed over at that time; when all are, the first one that will not be. */
static void next_address(struct ms_pair_links *links)
{
    uint32_t first = links->address_at;

    for (uint32_t i = 1; i <= links->addresses_count; i++) {
        const uint32_t at = (links->address_at + i) % links->addresses_count;

        if (links->passed_until[at] <= links->dial_at) {
            links->address_at = at;
            return;
        }
        if (links->passed_until[at] < links->passed_until[first]) {
            first = at;
        }
    }
    links->address_at = first;
    links->dial_at = links->passed_until[first];
}

static void dial_later(struct ms_pair_links *links, ms_time now)
{
    links->tag = 0;
    links->dial_by = MS_TIME_NEVER;
    links->dial_at = now + ms_rng_backoff(links->rng, &links->backoff, MS_PAIR_DIAL_BACKOFF_MAX);
    next_address(links);
}

void ms_pair_links_forget(struct ms_pair_links *links, ms_time now, struct ms_pair_link *link)
{
    if (links->other == link) {
        links->other = NULL;
        links->backoff = MS_RECONNECT_MIN;
        links->dial_at = now;
    } else if (link->is_dialled &&
               link->role == MS_ROLE_NONE) { /* it was refused, or not answered */
        dial_later(links, now);
    }
    drop(links, link);
}

void ms_pair_links_close(struct ms_pair_links *links, ms_time now, struct ms_pair_link *link,
                         enum ms_error error)
{
    close_peer(links, link->peer, error);
    ms_pair_links_forget(links, now, link);
}

static void dial(struct ms_pair_links *links, ms_time now)
{
    links->tags_count = links->tags_count == UINT32_MAX ? 1 : links->tags_count + 1;
    links->tag = links->tags_count;
    links->dial_by = now + MS_RESPONSE_TIMEOUT;
    ms_engine_emit(links->engine, &(struct ms_effect){
                                      .type = MS_EFFECT_CONNECT,
                                      .tag = links->tag,
                                      .text = links->addresses[links->address_at],
                                  });
}

/* A link on which the other side has not greeted. */
static struct ms_pair_link *unmet(struct ms_pair_links *links)
{
    for (uint32_t i = 0; i < links->end; i++) {
        if (links->links[i].peer != MS_PEER_NONE && links->links[i].role == MS_ROLE_NONE) {
            return &links->links[i];
        }
    }
    return NULL;
}

static bool is_watched(const struct ms_pair_link *link)
{
    return link->peer != MS_PEER_NONE &&
           (link->role == MS_ROLE_MASTER || link->role == MS_ROLE_WITNESS);
}

struct ms_pair_link *ms_pair_links_silent(struct ms_pair_links *links, ms_time now)
{
    for (uint32_t i = 0; i < links->end; i++) {
        struct ms_pair_link *link = &links->links[i];

        if (is_watched(link) && now >= link->heard_at + links->silent) {
            return link;
        }
    }
    return NULL;
}

/* When the first of them will have been silent for too long. */
static ms_time silent_at(const struct ms_pair_links *links)
{
    ms_time at = MS_TIME_NEVER;

    for (uint32_t i = 0; i < links->end; i++) {
        const struct ms_pair_link *link = &links->links[i];

        if (is_watched(link) && link->heard_at + links->silent < at) {
            at = link->heard_at + links->silent;
        }
    }
    return at;
}

void ms_pair_links_tick(struct ms_pair_links *links, ms_time now)
{
    struct ms_pair_link *link = unmet(links);

    if (link != NULL && now >= link->since + GREET_TIMEOUT) {
        ms_pair_links_close(links, now, link, MS_E_TIMEOUT);
        link = NULL;
    }
    if (links->tag != 0 && now >= links->dial_by) {
        dial_later(links, now);
    }
    if (links->other == NULL && links->tag == 0 && link == NULL && now >= links->dial_at) {
        dial(links, now);
    }
}

ms_time ms_pair_links_deadline(const struct ms_pair_links *links)
{
    const struct ms_pair_link *link = unmet((struct ms_pair_links *)(uintptr_t)links);
    const ms_time silent = silent_at(links);
    ms_time at = links->other == NULL ? links->dial_at : MS_TIME_NEVER;

    if (link != NULL) {
        at = link->since + GREET_TIMEOUT;
    } else if (links->tag != 0) {
        at = links->dial_by;
    }
    return at < silent ? at : silent;
}

struct ms_pair_link *ms_pair_links_opened(struct ms_pair_links *links, ms_time now,
                                          const struct ms_event *event)
{
    struct ms_pair_link *link = NULL;

    if (event->tag == links->tag) {
        links->tag = 0;
        links->dial_by = MS_TIME_NEVER;
        link = links->other == NULL ? take(links, now, event->peer) : NULL;
    }
    if (link == NULL) { /* given up, or the other half has come by itself meanwhile */
        close_peer(links, event->peer, MS_E_OK);
        return NULL;
    }
    link->is_dialled = true;
    link->address = links->address_at;
    return link;
}

/* Once: it is dialled several times a second. */
static void tell_failure(struct ms_pair_links *links, enum ms_error error)
{
    enum ms_error *told = &links->told[links->address_at];

    if (*told != error) {
        *told = error;
        ms_trace(&links->engine->trace, MS_LEVEL_WARN, "the other half is not reached",
                 "address=%s error=\"%s\"", links->addresses[links->address_at],
                 ms_error_text(error));
    }
}

bool ms_pair_links_failed(struct ms_pair_links *links, ms_time now, const struct ms_event *event)
{
    if (event->tag == 0 || event->tag != links->tag) {
        return false;
    }
    if (links->other == NULL) {
        tell_failure(links, event->error);
    }
    links->is_own[links->address_at] = false; /* whoever we are, nobody answers there */
    dial_later(links, now);
    return event->count == 1 && links->other == NULL; /* it may have come by itself meanwhile */
}

/* --- greetings --- */

/* Both halves may have dialled at the same time: the connection that the backup has dialled stands. */
static bool is_better(const struct ms_pair_links *links, const struct ms_pair_link *link)
{
    const uint8_t dialler =
        link->is_dialled ? links->place : (uint8_t)(MS_MASTERS - 1 - links->place);

    return dialler == 1;
}

static struct ms_pair_link *meet_other(struct ms_pair_links *links, ms_time now,
                                       struct ms_pair_link *link)
{
    struct ms_pair_link *former = links->other;

    if (former == link) {
        return link;
    }
    if (former != NULL && is_better(links, former) && !is_better(links, link)) {
        ms_pair_links_close(links, now, link, MS_E_REPLACED);
        return NULL;
    }
    links->other = link;
    links->is_refused = false;
    links->refused_until = INT64_MIN;
    memset(links->told, 0, sizeof links->told);
    links->backoff = MS_RECONNECT_MIN;
    if (link->is_dialled) {
        links->is_own[link->address] = false;
    }
    if (former != NULL) {
        ms_pair_links_close(links, now, former, MS_E_REPLACED);
    }
    return link;
}

/* A witness that comes again has lost its former connection, even if that has not been noticed here. */
static void replace_witness(struct ms_pair_links *links, ms_time now,
                            const struct ms_pair_link *link)
{
    for (uint32_t i = 0; i < links->end; i++) {
        struct ms_pair_link *former = &links->links[i];

        if (former != link && former->peer != MS_PEER_NONE && former->role == MS_ROLE_WITNESS &&
            ms_uuid_equal(&former->id, &link->id)) {
            ms_pair_links_close(links, now, former, MS_E_REPLACED);
        }
    }
}

/* An operator gives way when there are too many. */
static bool make_room(struct ms_pair_links *links, ms_time now, enum ms_role role)
{
    for (uint32_t i = 0; i < links->end && role != MS_ROLE_OPERATOR; i++) {
        if (links->links[i].role == MS_ROLE_OPERATOR) {
            ms_pair_links_close(links, now, &links->links[i], MS_E_TOO_MANY);
            return true;
        }
    }
    return false;
}

struct ms_pair_link *ms_pair_links_greeted(struct ms_pair_links *links, ms_time now, ms_peer peer,
                                           const struct ms_pair_frame *hello)
{
    struct ms_pair_link *link = ms_pair_links_find(links, peer);

    if (link == NULL) {
        link = take(links, now, peer);
    }
    if (link == NULL && make_room(links, now, hello->role)) {
        link = take(links, now, peer);
    }
    if (link == NULL) {
        close_peer(links, peer, MS_E_TOO_MANY);
        return NULL;
    }
    link->role = hello->role;
    link->id = hello->id;
    if (hello->role == MS_ROLE_WITNESS) {
        replace_witness(links, now, link);
    }
    return hello->role == MS_ROLE_MASTER ? meet_other(links, now, link) : link;
}

static void refuse(struct ms_pair_links *links, ms_time now, ms_peer peer, enum ms_error error,
                   ms_time pause)
{
    struct ms_pair_link *link = ms_pair_links_find(links, peer);

    close_peer(links, peer, error);
    if (link == NULL) {
        return;
    }
    ms_assert(link != links->other);
    if (link->is_dialled) {
        links->passed_until[link->address] = now + pause;
        dial_later(links, now);
    }
    drop(links, link);
}

void ms_pair_links_pass_over(struct ms_pair_links *links, ms_time now,
                             const struct ms_pair_link *link)
{
    links->refused_until = now + MS_NOTICE_KEEP;
    if (link->is_dialled) {
        links->passed_until[link->address] = now + MS_PAIR_REFUSED_PAUSE;
    }
}

void ms_pair_links_refuse(struct ms_pair_links *links, ms_time now, ms_peer peer,
                          enum ms_error error)
{
    const struct ms_pair_link *link = ms_pair_links_find(links, peer);

    if (link != NULL && link->is_dialled) {
        links->is_own[link->address] = false;
    }
    refuse(links, now, peer, error, MS_PAIR_REFUSED_PAUSE);
}

const char *ms_pair_links_refuse_self(struct ms_pair_links *links, ms_time now, ms_peer peer)
{
    const struct ms_pair_link *link = ms_pair_links_find(links, peer);
    const char *address = NULL;

    if (link != NULL && link->is_dialled) {
        address = links->is_own[link->address] ? NULL : links->addresses[link->address];
        links->is_own[link->address] = true;
    }
    refuse(links, now, peer, MS_E_OK, MS_PAIR_OWN_PAUSE);
    return address;
}

bool ms_pair_links_are_own(const struct ms_pair_links *links)
{
    for (uint32_t i = 0; i < links->addresses_count; i++) {
        if (!links->is_own[i]) {
            return false;
        }
    }
    return true;
}
