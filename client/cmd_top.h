/* What a frame of muster top is made of, apart from how it gets to the screen. */
#ifndef CLIENT_CMD_TOP_H
#define CLIENT_CMD_TOP_H

#include "client/ms_query.h"
#include "core/limits.h"
#include "core/text.h"
#include "core/types.h"

#define MS_TOP_SLAVES_MAX 4096 /* kept of one answer, and so sorted; the others are counted */
#define MS_TOP_WORD_MAX   15

/* A row of the table. */
struct ms_top_slave {
    char name[MS_NAME_MAX + 1];
    char group[MS_NAME_MAX + 1];
    char state[MS_TOP_WORD_MAX + 1];
    char intake[MS_TOP_WORD_MAX + 1];
    char cpu[MS_TOP_WORD_MAX + 1];    /* as the master says it; empty = not known */
    char memory[MS_TOP_WORD_MAX + 1]; /* the same */
    char rate[MS_TOP_WORD_MAX + 1];
    uint64_t slots, held;
};

/* Counters of the master. */
struct ms_top_master {
    char name[MS_NAME_MAX + 1];
    char state[MS_TOP_WORD_MAX + 1];
    uint64_t epoch, copies, ready, delayed, leased, buried, slots, slaves, clients;
    uint64_t submitted_total, outcomes_total;
};

struct ms_top {
    struct ms_top_slave *slaves; /* MS_TOP_SLAVES_MAX */
    uint32_t count;              /* of slaves */
    uint32_t more;               /* that were not kept */
    struct ms_top_master master, before;
    ms_time at, before_at; /* when they were told; before_at 0: there was none before */
    const char *trouble;   /* why what is here is old; NULL = it is not */
    const char *pair;      /* a line about both masters; NULL = none */
};

bool ms_top_init(struct ms_top *top); /* false when memory is out */
void ms_top_finish(struct ms_top *top);

/* The answer about slaves begins, or begins anew; a part of it. */
void ms_top_begin_slaves(struct ms_top *top);
void ms_top_add_slaves(struct ms_top *top, const struct ms_client_report *report);

/* The answer about the master. */
void ms_top_take_master(struct ms_top *top, const struct ms_client_report *report, ms_time now);

/* The busiest first: by the share of slots in use, then by commands in hand, then by name. */
void ms_top_sort(struct ms_top *top);

/* At most so many lines, each ended by a newline and no wider than columns characters. Returns how many it wrote. */
uint32_t ms_top_print(const struct ms_top *top, uint32_t lines, uint32_t columns,
                      struct ms_text *out);

#endif
