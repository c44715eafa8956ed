/* Questions to the master: what muster status and its like print. Rules as in ms_client.h. */
#ifndef MUSTER_MS_QUERY_H
#define MUSTER_MS_QUERY_H

#include "ms_client.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ms_client_question {
    MS_CLIENT_ASK_STATUS = 1,   /* one row of counters */
    MS_CLIENT_ASK_SLAVES = 2,   /* a row for each slave */
    MS_CLIENT_ASK_COMMANDS = 3, /* a row for each live command */
    MS_CLIENT_ASK_SHOW = 4      /* one command */
};

struct ms_client_query {
    size_t size;
    int what;              /* enum ms_client_question */
    uint32_t limit;        /* rows at most; 0 = all the master gives */
    const char *state;     /* COMMANDS: in this state only; NULL = all */
    const char *type;      /* COMMANDS: of this type only; NULL = all */
    const char *client_id; /* SHOW: 32 hex digits; NULL = this client's */
    uint64_t seq;          /* SHOW */
};

struct ms_client_cell {
    const char *name; /* of the column */
    bool is_number;
    uint64_t number;
    const char *text; /* NULL when it is a number */
};

/* A part of the answer: cells row after row. */
struct ms_client_report {
    size_t size;
    int error;
    uint32_t columns;
    uint32_t rows;
    const struct ms_client_cell *cells; /* columns * rows of them */
    bool is_reset;                      /* forget the rows so far, the answer begins anew */
    bool is_last;
};

typedef void (*ms_client_report_fn)(struct ms_client *client, const struct ms_client_report *report,
                                    void *context);

/* on_report is called until is_last. BUSY: 64 questions are under way already. */
int ms_client_ask(struct ms_client *client, const struct ms_client_query *query,
                  ms_client_report_fn on_report, void *context);

#ifdef __cplusplus
}
#endif

#endif
