/* Options of a program as one table: parsing, precedence, --help, configuration keys and the page
 * in the manual all come from it. Pure: whoever reads files, environment and arguments calls set. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/text.h"
#include "core/types.h"

/* The kind decides the type of the field at offset. */
enum ms_option_kind {
    MS_OPTION_STRING,   /* const char *; NULL when there is no default; min, max: bytes */
    MS_OPTION_BOOL,     /* bool */
    MS_OPTION_U64,      /* uint64_t */
    MS_OPTION_SIZE,     /* uint64_t bytes; text 64KiB, 1MiB, 512B; 0 needs no unit */
    MS_OPTION_DURATION, /* ms_time; text 500ms 2s 5m 1h; 0 needs no unit; min, max: microseconds */
    MS_OPTION_ENUM,     /* uint32_t, index into choices */
    MS_OPTION_LIST,     /* struct ms_option_list; min, max: items; each set adds one */
    MS_OPTION_KINDS,
};

struct ms_option_list {
    const char **items;
    size_t count;
};

#define MS_OPTION_LIST_MAX   1024 /* items of a list when the row says max 0 */
#define MS_OPTION_STRING_MAX 4096 /* bytes of a string when the row says max 0 */
#define MS_OPTIONS_MAX       256  /* rows of a table */

struct ms_option {
    const char *name;   /* of the flag, without dashes: "max-payload" */
    char short_name;    /* 'm' or 0 */
    bool is_required;   /* must be set by somebody; has no default */
    bool is_reloadable; /* a running program takes a new value over; for the manual */
    enum ms_option_kind kind;
    const char *argument;       /* what --help calls the value: "HOST:PORT"; NULL = by kind */
    const char *const *choices; /* ENUM: names, ended by NULL */
    uint64_t min;               /* see the kind */
    uint64_t max;               /* 0 = no limit of its own */
    const char *default_text;   /* parsed like any value; NULL = zero, NULL, empty */
    const char *env;            /* variable, or NULL */
    const char *key;            /* key in the configuration file, or NULL */
    const char *group; /* heading in --help and the manual; NULL = that of the row before */
    const char *help;  /* a sentence without full stop */
    size_t offset;     /* of the field in the target struct */
    /* STRING, each item of a LIST: what the kind cannot say. False with what is wrong and what would be right,
     * without a name: that comes before it. NULL = nothing more is asked. */
    bool (*check)(const char *text, struct ms_complaint *complaint);
};

/* Who said it; a later one wins over an earlier one. */
enum ms_option_level {
    MS_OPTION_UNSET,
    MS_OPTION_DEFAULT,
    MS_OPTION_FILE,
    MS_OPTION_ENV,
    MS_OPTION_FLAG,
};

/* Where a value came from. place begins the complaint ("muster.conf:12"), NULL = the flag's or
 * variable's own name; borrowed for the call. */
struct ms_option_source {
    enum ms_option_level level;
    const char *place;
};

struct ms_options_text;
struct ms_sections;

/* A table bound to a target. It owns every string the target points to, and the sections. */
struct ms_options {
    const struct ms_option *table;
    size_t count;
    void *target;
    struct ms_sections
        *sections; /* of the configuration file (core/sections.h); NULL = it has none */
    struct ms_options_text *texts;
    uint8_t levels[MS_OPTIONS_MAX]; /* enum ms_option_level of each row */
};

/* Checks the table itself: names, shorts, keys, variables twice or malformed, a default that does
 * not parse, missing help or choices. For tests; false with the complaint. */
bool ms_options_lint(const struct ms_option *table, size_t count, struct ms_complaint *complaint);

/* Fills the target with the defaults. table and target are borrowed until finish. False when memory
 * is out; a default that does not parse is a programmer error. */
bool ms_options_init(struct ms_options *options, const struct ms_option *table, size_t count,
                     void *target);

/* Frees the strings of the target. Accepts NULL and zeroed options. */
void ms_options_finish(struct ms_options *options);

/* The row, or NULL. Names and keys are case-sensitive; '_' in a key equals '-'. */
const struct ms_option *ms_options_find(const struct ms_options *options, const char *name);
const struct ms_option *ms_options_find_short(const struct ms_options *options, char short_name);
const struct ms_option *ms_options_find_key(const struct ms_options *options, const char *key);
const struct ms_option *ms_options_find_env(const struct ms_options *options, const char *env);

/* Parses text and stores it unless somebody of a higher level spoke before; a bad text is refused
 * even then. A list is replaced by the first item of a higher level and extended by its own level.
 * A list in a variable or default is separated by commas; elsewhere each set adds one item.
 * text NULL = the flag stood alone (BOOL: true). option must be a row of the table. */
bool ms_options_set(struct ms_options *options, const struct ms_option *option,
                    struct ms_option_source source, const char *text,
                    struct ms_complaint *complaint);

/* Complains about an unknown key or flag and names the nearest known one. Always false. */
bool ms_options_unknown(const struct ms_options *options, struct ms_option_source source,
                        const char *name, struct ms_complaint *complaint);

/* Call at the end: required options that nobody set, lists shorter than min. */
bool ms_options_check(const struct ms_options *options, struct ms_complaint *complaint);

enum ms_option_level ms_options_level(const struct ms_options *options,
                                      const struct ms_option *option);

/* The present value as text that set would accept ("" for none; list items joined by ", "). */
void ms_options_print_value(const struct ms_options *options, const struct ms_option *option,
                            struct ms_text *text);

/* The first of the rows of those names whose value is not its default, whoever has said it. given: table, count, target;
 * defaults: room for a target, of no use afterwards; *option_out: NULL = none. False when memory is out. */
bool ms_options_find_changed(const struct ms_options *given, void *defaults,
                             const char *const names[], size_t count,
                             const struct ms_option **option_out);

/* The option part of --help, of width columns at most (words are never broken). */
void ms_options_print_help(const struct ms_option *table, size_t count, size_t width,
                           struct ms_text *text);

/* Markdown tables, one per group, for the manual. */
void ms_options_print_manual(const struct ms_option *table, size_t count, struct ms_text *text);

/* A configuration file with every key, its help and default commented out. */
void ms_options_print_config(const struct ms_option *table, size_t count, struct ms_text *text);

/* What --help calls the value; "" for a BOOL, which takes none. */
const char *ms_option_argument(const struct ms_option *option);

/* A number of the option's kind: with units for sizes and durations. */
void ms_option_print_number(const struct ms_option *option, uint64_t number, struct ms_text *text);

/* The two texts with units, for use outside tables too (CLI arguments). */
bool ms_parse_duration(const char *text, ms_time *value_out, struct ms_complaint *complaint);
bool ms_parse_size(const char *text, uint64_t *value_out, struct ms_complaint *complaint);
void ms_print_duration(ms_time value, struct ms_text *text);
void ms_print_size(uint64_t value, struct ms_text *text);

#endif
