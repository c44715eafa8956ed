/* Trace points of pure code: text lines into an injected sink. Pure code does not log otherwise. */
#ifndef CORE_TRACE_H
#define CORE_TRACE_H

enum ms_level {
    MS_LEVEL_ERROR,
    MS_LEVEL_WARN,
    MS_LEVEL_INFO,
    MS_LEVEL_DEBUG,
};

#define MS_TRACE_LINE_MAX 512

/* Receives an event in few words ("session dead") and its fields in logfmt ("slave=a held=3").
 * Both are borrowed for the call. Never called when level is above trace->level. */
typedef void (*ms_trace_sink)(void *context, enum ms_level level, const char *message,
                              const char *fields);

/* A zeroed trace drops everything. */
struct ms_trace {
    ms_trace_sink sink;
    void *context;
    enum ms_level level;
};

/* Formats fields (printf style, logfmt, at most MS_TRACE_LINE_MAX bytes, cut beyond) and hands
 * them to the sink. Free when nobody listens at that level. */
void ms_trace(const struct ms_trace *trace, enum ms_level level, const char *message,
              const char *fields, ...) __attribute__((format(printf, 4, 5)));

#endif
