/* What a submission asks for, as far as it can be judged without knowing the queue. */
#ifndef MASTER_TERMS_H
#define MASTER_TERMS_H

#include "core/command.h"
#include "core/text.h"

/* OK, or BAD_ARGUMENT with a sentence that names the field and what it may be. */
enum ms_error ms_terms_examine(const struct ms_command *submit, struct ms_complaint *complaint);

/* The wall clock before which it must not be started: the later of its delay and its time; 0 = at once. */
int64_t ms_terms_start(const struct ms_command *submit, int64_t wall);

/* Attempts that it may have; 0 = the usual number. */
uint32_t ms_terms_attempts(const struct ms_command *submit);

#endif
