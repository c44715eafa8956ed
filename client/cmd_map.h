/* Between the files of muster map: cmd_map.c reads the command line, cmd_map_source.c hands out arguments,
 * cmd_map_jobs.c submits and hears, cmd_map_run.c has the loop and its watchers, cmd_map_print.c shows what came back; template, quote, lines, joblog
 * and progress know nothing of each other. */
#ifndef CLIENT_CMD_MAP_H
#define CLIENT_CMD_MAP_H

#include <ev.h>
#include <stdio.h>

#include "client/cli.h"
#include "client/cmd_map_joblog.h"
#include "client/cmd_map_lines.h"
#include "client/cmd_map_progress.h"
#include "client/cmd_map_template.h"
#include "core/list.h"

#define MS_MAPPER_JOBS_MAX   65536u
#define MS_MAPPER_REORDER    4096u /* -k: results that may wait for an older one, beside 4 x jobs */
#define MS_MAPPER_HELD_MAX   (64u << 20) /* output held; beyond, nothing new is started */
#define MS_MAPPER_FAILED_MAX 100         /* exit codes up to this count failures */
#define MS_MAPPER_EXIT_MORE  101         /* more than that failed */
#define MS_MAPPER_EXIT_ERROR 255         /* could not do its work; as GNU parallel has it */

#define MS_MAPPER_NOT_FOUND    127 /* as shells have it */
#define MS_MAPPER_NOT_RUNNABLE 126

enum ms_progress_mode { MS_PROGRESS_NONE, MS_PROGRESS_AUTO, MS_PROGRESS_PLAIN, MS_PROGRESS_MODES };

struct ms_mapper_settings {
    struct ms_cli_common common;
    uint64_t jobs; /* 0 = twice the slots */
    uint64_t retries;
    ms_time timeout;
    const char *joblog, *halt, *results, *arg_file, *workdir;
    uint32_t progress; /* enum ms_progress_mode */
    bool keep_order, tag, resume, resume_failed, dry_run, bar, null, quote, shell;
};

/* When to end early. */
struct ms_halt {
    enum { MS_HALT_NEVER, MS_HALT_SOON, MS_HALT_NOW } when;
    enum { MS_HALT_FAIL, MS_HALT_SUCCESS, MS_HALT_DONE } why;
    uint64_t count;
};

/* "never", "now,fail=1", "soon,done=3"; false with the complaint. */
bool ms_halt_parse(const char *text, struct ms_halt *halt_out, struct ms_complaint *complaint);

/* ---- arguments ---- */

enum ms_source_status { MS_SOURCE_ARGUMENT, MS_SOURCE_WAIT, MS_SOURCE_END, MS_SOURCE_ERROR };

/* Arguments of the command line, or lines of a file; those in skip are passed over. */
struct ms_source {
    char **list; /* NULL: lines of fd count */
    size_t list_count;
    int fd;
    const char *name;
    bool is_regular; /* a read does not wait */
    struct ms_lines lines;
    uint64_t seq; /* of the last one, skipped ones included */
    uint64_t skipped;
    uint64_t counted; /* lines of a regular file, counted beforehand; 0 = not counted */
    struct ms_joblog_set skip;
};

/* Opens the file; false, explained, when it cannot. path NULL = list; "-" = standard input. */
bool ms_source_open(struct ms_source *source, const struct ms_cli *cli, const char *path,
                    bool is_counted);
void ms_source_close(struct ms_source *source);

/* The next argument, valid until the next call, and its number. WAIT: read first. ERROR is explained. */
enum ms_source_status ms_source_next(struct ms_source *source, const struct ms_cli *cli,
                                     const char **argument_out, uint64_t *seq_out);

/* Reads once; may wait. False, explained, when reading failed. */
bool ms_source_read(struct ms_source *source, const struct ms_cli *cli);

/* How many commands there are in all in this run; 0 while that is unknown. */
uint64_t ms_source_total(const struct ms_source *source);

/* ---- jobs ---- */

struct ms_mapper;

struct ms_mapper_job {
    struct ms_list link; /* running, or free */
    struct ms_mapper *mapper;
    uint64_t seq;        /* number of the argument */
    uint64_t order;      /* among those of this run; decides with -k */
    uint64_t client_seq; /* of the client library */
    uint64_t sent;
    struct ms_cli_bytes argument; /* ended by a zero */
    struct ms_cli_bytes out, err;
    bool is_done, is_lost; /* lost: cancelled by us, as if it had never been */
    /* how it came out */
    int error, status, exitval;
    unsigned signal, attempt;
    uint64_t wall_us, user_us, system_us, rss_kib;
    int64_t start_ms;
    char detail[MS_DETAIL_MAX + 1];
};

struct ms_mapper {
    const struct ms_cli *cli;
    const struct ms_mapper_settings *settings;
    struct ms_template *template;
    struct ms_source source;
    struct ms_halt halt;
    struct ms_client *client;
    struct ev_loop *loop;
    /* jobs */
    struct ms_list running, unused;
    struct ms_mapper_job *pending; /* did not fit into the client's window */
    struct ms_mapper_job **ring;   /* -k: at order & ring_mask */
    uint64_t ring_mask, order_next, order_printed;
    uint32_t running_count, limit;
    size_t held; /* bytes of output */
    struct ms_expansion expansion;
    struct ms_cli_bytes request, text; /* scratch */
    char *directory;
    /* how it goes */
    struct ms_progress progress;
    ms_time begun;
    uint64_t succeeded;
    unsigned interrupts;
    bool is_input_over, is_stopping, is_cancelling, is_fatal, is_ended, is_asking, is_told_idle;
    bool is_told_away; /* since the last connection */
    bool has_slots;
    /* watchers */
    ev_io input;
    ev_prepare before_sleep;
    ev_timer tick, redraw;
    ev_signal signals[2];
    /* output */
    FILE *joblog;
    bool has_bar, has_plain, is_bar_drawn, is_stdout_dirty;
    bool is_terminal; /* standard output */
};

/* Starts what may be started; ends the run when nothing is left to do. */
void ms_mapper_fill(struct ms_mapper *mapper);

/* Starts nothing more; what runs goes on. */
void ms_mapper_stop(struct ms_mapper *mapper);

/* Starts nothing more and cancels what runs; it then counts as never begun. */
void ms_mapper_cancel(struct ms_mapper *mapper);

/* Leaves the loop: at once, or if nothing is under way and nothing is to come. */
void ms_mapper_end(struct ms_mapper *mapper);
void ms_mapper_end_if_done(struct ms_mapper *mapper);

/* Frees all jobs; call once the client is gone. */
void ms_mapper_free_jobs(struct ms_mapper *mapper);

/* Runs everything; returns the exit code. */
int ms_mapper_run(struct ms_mapper *mapper);

/* Prints what would be run. */
int ms_mapper_dry_run(struct ms_mapper *mapper);

/* Reads what an earlier run finished into source.skip and opens the joblog; explained when false. */
bool ms_mapper_open_joblog(struct ms_mapper *mapper);

/* Says something on stderr without hurting the bar. */
void ms_mapper_say(struct ms_mapper *mapper, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Everything is lost: explained before; stops, and ends with MS_MAPPER_EXIT_ERROR. */
void ms_mapper_fail(struct ms_mapper *mapper);

/* A job that has ended, in the order in which jobs end: joblog and results. */
void ms_mapper_record(struct ms_mapper *mapper, const struct ms_mapper_job *job);

/* In the order in which output is wanted: output, or JSON. */
void ms_mapper_print(struct ms_mapper *mapper, const struct ms_mapper_job *job);

/* Of a dry run: the command in mapper->text, or JSON with its number and argument. */
void ms_mapper_print_planned(struct ms_mapper *mapper, uint64_t seq, const char *argument);

void ms_mapper_draw(struct ms_mapper *mapper);  /* the bar, or a line */
void ms_mapper_flush(struct ms_mapper *mapper); /* what was printed */
void ms_mapper_sum_up(struct ms_mapper *mapper);

#endif
