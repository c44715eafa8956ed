/* Prints what a question to the master brings, as it comes: columns for people, or JSON. */
#ifndef CLIENT_CLI_TABLE_H
#define CLIENT_CLI_TABLE_H

#include <jansson.h>

#include "client/cli.h"
#include "client/ms_query.h"

#define MS_EX_FAULT 1 /* the answer is that it was not done */

struct ms_cli_table {
    bool is_json;
    bool
        is_record; /* one row, printed as name and value lines, or one JSON object; further parts of another
                     * shape are a table below, or an array in the object, called by rest */
    const char *rest;
    bool no_headers;
    const char *
        fault; /* a column of numbers: where one is not 0, the exit code is MS_EX_FAULT; NULL = none */
    const char *last;   /* of a table: the column behind which none is printed; NULL = all are */
    const char *called; /* how its user has named the one command; NULL = by its id */
};

/* A question whose answer is not just printed. */
struct ms_cli_question {
    struct ms_client_query query;
    /* Parts of an answer that is well; after the last one, or when it sets is_done, the question is over. */
    void (*on_report)(struct ms_cli_question *question, const struct ms_client_report *report);
    void (*on_output)(struct ms_cli_question *question, const struct ms_client_output *output);
    const char *called; /* as of ms_cli_table */
    bool is_done;
    int error; /* MS_CLIENT_ */
};

/* Connects, asks, says goodbye: EX_OK when the question is over, else the exit code of what went wrong, which
 * was explained. question is embedded in what the callbacks need. */
int ms_cli_put_question(const struct ms_cli *cli, const struct ms_cli_common *common,
                        struct ms_cli_question *question);

/* One JSON object of a row; the caller frees it. */
json_t *ms_cli_row_to_json(const struct ms_client_report *report, uint32_t row);

/* A report that is at hand, printed as the answer to a question is. */
void ms_cli_print_report(const struct ms_cli *cli, const struct ms_client_report *report,
                         const struct ms_cli_table *table);

/* Cells of a row; "" and 0 when there is no such column of that kind. */
const char *ms_cli_text_of(const struct ms_client_report *report, uint32_t row, const char *column);
uint64_t ms_cli_number_of(const struct ms_client_report *report, uint32_t row, const char *column);

/* Prints text to standard output; control characters become '?'. */
void ms_cli_print_clean(const char *text);

/* A command, as its submitter was told its id. */
struct ms_cli_id {
    const char *text;
    char client[MS_CLI_CLIENT_SIZE];
    uint64_t seq;
};

/* The whole of a subcommand that asks about one id, its first argument: reads the options into settings, calls act
 * with the id, and finishes the output. Returns the exit code, which is act's when nothing else goes wrong. */
int ms_cli_run_on_id(const struct ms_cli *cli, int argc, char **argv, void *settings,
                     int (*act)(void *settings, const struct ms_cli_id *id));

/* Connects, asks, prints, says goodbye. Returns the exit code; mistakes are explained. */
int ms_cli_ask(const struct ms_cli *cli, const struct ms_cli_common *common,
               const struct ms_client_query *query, const struct ms_cli_table *table);

/* The end of a subcommand that only asks: as ms_cli_ask, and finishes options and output. */
int ms_cli_ask_and_finish(const struct ms_cli *cli, struct ms_options *options,
                          const struct ms_cli_common *common, const struct ms_client_query *query,
                          const struct ms_cli_table *table);

/* What subcommands that list something have in common. */
struct ms_cli_listing {
    bool no_headers;
    uint64_t limit; /* rows at most; 0 = all */
};

/* Its options, as rows of a table; limit_default is a text. */
#define MS_CLI_LISTING_OPTIONS(target_type, member, limit_default)                                 \
    {.name = "no-headers",                                                                         \
     .kind = MS_OPTION_BOOL,                                                                       \
     .help = "print no line of column names",                                                      \
     .offset = offsetof(target_type, member.no_headers)},                                          \
    {                                                                                              \
        .name = "limit", .short_name = 'n', .kind = MS_OPTION_U64, .max = UINT32_MAX,              \
        .default_text = limit_default, .help = "print at most so many rows; 0 = all",              \
        .offset = offsetof(target_type, member.limit)                                              \
    }

/* A subcommand that lists something, asks for nothing else, and has columns that are printed only when they are wanted. */
struct ms_cli_long_listing {
    struct ms_cli_common common;
    struct ms_cli_listing listing;
    bool is_long;
};

/* Its whole table of options. */
#define MS_CLI_LONG_LISTING_OPTIONS                                                                \
    MS_CLI_COMMON_OPTIONS(struct ms_cli_long_listing, common),                                     \
        {.name = "long",                                                                           \
         .short_name = 'l',                                                                        \
         .kind = MS_OPTION_BOOL,                                                                   \
         .help = "print all columns",                                                              \
         .offset = offsetof(struct ms_cli_long_listing, is_long)},                                 \
        MS_CLI_LISTING_OPTIONS(struct ms_cli_long_listing, listing, "0")

/* All of it. what: enum ms_client_question; last: as of ms_cli_table, unless it is long. */
int ms_cli_run_long_listing(const struct ms_cli *cli, int argc, char **argv, int what,
                            const char *last);

#endif
