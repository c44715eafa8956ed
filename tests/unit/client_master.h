/* The other end of the client library's tests: an engine on the same loop that answers as it is told. */
#ifndef TESTS_UNIT_CLIENT_MASTER_H
#define TESTS_UNIT_CLIENT_MASTER_H

#include "tests/unit/client_master_answers.h"

static inline void master_receive(const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_HELLO:
        master.hello = *command->body.hello;
        master_welcome();
        break;
    case MS_KIND_SUBMIT:
        master_submit(command);
        break;
    case MS_KIND_OUTCOME_ACK:
        master.acks_count += command->count;
        break;
    case MS_KIND_CANCEL:
        master.cancels_count++;
        master_outcome(command->id.seq, MS_STATUS_CANCELLED, (struct ms_bytes){NULL, 0});
        break;
    case MS_KIND_PART:
        master.parts_bytes += command->payload.size;
        break;
    case MS_KIND_BEAT:
        ms_engine_send(&master.engine, master.peer, 1,
                       &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = command->count});
        break;
    case MS_KIND_QUERY:
        master.query = *command->body.query;
        master_tail(command->count);
        master_report(command->count);
        break;
    case MS_KIND_BYE:
        master.byes_count++;
        ms_engine_emit(&master.engine,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = master.peer});
        break;
    default:
        break;
    }
}

static inline void master_step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    (void)engine, (void)now;
    if (event->type == MS_EVENT_PEER_OPENED) {
        master.peer = event->peer;
    } else if (event->type == MS_EVENT_RECEIVED && event->peer == master.peer) {
        master_receive(event->command);
    } else if (event->type == MS_EVENT_STOP) { /* the test wants the connection broken */
        ms_engine_emit(&master.engine,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = master.peer});
    }
}

static inline ms_time master_deadline(const struct ms_engine *engine)
{
    (void)engine;
    return MS_TIME_NEVER;
}

static inline void master_effect(void *context, const struct ms_effect *effect)
{
    (void)context, (void)effect;
    ck_abort_msg("the master has no such effects");
}

static inline void master_start(struct ev_loop *loop)
{
    static const struct ms_engine_ops ops = {"master", master_step, master_deadline};
    char why[MS_ADDRESS_MAX];

    master = (struct master){.manner = MANNER_ANSWER};
    ck_assert(ms_engine_init(&master.engine, &ops));
    master.driver = ms_driver_create(&(struct ms_driver_options){
        .size = sizeof(struct ms_driver_options),
        .loop = loop,
        .engine = &master.engine,
        .is_server = true,
        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
        .effect = master_effect,
    });
    ck_assert_ptr_nonnull(master.driver);
    ck_assert(ms_driver_listen(master.driver, "127.0.0.1:0", master.bound, why, sizeof why));
}

static inline void master_break_connection(void)
{
    ms_driver_post(master.driver, &(struct ms_event){.type = MS_EVENT_STOP});
}

static inline void master_stop(void)
{
    ms_driver_destroy(master.driver);
    ms_engine_finish(&master.engine);
}

#endif
