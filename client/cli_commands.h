/* The subcommands of muster: each is one const struct in its own file, and one line here and in main.c. */
#ifndef CLIENT_CLI_COMMANDS_H
#define CLIENT_CLI_COMMANDS_H

#include "client/cli.h"

extern const struct ms_cli_command ms_cmd_submit;
extern const struct ms_cli_command ms_cmd_status;
extern const struct ms_cli_command ms_cmd_slaves;
extern const struct ms_cli_command ms_cmd_routes;
extern const struct ms_cli_command ms_cmd_dry_run;
extern const struct ms_cli_command ms_cmd_providers;
extern const struct ms_cli_command ms_cmd_slave;
extern const struct ms_cli_command ms_cmd_services;
extern const struct ms_cli_command ms_cmd_call;
extern const struct ms_cli_command ms_cmd_top;
extern const struct ms_cli_command ms_cmd_commands;
extern const struct ms_cli_command ms_cmd_show;
extern const struct ms_cli_command ms_cmd_why;
extern const struct ms_cli_command ms_cmd_tail;
extern const struct ms_cli_command ms_cmd_result;
extern const struct ms_cli_command ms_cmd_group;
extern const struct ms_cli_command ms_cmd_wait;
extern const struct ms_cli_command ms_cmd_cancel;
extern const struct ms_cli_command ms_cmd_kick;
extern const struct ms_cli_command ms_cmd_release;
extern const struct ms_cli_command ms_cmd_reprioritise;
extern const struct ms_cli_command ms_cmd_concurrency;
extern const struct ms_cli_command ms_cmd_check;
extern const struct ms_cli_command ms_cmd_export;
extern const struct ms_cli_command ms_cmd_import;
extern const struct ms_cli_command ms_cmd_bench;
extern const struct ms_cli_command ms_cmd_map;
extern const struct ms_cli_command ms_cmd_pair;
extern const struct ms_cli_command ms_cmd_is_active;
extern const struct ms_cli_command ms_cmd_switchover;
extern const struct ms_cli_command ms_cmd_promote;
extern const struct ms_cli_command ms_cmd_hold;
extern const struct ms_cli_command ms_cmd_unhold;
extern const struct ms_cli_command ms_cmd_dev;
extern const struct ms_cli_command ms_cmd_new;

#endif
