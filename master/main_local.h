/* Handlers on the master's own machine: a muster-slave that lies beside this program, is started with them, and kept running. It
 * is a slave like others, labelled "local": so what it runs never holds the master up, or takes it down. */
#ifndef MASTER_MAIN_LOCAL_H
#define MASTER_MAIN_LOCAL_H

#include "core/io/minder.h"
#include "core/io/program.h"
#include "master/main_options.h"

#define MS_LOCAL_HANDLERS_MAX 16
#define MS_LOCAL_LABEL        "local"

struct ms_main_local {
    struct ms_minder *minder; /* NULL = there are no such handlers, or it was not started */
};

/* Starts it when the settings name handlers, and it does not run. name: of this master; address: where it serves. False, logged, when there is no muster-slave
 * beside this program. */
bool ms_main_local_start(struct ms_main_local *self, const struct ms_program *program,
                         const struct ms_master_settings *settings, const char *name,
                         const char *address);

void ms_main_local_stop(struct ms_main_local *self);

#endif
