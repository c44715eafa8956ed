/* A durable master with services, and a client that calls them. */
#ifndef TESTS_UNIT_MASTER_SERVICES_H
#define TESTS_UNIT_MASTER_SERVICES_H

#include "core/limits.h"
#include "master/services.h"
#include "master/state.h"
#include "master_counter.h"
#include "master_shelf.h"

static struct ms_service_entry entries[] = {
    {&counter_service, "count", "first"},
    {&plain_service, "plain", NULL},
};
static const struct ms_service_list list = {entries, 2};

static inline void call_as(struct script *s, ms_peer peer, const struct ms_command *call)
{
    receive(s, peer, call);
}

/* Call number of the client on that connection. */
static inline void call(struct script *s, ms_peer peer, uint64_t number, const char *what,
                        const char *payload)
{
    call_as(s, peer,
            &(struct ms_command){.kind = MS_KIND_CALL,
                                 .id.seq = number,
                                 .count = number - 1,
                                 .detail = ms_bytes_of(what),
                                 .payload = ms_bytes_of(payload)});
}

static inline const struct sent *reply_of(const struct script *s)
{
    const struct sent *found = NULL;

    for (size_t i = 0; i < s->count; i++) {
        const struct ms_effect *effect = &s->sent[i].effect;

        if (effect->type == MS_EFFECT_SEND && effect->command.kind == MS_KIND_CALL_REPLY) {
            found = &s->sent[i];
        }
    }
    return found;
}

/* The last reply of the latest step. */
static inline void want_reply(const struct script *s, uint64_t number, const char *payload)
{
    const struct sent *reply = reply_of(s);

    ck_assert_ptr_nonnull(reply);
    ck_assert_uint_eq(reply->effect.command.id.seq, number);
    ck_assert_msg(reply->effect.command.error == MS_E_OK, "%s", reply->detail);
    ck_assert_str_eq(reply->payload, payload);
}

static inline void want_no(const struct script *s, enum ms_error error)
{
    const struct sent *reply = reply_of(s);

    ck_assert_ptr_nonnull(reply);
    ck_assert_int_eq(reply->effect.command.error, error);
    ck_assert_str_ne(reply->detail, "");
}

static inline struct ms_service_unit *unit_of(const struct script *s, const char *name)
{
    return ms_services_find(&s->master->services, name, strlen(name));
}

static inline const struct counter *counter_of(const struct script *s)
{
    return unit_of(s, "count")->data;
}

/* A master with both, and a client on 2. */
static inline void begin_services(struct script *s, struct shelf *shelf)
{
    memset(&told, 0, sizeof told);
    setup_durable(s, shelf);
    shelf->config.services = &list;
    restart(s);
    settle_down(s);
    commit(s);
    client(s, 2, 2);
}

/* It has come to its end, and another one begins with what was committed. */
static inline void again(struct script *s)
{
    restart(s);
    settle_down(s);
    commit(s);
    client(s, 2, 2);
}

#endif
