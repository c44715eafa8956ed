/* Options of muster-slave. */
#ifndef SLAVE_MAIN_OPTIONS_H
#define SLAVE_MAIN_OPTIONS_H

#include "core/io/cli.h"
#include "core/io/program.h"
#include "core/limits.h"
#include "core/text.h"

struct slave_options {
    struct ms_program_settings program;
    const char *master;
    const char *name;
    const char *group;
    struct ms_option_list label; /* each WORD[,WORD]... */
    uint64_t weight;
    const char *handlers; /* NULL: not said */
    struct ms_option_list handler;
    bool allow_exec;
    bool isolate;
    uint64_t slots; /* 0: one for each processor */
    uint64_t prefetch;
    uint64_t payload_max;
    uint32_t mode; /* enum ms_credit_mode */
    ms_time drain_timeout;
    ms_time busy_poll;
    const char *state; /* directory; NULL = this slave is no witness */
    bool witness_only;
};

extern const struct ms_cli slave_cli;

/* False with the name of the first that is set, be it to its default, on the command line or in the environment, and means nothing
 * to a slave that is --witness-only. */
bool slave_options_fit(const struct ms_options *options, struct ms_complaint *complaint);

/* The labels one by one; they borrow from text. */
struct slave_labels {
    uint32_t count;
    const char *words[MS_LABELS_MAX];
    char text[MS_LABELS_MAX][MS_NAME_MAX + 1];
};

/* False with a sentence about the first that is none, or is one too many. */
bool slave_labels_read(struct slave_labels *labels_out, const struct ms_option_list *list,
                       struct ms_complaint *complaint);

#endif
