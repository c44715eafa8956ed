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

/* The same for an array: as many futures as it has members, in their order. OK, or nothing was made. */
int ms_client_future_array(struct ms_client *client, const struct ms_client_submission *submission,
                           struct ms_future **futures_out);

/* The future of that submission unless it was freed; NULL when there is none. */
struct ms_future *ms_client_find(const struct ms_client *client, uint64_t seq);

uint64_t ms_future_seq(const struct ms_future *future);
bool ms_future_is_done(const struct ms_future *future);

/* NULL while it is not done; borrowed until the future is freed. */
const struct ms_client_result *ms_future_result(const struct ms_future *future);

/* Runs the loop until it is done. OK: it is; TIMEOUT; BAD_STATE: called from a callback. */
int ms_future_wait(struct ms_future *future, int64_t timeout_ms);

/* Run the loop until all of them are done; until one is: *index_out (may be NULL) is its place. They
 * belong to one client, else BAD_ARGUMENT; any of none is BAD_ARGUMENT, too. */
int ms_future_wait_all(struct ms_future *const *futures, size_t count, int64_t timeout_ms);
int ms_future_wait_any(struct ms_future *const *futures, size_t count, int64_t timeout_ms,
                       size_t *index_out);

/* As completed: waits for the one that ends first, takes it out of the array (the last one moves to its
 * place) and hands it to the caller. Looks at all of them each time: callbacks suit a million better. */
int ms_future_take_done(struct ms_future **futures, size_t *count, int64_t timeout_ms,
                        struct ms_future **future_out);

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
