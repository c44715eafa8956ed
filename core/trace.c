#include "core/trace.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/invariant.h"

void ms_trace(const struct ms_trace *trace, enum ms_level level, const char *message,
              const char *fields, ...)
{
    char line[MS_TRACE_LINE_MAX];
    va_list arguments;

    ms_assert(message != NULL && fields != NULL);
    if (trace->sink == NULL || level > trace->level) {
        return;
    }
    va_start(arguments, fields);
    vsnprintf(line, sizeof line, fields, arguments);
    va_end(arguments);
    trace->sink(trace->context, level, message, line);
}
