/* What peers say to a master and what they expect to hear: short names for its tests. */
#ifndef TESTS_UNIT_MASTER_FRAMES_H
#define TESTS_UNIT_MASTER_FRAMES_H

#include "master_script.h"

static inline struct ms_master_stats stats_of(const struct script *s)
{
    struct ms_master_stats stats;

    ms_master_stats(s->master, &stats);
    return stats;
}

static inline void receive_epoch(struct script *s, ms_peer peer, ms_epoch epoch,
                                 const struct ms_command *command)
{
    step(s, &(struct ms_event){
                .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = epoch, .command = command});
}

static inline void receive(struct script *s, ms_peer peer, const struct ms_command *command)
{
    receive_epoch(s, peer, s->epoch, command);
}

static inline struct ms_uuid uuid_of(uint8_t n)
{
    return (struct ms_uuid){{n, 0xaa}};
}

static inline void open_peer(struct script *s, ms_peer peer)
{
    struct ms_uuid nonce = {{0x55, ++s->nonces}};

    step(s, &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .nonce = nonce});
}

static inline void close_peer(struct script *s, ms_peer peer)
{
    step(s, &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = peer, .error = MS_E_CLOSED});
}

static inline struct ms_hello hello_of(enum ms_role role, uint8_t node)
{
    struct ms_hello hello = {.role = role,
                             .version_min = 1,
                             .version_max = 1,
                             .features = MS_FEATURES_ALL,
                             .node = uuid_of(node),
                             .slots = role == MS_ROLE_SLAVE ? 4 : 0};

    hello.name[0] = role == MS_ROLE_SLAVE ? 's' : 'c';
    hello.name[1] = (char)('0' + node % 10);
    return hello;
}

static inline void say_hello(struct script *s, ms_peer peer, const struct ms_hello *hello)
{
    receive_epoch(s, peer, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = hello});
}

/* The nth effect of that kind of the latest step, or NULL. */
static inline struct sent *find_nth(struct script *s, enum ms_kind kind, size_t n)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_SEND && s->sent[i].effect.command.kind == kind &&
            n-- == 0) {
            return &s->sent[i];
        }
    }
    return NULL;
}

static inline struct sent *find(struct script *s, enum ms_kind kind)
{
    return find_nth(s, kind, 0);
}

static inline struct sent *want(struct script *s, enum ms_kind kind)
{
    struct sent *sent = find(s, kind);

    ck_assert_msg(sent != NULL, "no %s was sent", ms_kind_name(kind));
    return sent;
}

static inline size_t count_of(struct script *s, enum ms_kind kind)
{
    size_t count = 0;

    while (find_nth(s, kind, count) != NULL) {
        count++;
    }
    return count;
}

static inline bool was_closed(const struct script *s, ms_peer peer)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_CLOSE && s->sent[i].effect.peer == peer) {
            return true;
        }
    }
    return false;
}

/* ERROR with that code, then CLOSE. */
static inline void want_refusal(struct script *s, ms_peer peer, enum ms_error error)
{
    struct sent *sent = want(s, MS_KIND_ERROR);

    ck_assert_str_eq(ms_error_name((enum ms_error)sent->effect.command.error),
                     ms_error_name(error));
    ck_assert_uint_eq(sent->effect.peer, peer);
    ck_assert(was_closed(s, peer));
}

static inline struct ms_welcome greet(struct script *s, ms_peer peer, const struct ms_hello *hello)
{
    open_peer(s, peer);
    say_hello(s, peer, hello);
    return want(s, MS_KIND_WELCOME)->welcome;
}

static inline void announce(struct script *s, ms_peer peer, ms_type type, const char *name)
{
    struct ms_announced types[1] = {{.type = type}};
    struct ms_announce body = {1, types};

    snprintf(types[0].name, sizeof types[0].name, "%s", name);
    receive(s, peer, &(struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &body});
}

static inline void pull(struct script *s, ms_peer peer, uint64_t count)
{
    receive(s, peer, &(struct ms_command){.kind = MS_KIND_PULL, .count = count});
}

static inline struct ms_welcome client(struct script *s, ms_peer peer, uint8_t node)
{
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, node);

    return greet(s, peer, &hello);
}

/* A slave that runs echo, without credit. */
static inline struct ms_welcome slave(struct script *s, ms_peer peer, uint8_t node)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, node);
    struct ms_welcome welcome = greet(s, peer, &hello);

    announce(s, peer, ECHO, "echo");
    return welcome;
}

static inline struct ms_command submission(uint64_t seq, const char *payload)
{
    return (struct ms_command){
        .kind = MS_KIND_SUBMIT, .type = ECHO, .id.seq = seq, .payload = ms_bytes_of(payload)};
}

static inline void submit(struct script *s, ms_peer peer, uint64_t seq, const char *payload)
{
    struct ms_command command = submission(seq, payload);

    receive(s, peer, &command);
}

static inline void result(struct script *s, ms_peer peer, uint64_t token, enum ms_status status,
                          const char *payload)
{
    receive(s, peer,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = (uint8_t)status,
                                 .token = {s->epoch, token},
                                 .payload = ms_bytes_of(payload)});
}

static inline void confirm(struct script *s, ms_peer peer, uint64_t seq, uint64_t count)
{
    receive(s, peer,
            &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK, .id.seq = seq, .count = count});
}

static inline uint64_t token_of(const struct sent *sent)
{
    return sent->effect.command.token.n;
}

#endif
