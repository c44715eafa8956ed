/* Submissions without callbacks: futures, and the one call that submits and waits. Rules as in ms_client.h. */
#ifndef MUSTER_MS_FUTURE_H
#define MUSTER_MS_FUTURE_H

#include "ms_client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ms_future;

/* Submits; NULL on failure, with *error_out (may be NULL) as ms_client_submit returns it. */
struct ms_future *ms_client_future(struct ms_client *client,
                                   const struct ms_client_submission *submission, int *error_out);

/* The future of that submission unless it was freed; NULL when there is none. */
struct ms_future *ms_client_find(const struct ms_client *client, uint64_t seq);

uint64_t ms_future_seq(const struct ms_future *future);
bool ms_future_is_done(const struct ms_future *future);

/* NULL while it is not done; borrowed until the future is freed. */
const struct ms_client_result *ms_future_result(const struct ms_future *future);

/* Runs the loop until it is done. OK: it is; TIMEOUT; BAD_STATE: called from a callback. */
int ms_future_wait(struct ms_future *future, int64_t timeout_ms);

/* Lets go of the future, not of the submission. Accepts NULL. */
void ms_future_free(struct ms_future *future);

/* Submits, waiting for room if need be, and waits for the outcome. The future holds the result; free
 * it. NULL on failure with *error_out (may be NULL). timeout_ms < 0: for ever; TIMEOUT: it was
 * cancelled, as far as that still could be. */
struct ms_future *ms_call(struct ms_client *client, const struct ms_client_submission *submission,
                          int64_t timeout_ms, int *error_out);

#ifdef __cplusplus
}
#endif

#endif
