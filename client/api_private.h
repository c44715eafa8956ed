/* Between the files of the client library: api.c makes and ends clients, api_submit.c submissions,
 * api_future.c futures, api_query.c questions, api_call.c calls,
 * api_run.c the loop, api_deliver.c what comes back. */
#ifndef CLIENT_API_PRIVATE_H
#define CLIENT_API_PRIVATE_H

#include <ev.h>

#include "client/client.h"
#include "client/ms_call.h"
#include "client/ms_client.h"
#include "client/ms_future.h"
#include "client/ms_query.h"
#include "core/io/driver.h"

#define MS_CLIENT_ID_SIZE 33 /* 32 hex digits and a zero */

/* One submission under way, beside what the engine keeps: whom to tell. Its address is the engine's
 * cookie. */
struct ms_ticket {
    ms_client_done_fn on_done;
    void *done_context;
    ms_client_output_fn on_output;
    ms_client_accepted_fn on_accepted;
    void *context;
    uint8_t *collected; /* output that comes with the result; malloc */
    size_t collected_size, collected_capacity;
    int error; /* why what was collected is not whole; OK = it is */
    bool is_background;
    bool is_aimed; /* of a broadcast */
};

/* One question under way; its address is the engine's cookie. */
struct ms_question {
    bool is_used;
    ms_client_report_fn on_report;
    ms_client_output_fn on_output;
    uint64_t seq; /* that was asked about */
    void *context;
    struct ms_client_cell *cells; /* room for one frame's cells, translated */
    size_t cells_capacity;
};

/* One call under way; its address is the engine's cookie. */
struct ms_call_ticket {
    ms_client_reply_fn on_reply; /* NULL: it is free */
    void *context;
};

struct ms_future {
    struct ms_list link;      /* in its client's futures */
    struct ms_client *client; /* NULL once it is destroyed */
    uint64_t seq;
    uint64_t done_number; /* in order of ending, from 1; 0 = not yet */
    struct ms_client_result result;
    uint8_t *bytes; /* payload, then detail and its zero; malloc */
};

struct ms_client {
    struct ms_client_engine engine;
    struct ms_driver *driver;
    struct ev_loop *loop;
    bool is_own_loop;
    ev_prepare before_sleep; /* sends what was submitted in this turn */
    ev_timer limit;          /* of the innermost run or wait */
    bool is_limit_over, is_broken;
    bool is_dirty;   /* something was submitted outside a step */
    bool is_closing; /* ms_client_close was called */
    bool is_stopped; /* the engine said so */
    unsigned depth;  /* of callbacks under way */
    struct ms_pool tickets;
    struct ms_question questions[MS_CLIENT_QUERIES_MAX];
    struct ms_call_ticket calls[MS_CALLS_MAX];
    struct ms_list futures;
    struct ms_map futures_by_seq;
    uint64_t futures_done; /* ended so far */
    int last_error;
    char id[MS_CLIENT_ID_SIZE];
    void *context;
    void (*on_room)(struct ms_client *client, void *context);
    void (*on_connection)(struct ms_client *client, bool is_up, int error, void *context);
    void (*on_later)(struct ms_client *client, int error, void *context);
};

/* A REPORT for one of the questions. */
void ms_client_deliver_report(struct ms_client *client, const struct ms_effect *effect);

/* A TAIL for one of the questions. */
void ms_client_deliver_tail(struct ms_client *client, const struct ms_effect *effect);

/* A CALL_REPLY for one of the calls. */
void ms_client_deliver_reply(struct ms_client *client, const struct ms_effect *effect);

/* The driver's effect callback. */
void ms_client_effect(void *context, const struct ms_effect *effect);

/* Numbers of an array, or the room of a broadcast; 0 = it is none. */
uint32_t ms_client_numbers_of(const struct ms_client_submission *submission);

/* Copies a caller's struct of any age: what it does not have is zero. False when it is newer than this
 * library and uses what is not known here, or is no struct at all. Both begin with size. */
bool ms_client_copy_struct(void *to, size_t to_size, const void *from);

/* 32 hex digits to a uuid; false when they are not, or all zero. */
bool ms_client_parse_id(const char *text, struct ms_uuid *uuid_out);

/* Steps the engine with an event that carries command, now or at the end of the step under way. */
void ms_client_post(struct ms_client *client, enum ms_event_type type, uint64_t cookie,
                    const struct ms_command *command);

/* Runs the loop until is_done says so: OK, TIMEOUT, or BAD_STATE inside a callback. */
int ms_client_run_until(struct ms_client *client, int64_t timeout_ms,
                        bool (*is_done)(const struct ms_client *client, const void *what),
                        const void *what);

/* Ends every future; for destroy. */
void ms_client_end_futures(struct ms_client *client);

#endif
