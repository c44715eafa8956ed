/* A child process of this very program: its start, what it prints, its end. */
#ifndef CORE_IO_PROCESS_H
#define CORE_IO_PROCESS_H

#include <sys/types.h>

#include "core/command.h"
#include "core/text.h"

#define MS_PROCESS_LINK_FD  3   /* where the child finds its end of the link */
#define MS_PROCESS_TAIL_MAX 400 /* of what it printed last */

struct ms_process {
    pid_t pid;
    int watch_fd; /* readable when it has ended; -1 = the system has no such thing */
    int error_fd; /* its stdout and stderr, does not block; -1 = closed */
    size_t tail_size;
    char tail[MS_PROCESS_TAIL_MAX];
};

/* Starts the program again with argv, in a session of its own, with a socket as MS_PROCESS_LINK_FD
 * whose other end (it does not block) goes to *link_fd_out. An errno; 0 = ok. */
int ms_process_spawn(struct ms_process *process, char *const *argv, int *link_fd_out);

/* Passes on to our stderr what it printed, and keeps the end of it. False when it has closed both. */
bool ms_process_listen(struct ms_process *process);

/* True when it has ended and was reaped. */
bool ms_process_has_ended(struct ms_process *process);

/* Kills it if it lives, reaps it and returns its status. Not after ms_process_has_ended said so. */
int ms_process_end(struct ms_process *process);

/* Closes the descriptors, after the end. */
void ms_process_close(struct ms_process *process);

/* Fills in code and signal, and adds "signal 6 (SIGABRT): its last words" to text. */
void ms_process_describe(const struct ms_process *process, int status,
                         struct ms_command *result_out, struct ms_text *text);

#endif
