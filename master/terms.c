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

static enum ms_error examine_times(const struct ms_terms *terms, int64_t wall,
                                   struct ms_complaint *complaint)
{
    ms_assert(MS_DELAY_MAX < MS_DURATION_MAX);
    if (terms->run_at < 0 || terms->run_at > MS_DURATION_MAX ||
        terms->run_at - wall > MS_DELAY_MAX) {
        ms_complain(complaint,
                    "run_at is %lld us since 1970, at most %lld days from now are allowed",
                    (long long)terms->run_at, DAYS(MS_DELAY_MAX));
    } else if (terms->deadline < 0 || terms->deadline > MS_DURATION_MAX) {
        ms_complain(complaint, "deadline is %lld us since 1970, it may be 0 (none) to %lld",
                    (long long)terms->deadline, (long long)MS_DURATION_MAX);
    } else {
        return MS_E_OK;
    }
    return MS_E_BAD_ARGUMENT;
}

static enum ms_error examine_key(const struct ms_terms *terms, struct ms_complaint *complaint)
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

enum ms_error ms_terms_examine(const struct ms_command *submit, int64_t wall,
                               struct ms_complaint *complaint)
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
    error = examine_times(terms, wall, complaint);
    return error != MS_E_OK ? error : examine_key(terms, complaint);
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
