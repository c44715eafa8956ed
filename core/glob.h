/* Patterns of names: * stands for any bytes, also none; \ makes the next byte an ordinary one. */
#ifndef CORE_GLOB_H
#define CORE_GLOB_H

#include <stdbool.h>

#include "core/types.h"

/* Whether the whole text is as the pattern says, which ends before end. */
bool ms_glob(const char *pattern, const char *end, struct ms_bytes text);

#endif
