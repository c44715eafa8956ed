/* Many slaves at once, for the tests of the master. */
#ifndef UNIT_MASTER_CROWD_H
#define UNIT_MASTER_CROWD_H

#include "master_frames.h"

/* A slave of its own on that connection, without the record of what was sent: for crowds. */
static inline void greet_quietly(struct script *s, ms_peer peer)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    const struct ms_command command = {.kind = MS_KIND_HELLO, .body.hello = &hello};
    struct ms_effect effect;

    memcpy(hello.node.bytes, &peer, sizeof peer);
    ms_engine_step(
        s->engine, s->now,
        &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .nonce = uuid_of(1)});
    ms_engine_step(
        s->engine, s->now,
        &(struct ms_event){.type = MS_EVENT_RECEIVED, .peer = peer, .command = &command});
    while (ms_engine_poll(s->engine, &effect)) {
    }
}

#endif
