/* sleep: waits as long as the payload says ("250ms", "2s", "5m"; digits alone are seconds), tells how
 * far it is, and ends at once when cancelled. */
#include "handlers/ms_handler.h"

#define STEP_US    INT64_C(500000) /* between two words of progress */
#define LONGEST_US (INT64_C(366) * 86400 * 1000000)

static const struct {
    const char *name;
    int64_t us;
} units[] = {
    {"us", 1},     {"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", INT64_C(3600000000)},
    {"", 1000000},
};

/* Microseconds, or -1 when text is no duration. */
static int64_t parse(const char *text, size_t size)
{
    int64_t number = 0;
    size_t i = 0;

    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' ')) {
        size--;
    }
    for (; i < size && text[i] >= '0' && text[i] <= '9'; i++) {
        number = 10 * number + (text[i] - '0');
        if (number > LONGEST_US) {
            return -1;
        }
    }
    for (size_t unit = 0; i > 0 && unit < sizeof units / sizeof units[0]; unit++) {
        if (strlen(units[unit].name) == size - i &&
            memcmp(units[unit].name, text + i, size - i) == 0) {
            return number <= LONGEST_US / units[unit].us ? number * units[unit].us : -1;
        }
    }
    return -1;
}

static int run(struct ms_job *job, void *state)
{
    const int64_t total = parse(job->payload, job->payload_size);

    (void)state;
    if (total < 0) {
        ms_job_set_detail(job, "the payload is not a duration like 250ms, 2s or 5m");
        return MS_FAIL;
    }
    for (int64_t done = 0; done < total;) {
        const int64_t step = total - done < STEP_US ? total - done : STEP_US;

        if (ms_job_wait(job, step)) {
            return MS_CANCELLED;
        }
        done += step;
        ms_job_progress(job, (uint64_t)done / 1000, (uint64_t)total / 1000, "ms slept");
    }
    return MS_OK;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER, .name = "sleep", .about = "waits as long as the payload says: 250ms, 2s, 5m",
    .payload_max = 64, .run = run,
};
