/* Slaves of a durable master, and how they come back to the next one. */
#ifndef UNIT_MASTER_RETURNING_H
#define UNIT_MASTER_RETURNING_H

#include "master/clients.h"
#include "master/state.h"
#include "master_shelf.h"

/* A slave is let in once its session is durable. */
static inline struct ms_welcome greet_durably(struct script *s, ms_peer peer,
                                              const struct ms_hello *hello)
{
    open_peer(s, peer);
    say_hello(s, peer, hello);
    if (find(s, MS_KIND_WELCOME) == NULL) {
        commit(s);
    }
    return want(s, MS_KIND_WELCOME)->welcome;
}

/* A slave that runs echo, without credit. */
static inline struct ms_welcome slave_durably(struct script *s, ms_peer peer, uint8_t node)
{
    const struct ms_hello hello = hello_of(MS_ROLE_SLAVE, node);
    const struct ms_welcome welcome = greet_durably(s, peer, &hello);

    announce(s, peer, ECHO, "echo");
    commit(s);
    return welcome;
}

/* After a restart: the slave resumes its session, and tells what it holds. */
static inline void come_back(struct script *s, ms_peer peer, uint8_t node,
                             const struct ms_welcome *was, const struct ms_tokens *roll)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, node);

    hello.token = was->token;
    hello.epoch = s->epoch - 1;
    ck_assert(greet_durably(s, peer, &hello).resumed);
    announce(s, peer, ECHO, "echo");
    receive(s, peer, &(struct ms_command){.kind = MS_KIND_ROLL, .body.tokens = roll});
}

/* The same with nothing in hand. */
static inline void come_back_idle(struct script *s, ms_peer peer, uint8_t node,
                                  const struct ms_welcome *was)
{
    come_back(s, peer, node, was, &(struct ms_tokens){.last = true});
}

/* One attempt of a client's command, as a slave tells it. */
struct held {
    struct ms_token token;
    struct ms_holding holding;
};

static inline struct held held_of(uint8_t node, uint64_t seq, struct ms_token token,
                                  uint32_t attempt)
{
    return (struct held){token, {{uuid_of(node), seq}, ECHO, attempt}};
}

static inline void come_back_with(struct script *s, ms_peer peer, uint8_t node,
                                  const struct ms_welcome *was, const struct held *held)
{
    come_back(s, peer, node, was,
              &(struct ms_tokens){
                  .count = 1, .tokens = &held->token, .holdings = &held->holding, .last = true});
}

/* A result of an attempt of any master's time. */
static inline void result_of(struct script *s, ms_peer peer, struct ms_token token,
                             enum ms_status status, const char *payload)
{
    receive(s, peer,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = (uint8_t)status,
                                 .token = token,
                                 .payload = ms_bytes_of(payload)});
}

/* NULL when the master does not know it. */
static inline const struct ms_work *work_of(const struct script *s, uint8_t node, uint64_t seq)
{
    return ms_clients_find_work(s->master, &(struct ms_id){uuid_of(node), seq});
}

#endif
