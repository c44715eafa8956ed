/* Between requests.c and requests_terms.c. */
#ifndef CLIENT_REQUESTS_PRIVATE_H
#define CLIENT_REQUESTS_PRIVATE_H

#include "client/requests.h"

/* Bytes of the slab that terms will take; 0 when there are none. */
size_t ms_request_terms_cost(const struct ms_terms *terms);

/* Copies the terms of a SUBMIT for the next seq and, of an array, the payload; no member yet. NULL when
 * memory is short. */
struct ms_request_terms *ms_request_terms_create(struct ms_requests *requests,
                                                 const struct ms_command *submit);

/* Frees terms that have no member. Accepts NULL. */
void ms_request_terms_destroy(struct ms_requests *requests, struct ms_request_terms *terms);

/* A member is closed; the last one frees the terms. Accepts NULL. */
void ms_request_terms_leave(struct ms_requests *requests, struct ms_request_terms *terms);

#endif
