/* Words of the script about one command: sent, run, finished, acknowledged. */
#ifndef TESTS_UNIT_SLAVE_SCRIPT_WORK_H
#define TESTS_UNIT_SLAVE_SCRIPT_WORK_H

#include "tests/unit/slave_script.h"

static inline void command_of(uint64_t n, ms_type type, ms_time timeout)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_COMMAND,
        .type = type,
        .id = {{{4}}, n},
        .token = {EPOCH, n},
        .attempt = 1,
        .timeout = timeout,
        .payload = ms_bytes_of("load"),
    });
}

static inline void command(uint64_t n)
{
    command_of(n, ECHO, 0);
}

static inline void expect_run(uint64_t n)
{
    const struct ms_effect effect = expect(MS_EFFECT_RUN);

    ck_assert_uint_eq(effect.command.token.n, n);
    ck_assert_uint_eq(effect.command.id.seq, n);
    ck_assert_uint_eq(effect.command.payload.size, 4);
    ck_assert_mem_eq(effect.command.payload.data, "load", 4);
}

static inline void finish_as(uint64_t n, enum ms_status status)
{
    step(&(struct ms_event){
        .type = MS_EVENT_FINISHED,
        .command = &(struct ms_command){.kind = MS_KIND_RESULT,
                                        .status = (uint8_t)status,
                                        .token = {EPOCH, n},
                                        .payload = ms_bytes_of("done")},
    });
}

static inline void finish(uint64_t n)
{
    finish_as(n, MS_STATUS_OK);
}

static inline void output(uint64_t n, const char *text)
{
    step(&(struct ms_event){
        .type = MS_EVENT_OUTPUT,
        .command = &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                        .token = {EPOCH, n},
                                        .payload = ms_bytes_of(text)},
    });
}

static inline void acknowledge(uint64_t n, uint64_t count)
{
    receive(&(struct ms_command){.kind = MS_KIND_RESULT_ACK, .token = {EPOCH, n}, .count = count});
}

static inline struct ms_command expect_result(uint64_t n, enum ms_status status)
{
    const struct ms_command result = expect_sent(MS_KIND_RESULT);

    ck_assert_uint_eq(result.token.n, n);
    ck_assert_uint_eq(result.token.epoch, EPOCH);
    ck_assert_str_eq(ms_status_name(result.status), ms_status_name(status));
    return result;
}

#endif
