#include "master/terms.h"

#include "core/invariant.h"

#define DAYS(duration) ((long long)((duration) / (24 * 3600 * MS_SEC)))

static enum ms_error examine_numbers(const struct ms_command *submit,
                                     struct ms_complaint *complaint)
{
    const bool is_once = (submit->flags & MS_FLAG_ONCE) != 0;

    if (submit->attempts_max > MS_ATTEMPTS_MAX) {
        ms_complain(complaint, "%u attempts, at most %d are allowed", submit->attempts_max,
                    MS_ATTEMPTS_MAX);
    } else if (is_once && submit->attempts_max > 1) {
        ms_complain(complaint, "%u attempts, but what may be started only once has 1",
                    submit->attempts_max);
    } else if (submit->timeout < 0 || submit->timeout > MS_DELAY_MAX) {
        ms_complain(complaint, "timeout of %lld us, at most %lld days are allowed",
                    (long long)submit->timeout, DAYS(MS_DELAY_MAX));
    } else if (submit->delay < 0 || submit->delay > MS_DELAY_MAX) {
        ms_complain(complaint, "delay of %lld us, at most %lld days are allowed",
                    (long long)submit->delay, DAYS(MS_DELAY_MAX));
    } else {
        return MS_E_OK;
    }
    return MS_E_BAD_ARGUMENT;
}

/* How far they lie from now is nobody's business: a clock may be set. */
static bool is_time(int64_t wall, const char *name, struct ms_complaint *complaint)
{
    ms_assert(name != NULL);
    if (wall >= 0 && wall <= MS_DURATION_MAX) {
        return true;
    }
    ms_complain(complaint, "%s is %lld us since 1970, it may be 0 (none) to %lld", name,
                (long long)wall, (long long)MS_DURATION_MAX);
    return false;
}

static enum ms_error examine_unique(const struct ms_terms *terms, struct ms_complaint *complaint)
{
    if (terms->unique_mode >= MS_UNIQUE_COUNT) {
        ms_complain(complaint,
                    "unique_mode is %u, it may be 0 (none), 1 (join), 2 (reject), "
                    "3 (replace)",
                    terms->unique_mode);
    } else if ((terms->unique_mode == MS_UNIQUE_NONE) != (terms->unique.size == 0)) {
        ms_complain(complaint, terms->unique.size == 0
                                   ? "unique_mode is set, and unique, the key, is empty"
                                   : "unique, the key, is set, and unique_mode is 0: it may be 1 "
                                     "(join), 2 (reject), 3 (replace)");
    } else if (terms->unique.size > MS_UNIQUE_KEY_MAX) {
        ms_complain(complaint, "unique has %zu bytes, at most %d are allowed", terms->unique.size,
                    MS_UNIQUE_KEY_MAX);
    } else if (terms->unique.size > 0 && terms->array_count > 0) {
        ms_complain(complaint, "unique is set, and array_count: members of an array have no key");
    } else {
        return MS_E_OK;
    }
    return MS_E_BAD_ARGUMENT;
}

static enum ms_error examine_array(const struct ms_command *submit, struct ms_complaint *complaint)
{
    const struct ms_terms *terms = submit->terms;

    if (terms->array_count > MS_ARRAY_MAX) {
        ms_complain(complaint, "an array of %u commands, at most %u are allowed",
                    terms->array_count, MS_ARRAY_MAX);
    } else if (terms->array_concurrency > 0 && terms->array_count == 0) {
        ms_complain(complaint, "array_concurrency is set, and array_count is 0");
    } else if (terms->array_count > 0 && (submit->flags & MS_FLAG_PARTS) != 0) {
        ms_complain(complaint, "array_count is set, and the payload comes in parts: that of an "
                               "array comes in one");
    } else {
        return MS_E_OK;
    }
    return MS_E_BAD_ARGUMENT;
}

static enum ms_error examine_on(const struct ms_terms *terms, struct ms_complaint *complaint)
{
    if (terms->on == 0 && terms->where.size > 0) {
        ms_complain(complaint,
                    "where is set, and on is 0: only a broadcast has a filter of slaves");
    } else if (terms->on > 0 && terms->array_count == 0) {
        ms_complain(complaint, "on is set, and array_count, the room for its slaves, is 0");
    } else if (terms->on > 0 && terms->array_count > MS_TARGETS_MAX) {
        ms_complain(complaint, "a broadcast to %u slaves, at most %u are allowed",
                    terms->array_count, MS_TARGETS_MAX);
    } else if (terms->on > 0 && terms->on != MS_ON_ALL && terms->on != terms->array_count) {
        ms_complain(complaint, "on is %u slaves, and array_count is %u: they are the same",
                    terms->on, terms->array_count);
    } else if (terms->where.size > MS_WHERE_MAX || terms->targets.size > 0) {
        ms_complain(complaint, "where has %zu bytes, at most %d are allowed", terms->where.size,
                    MS_WHERE_MAX);
    } else {
        return MS_E_OK;
    }
    return MS_E_BAD_ARGUMENT;
}

enum ms_error ms_terms_examine(const struct ms_command *submit, struct ms_complaint *complaint)
{
    const struct ms_terms *terms = submit->terms;
    enum ms_error error = examine_numbers(submit, complaint);

    ms_assert(submit->kind == MS_KIND_SUBMIT);
    if (error != MS_E_OK || terms == NULL) {
        return error;
    }
    if (terms->priority < MS_PRIORITY_MIN || terms->priority > MS_PRIORITY_MAX) {
        ms_complain(complaint, "priority is %d, it may be %d to %d", terms->priority,
                    MS_PRIORITY_MIN, MS_PRIORITY_MAX);
        return MS_E_BAD_ARGUMENT;
    }
    if (!is_time(terms->run_at, "run_at", complaint) ||
        !is_time(terms->deadline, "deadline", complaint)) {
        return MS_E_BAD_ARGUMENT;
    }
    if (terms->key.size > MS_KEY_MAX) {
        ms_complain(complaint, "key has %zu bytes, at most %d are allowed", terms->key.size,
                    MS_KEY_MAX);
        return MS_E_BAD_ARGUMENT;
    }
    error = examine_array(submit, complaint);
    if (error == MS_E_OK) {
        error = examine_on(terms, complaint);
    }
    return error == MS_E_OK ? examine_unique(terms, complaint) : error;
}

int64_t ms_terms_start(const struct ms_command *submit, int64_t wall)
{
    const int64_t run_at = submit->terms != NULL ? submit->terms->run_at : 0;
    const int64_t delayed = submit->delay > 0 ? wall + submit->delay : 0;

    ms_assert(submit->delay >= 0 && run_at >= 0);
    return run_at > delayed ? run_at : delayed;
}

uint32_t ms_terms_attempts(const struct ms_command *submit)
{
    ms_assert(submit->kind == MS_KIND_SUBMIT);
    return (submit->flags & MS_FLAG_ONCE) != 0 ? 1 : submit->attempts_max;
}
