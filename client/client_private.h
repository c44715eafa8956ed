/* Between the files of the client's engine: client.c steps, client_ask.c is what the application asks,
 * client_hear.c what the master says. */
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

/* Sends the CANCEL of a submission that was sent before. */
void ms_client_engine_send_cancel(struct ms_client_engine *engine,
                                  const struct ms_request *request);

/* A command of the master, who is UP. */
void ms_client_engine_hear(struct ms_client_engine *engine, ms_time now,
                           const struct ms_command *command);

#endif
