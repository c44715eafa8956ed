/* Providers as the master sees them: each is a client of the master's own, whose commands are numbered as they are made. So that a
 * number is submitted, and that it is over, is kept as of any client, and a number that is made again is known. Beside that one
 * record of each, PROVIDER, has the cursor behind the last number, in the same batch as its SUBMIT; and what the provider
 * remembers of outcomes, in the same batch as their ends. */
#ifndef MASTER_SOURCES_H
#define MASTER_SOURCES_H

#include "core/text.h"
#include "master/sources_settings.h"
#include "proto/record.h"

struct ms_client;
struct ms_event;
struct ms_inquiry;
struct ms_master;
struct ms_report_page;
struct ms_work;

enum ms_source_state {
    MS_SOURCE_CLOSED,  /* to be opened when the master is ready */
    MS_SOURCE_IDLE,    /* may be asked for commands */
    MS_SOURCE_ASKED,   /* has been */
    MS_SOURCE_RESTING, /* not before rest_until */
    MS_SOURCE_ENDED,   /* has no more, but still hears outcomes */
    MS_SOURCE_FAILED,  /* neither, until the master is started again */
    MS_SOURCE_STATES
};

const char *ms_source_state_name(enum ms_source_state state); /* "idle"; never NULL */

struct ms_source {
    const struct ms_source_settings *settings;
    struct ms_client *client;
    enum ms_source_state state;
    uint32_t tag;      /* its place among them, from 1 */
    uint32_t openings; /* what comes from an earlier one is not heard */
    ms_seq record;     /* PROVIDER; 0 = none is kept */
    uint64_t number;   /* of the last command that was made */
    uint8_t *cursor;   /* behind it; grows, never shrinks */
    size_t cursor_size, cursor_capacity;
    uint8_t *memo; /* its state; the same */
    size_t memo_size, memo_capacity;
    uint32_t asked;     /* ASKED: commands, and how many of them have not come */
    bool has_refused;   /* ASKED: one of them, so those behind it are not wanted either */
    uint32_t telling;   /* outcomes that it has not answered */
    uint32_t kept;      /* that it lets be kept */
    ms_time rest_until; /* RESTING */
    uint64_t done_total, failed_total; /* outcomes that it was told, since this master began */
    char why[MS_DETAIL_MAX + 1];       /* FAILED */
};

struct ms_sources {
    struct ms_source *items;
    uint32_t count;
};

/* Those of the master's configuration. False when memory is out. */
bool ms_sources_init(struct ms_master *master);
void ms_sources_finish(struct ms_sources *sources);

/* PROVIDER read back; that of one that is not configured stays as it is. False: it cannot be. */
bool ms_sources_replay(struct ms_master *master, const struct ms_record *record, ms_seq seq);

/* Opens what is closed, and asks those for whose commands there is credit and none is ready. */
void ms_sources_run(struct ms_master *master, ms_time now);
ms_time ms_sources_deadline(const struct ms_sources *sources);

/* PRODUCED and TOLD. */
void ms_sources_hear(struct ms_master *master, ms_time now, const struct ms_event *event);

/* Answers may have been lost: all are opened again. */
void ms_sources_reopen(struct ms_master *master);

/* It may be told another outcome. */
bool ms_source_may_hear(const struct ms_source *source);

/* TELL: a piece of output (STREAM), or the outcome that comes behind all of them. */
void ms_sources_tell(struct ms_master *master, struct ms_source *source,
                     const struct ms_command *command);

/* A row for each. */
void ms_sources_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page);

#endif
