/* Other programs that are started: those that lie beside this one, and a user's. */
#ifndef CORE_IO_CHILD_H
#define CORE_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MS_CHILD_PATH_SIZE 4096

/* The path of a sibling of this program, in its directory, or the bin or sbin beside it. False: there is none. */
bool ms_child_find(const char *name, char path_out[MS_CHILD_PATH_SIZE]);

enum ms_child_kind {
    MS_CHILD_OWN,  /* part of us: in a process group of its own, told to end when we die */
    MS_CHILD_USERS /* a user's: in our process group, with the terminal; found by PATH */
};

/* Starts argv[0] (a path, or for a user's what PATH finds); argv ends with NULL. -1 with errno, also when it cannot be
 * executed. */
pid_t ms_child_start(char *const *argv, enum ms_child_kind kind);

/* "exit status 1", "signal 9 (KILL)". */
void ms_child_describe(int status, char *text_out, size_t size);

#endif
