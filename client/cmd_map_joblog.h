/* The joblog of muster map, in GNU parallel's columns: a header, then a line for each command that came
 * to its end, whatever end. A command that was never finished (interrupted, cancelled by us) has none. */
#ifndef CLIENT_CMD_MAP_JOBLOG_H
#define CLIENT_CMD_MAP_JOBLOG_H

#include "client/cli_bytes.h"

#define MS_JOBLOG_HEADER                                                                           \
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

struct ms_joblog_row {
    uint64_t seq;
    const char *host;
    int64_t start_ms; /* since 1970 */
    uint64_t runtime_ms;
    uint64_t sent, received; /* bytes */
    int exitval;             /* -1: it did not end by itself */
    unsigned signal;
    const char *command; /* size command_size; its newlines are written as \n */
    size_t command_size;
};

/* Appends the line; false when memory is out. */
bool ms_joblog_print(const struct ms_joblog_row *row, struct ms_cli_bytes *bytes);

/* Reads seq, exitval and signal of one line without its newline. False when it is none. */
bool ms_joblog_parse(const char *line, struct ms_joblog_row *row_out);

/* Numbers of commands that need not run (again): one bit each. Zeroed is empty. */
#define MS_JOBLOG_SEQ_MAX ((uint64_t)1 << 32)

struct ms_joblog_set {
    uint64_t *words;
    size_t count;
};

/* seq < MS_JOBLOG_SEQ_MAX. False when memory is out. */
bool ms_joblog_mark(struct ms_joblog_set *set, uint64_t seq, bool is_in);
bool ms_joblog_has(const struct ms_joblog_set *set, uint64_t seq);
void ms_joblog_free(struct ms_joblog_set *set);

#endif
