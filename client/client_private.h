/* Between the files of the client's engine: client.c steps, client_ask.c is what the application asks,
 * client_send.c what goes to the master, client_hear.c what the master says, client_refused.c its refusals. */
#ifndef CLIENT_CLIENT_PRIVATE_H
#define CLIENT_CLIENT_PRIVATE_H

#include "client/client.h"

/* Emits DELIVER; what command points to must stay until the next step. */
void ms_client_engine_deliver(struct ms_client_engine *engine, uint64_t cookie,
                              enum ms_client_note note, const struct ms_command *command);

/* Delivers a note about the connection or the room. */
void ms_client_engine_note(struct ms_client_engine *engine, enum ms_client_note note,
                           enum ms_error error);

/* Ends a submission; its payload is gone at once. */
void ms_client_engine_close(struct ms_client_engine *engine, struct ms_request *request);

/* The connection is no more: what it carried goes again on the next. */
void ms_client_engine_lost(struct ms_client_engine *engine, enum ms_error error);

/* A REQUEST of the application. */
void ms_client_engine_ask(struct ms_client_engine *engine, const struct ms_event *event);

/* Ends a submission that no master holds as CANCELLED. */
void ms_client_engine_cancel_here(struct ms_client_engine *engine, struct ms_request *request);

/* What the last SUBMIT of an array said of closed members is not needed any more. */
void ms_client_engine_drop_closed(struct ms_client_engine *engine);

/* Sends the CANCEL of a submission that was sent before. */
void ms_client_engine_send_cancel(struct ms_client_engine *engine,
                                  const struct ms_request *request);

/* True when a master that is not this one may have taken it, and may hand it over to this one later. */
static inline bool ms_client_engine_may_be_elsewhere(const struct ms_client_engine *engine,
                                                     const struct ms_request *request)
{
    return request->may_be_elsewhere && engine->upstream.addresses_count > 1;
}

/* Submissions that one step may send; pieces of large payloads count, too. */
#define MS_CLIENT_SEND_BURST MS_DISPATCH_BURST

/* True when there is something that may go to the master now. */
bool ms_client_engine_can_send(const struct ms_client_engine *engine);

/* Sends submissions that wait, as many as the window and one step allow. */
void ms_client_engine_send_waiting(struct ms_client_engine *engine, ms_time now);

/* Tells that the master takes nothing new for now, or, with OK, that it does again; once each. */
void ms_client_engine_later(struct ms_client_engine *engine, enum ms_error error);

/* A SUBMIT_ACK, or what is as good as one. */
void ms_client_engine_accepted(struct ms_client_engine *engine, struct ms_request *request,
                               const struct ms_command *ack);

/* A SUBMIT_NAK. */
void ms_client_engine_refused(struct ms_client_engine *engine, ms_time now,
                              const struct ms_command *nak);

/* A command of the master, who is UP. */
void ms_client_engine_hear(struct ms_client_engine *engine, ms_time now,
                           const struct ms_command *command);

#endif
