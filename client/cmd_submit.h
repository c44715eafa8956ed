/* muster submit: what its options say. */
#ifndef CLIENT_CMD_SUBMIT_H
#define CLIENT_CMD_SUBMIT_H

#include "client/cli.h"
#include "client/cli_bytes.h"
#include "core/verdict.h"

struct ms_submit_settings {
    struct ms_cli_common common;
    const char *payload, *in, *out, *id;
    bool is_waiting, is_background, has_progress, is_once, is_kept;
    uint64_t attempts, array_count, array_concurrency;
    ms_time timeout, delay;
    const char *at, *deadline, *priority, *unique, *group, *key;
    const char *on, *where; /* of a broadcast; NULL = it is none */
    uint32_t must;          /* enum ms_must */
    uint32_t unique_mode;   /* enum ms_client_unique */
    uint32_t durability;    /* enum ms_client_durability */
};

extern const struct ms_cli ms_submit_cli;

/* What the options ask for, but for type, payload and callbacks; now_us is the wall clock's. False with a
 * complaint. */
bool ms_submit_read(const struct ms_submit_settings *settings, int64_t now_us,
                    struct ms_client_submission *submission_out, struct ms_complaint *complaint);

/* The id that was asked for: CLIENT:SEQ, or a text that stands for a client of its own. */
void ms_submit_id(const struct ms_submit_settings *settings, char client_out[MS_CLI_ID_SIZE],
                  uint64_t *seq_out);

/* Slaves of a broadcast whose outcomes are in. */
struct ms_submit_tally {
    uint32_t slaves, succeeded;
};

/* How a broadcast came out on one slave; and what the outcomes of all mean, which returns the exit code. */
void ms_submit_print_each(const struct ms_submit_settings *settings, const char *id,
                          const struct ms_client_result *result, const struct ms_cli_bytes *output);
int ms_submit_judge(const struct ms_submit_settings *settings, const struct ms_submit_tally *tally);

#endif
