#include "core/invariant.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void ms_invariant_failed(const char *file, int line, const char *expression)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, expression);
    abort();
}
