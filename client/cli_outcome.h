/* How a command came out, as it is printed: by those who waited for it, and by those who ask later. */
#ifndef CLIENT_CLI_OUTCOME_H
#define CLIENT_CLI_OUTCOME_H

#include "client/cli.h"
#include "client/cli_bytes.h"
#include "client/ms_query.h"

#define MS_EX_FAILED    1
#define MS_EX_CANCELLED 2

/* 0 ok, MS_EX_FAILED, MS_EX_CANCELLED, MS_EX_TIMED_OUT. */
int ms_cli_outcome_exit_code(int status);

/* Reads the row of an outcome: status, attempt, code, signal, detail, wall_us ... It borrows from the report.
 * False when there is no row with a status that is known. */
bool ms_cli_outcome_of_report(const struct ms_client_report *report,
                              struct ms_client_result *result_out);

/* One JSON object on a line. out_path: where the output is, NULL = it is in the object. */
void ms_cli_outcome_print_json(const char *id, const struct ms_client_result *result,
                               const struct ms_cli_bytes *output, const char *out_path);

/* Writes the output to fd, whose file path names, in place of what is there; fd < 0: to standard output. False
 * after the mistake was explained. */
bool ms_cli_outcome_write(const struct ms_cli *cli, const struct ms_cli_bytes *output, int fd,
                          const char *path);

/* Says on standard error why it is not ok. */
void ms_cli_outcome_say(const struct ms_cli *cli, const struct ms_client_result *result);

#endif
