/* The command line of a program: one option table gives parsing, --help and precedence
 * (built-in < file < environment < flag). */
#ifndef CORE_IO_CLI_H
#define CORE_IO_CLI_H

#include "core/sections.h"

/* Every program has --help, --version and --manual (what --help says, as Markdown for docs/). One with
 * a config_option also has --check (read all, say whether it is right and what its sections say, end) and --dump-config (print
 * the values in force, end). */
struct ms_cli {
    const char *program;   /* "muster-master", or "muster submit" */
    const char *arguments; /* for the usage line: "[URL]"; may be NULL */
    const char *summary;   /* a sentence or two, printed by --help */
    const char *epilogue;  /* examples and the like, printed by --help; may be NULL */
    const struct ms_option *table;
    size_t count;
    const char *config_option; /* name of the STRING option that names a file; NULL = no file */
    int arguments_min;
    int arguments_max; /* -1 = any number */
    /* What the table cannot say: values that do not go together. May be NULL. */
    bool (*check)(const void *target, struct ms_complaint *complaint);
    /* Sections that the file may have, ended by NULL; they come to options->sections. NULL = none. */
    const struct ms_section_kind *const *sections;
    bool is_ordered; /* options end at the first argument (subcommands, map) */
};

/* What the caller does next. */
struct ms_cli_result {
    bool is_done;    /* end now with exit_code: help was printed, or a mistake was explained */
    int exit_code;   /* 0, EX_USAGE (64): wrong flags, or EX_CONFIG (78) */
    int argument_at; /* the arguments stand in argv[argument_at .. argc); "--" is skipped */
};

/* Parses argv[1 ..] (getopt_long: it is permuted unless is_ordered), then the file, then the
 * environment into options, which this initialises with target; the caller finishes them unless
 * is_done, when they are finished already. Help goes to stdout, mistakes to stderr. */
struct ms_cli_result ms_cli_parse(const struct ms_cli *cli, int argc, char **argv, void *target,
                                  struct ms_options *options);

/* "muster-master: TEXT" and the way to --help on stderr; returns EX_USAGE for the caller to exit
 * with. For mistakes that only the program can see. */
int ms_cli_usage_error(const struct ms_cli *cli, const char *text);

/* Reads file and environment again into fresh options for the same table (flags as in argv), for
 * SIGHUP. False with the complaint; then options are finished. */
bool ms_cli_reload(const struct ms_cli *cli, char **argv, void *target, struct ms_options *options,
                   struct ms_complaint *complaint);

#endif
