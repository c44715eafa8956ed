/* Prints what a question to the master brings, as it comes: columns for people, or JSON. */
#ifndef CLIENT_CLI_TABLE_H
#define CLIENT_CLI_TABLE_H

#include "client/cli.h"
#include "client/ms_query.h"

struct ms_cli_table {
    bool is_json;
    bool is_record; /* one row, printed as name and value lines, or one JSON object */
    bool no_headers;
};

/* Connects, asks, prints, says goodbye. Returns the exit code; mistakes are explained. */
int ms_cli_ask(const struct ms_cli *cli, const struct ms_cli_common *common,
               const struct ms_client_query *query, const struct ms_cli_table *table);

#endif
