/* One half of a pair as a program has it: its small durable record, and what its engine asks for beside the network. */
#ifndef MASTER_MAIN_PAIR_H
#define MASTER_MAIN_PAIR_H

#include "core/io/hook.h"
#include "core/io/program.h"
#include "core/io/voter_writer.h"
#include "master/main_store.h"
#include "master/news.h"
#include "master/pair.h"

/* Borrowed but for pair. */
struct ms_main_pair {
    struct ms_pair *pair; /* NULL = a master without a peer */
    struct ms_program *program;
    struct ms_main_store *store;
    struct ms_voter_file file; /* its record; the writer's, once there is one */
    struct ms_voter_writer *writer;
    struct ms_hook *hook; /* NULL: nobody is told of changes */
    ev_prepare changes;
    ev_timer tidying; /* of what was set aside */
    const char *data; /* directory */
    ms_time keep_divergent;
    uint64_t dropped_told; /* files that were set aside, and removed to make room */
    struct ms_news news;   /* told to the hook */
    bool is_leaving; /* its record is read, and goes when the epoch above all in it is durable */
    struct ms_council_record left;
};

/* Before anything is made in the data directory: BAD_ARGUMENT where it is that of a half, and this master has no peer, because
 * what it acknowledged, the other half would never know, unless it leaves the pair and has everything; STORE_CORRUPT where it is that of a half whose store is gone. Both are
 * logged. self->program is set. */
enum ms_error ms_main_pair_look(struct ms_main_pair *self,
                                const struct ms_master_settings *settings);

/* Reads the record of the data directory, or makes the first one of a new half, and creates the engine. The store is open, and
 * not read back. What goes wrong is logged. */
enum ms_error ms_main_pair_open(struct ms_main_pair *self,
                                const struct ms_master_settings *settings,
                                const struct ms_master_config *config);

/* The epoch that a master without a peer begins with at least: the wall clock's, or one above all that a half that leaves its pair
 * knows of. The store is open. */
enum ms_error ms_main_pair_first_epoch(struct ms_main_pair *self,
                                       const struct ms_master_settings *settings,
                                       ms_epoch *epoch_out);

/* The epoch is durable: a half that leaves its pair is none any more. What goes wrong is logged. */
enum ms_error ms_main_pair_leave(struct ms_main_pair *self);

/* Carries out an effect; true when it was one of the pair's own. */
bool ms_main_pair_effect(struct ms_main_pair *self, const struct ms_effect *effect);

/* Once a second or so: what its store has to say while this half is passive. */
void ms_main_pair_watch(struct ms_main_pair *self);

/* Logs how it stands. */
void ms_main_pair_dump(const struct ms_main_pair *self);

void ms_main_pair_close(struct ms_main_pair *self);

#endif
