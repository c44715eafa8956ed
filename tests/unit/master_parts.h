/* What tests of payloads in parts share: one client, one slave, small payloads. */
#ifndef TESTS_UNIT_MASTER_PARTS_H
#define TESTS_UNIT_MASTER_PARTS_H

#include "master_frames.h"

#define CLIENT 1u
#define SLAVE  2u

static uint8_t piece[MS_CHUNK_MAX];

static const struct ms_master_config volatile_config = {
    .epoch = EPOCH, .crashes_max = 3, .seed = 1, .name = "m", .build = "test"};
static inline void part(struct script *s, uint64_t seq, uint32_t index, size_t size)
{
    memset(piece, (int)('a' + index % 26), sizeof piece);
    receive(s, CLIENT,
            &(struct ms_command){
                .kind = MS_KIND_PART, .id.seq = seq, .index = index, .payload = {piece, size}});
}

static inline void submit_parts(struct script *s, uint64_t seq, uint64_t size)
{
    const struct ms_terms terms = {.parts_size = size};

    receive(s, CLIENT,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .type = ECHO,
                                 .flags = MS_FLAG_PARTS,
                                 .attempts_max = 3,
                                 .id.seq = seq,
                                 .terms = &terms});
}

/* Two parts of 1000 bytes and their submission. */
static inline void submit_two(struct script *s, uint64_t seq)
{
    part(s, seq, 0, 1000);
    part(s, seq, 1, 1000);
    submit_parts(s, seq, 2000);
}

/* A client, and a slave without credit. */
static inline void begin(struct script *s)
{
    setup_with(s, &volatile_config);
    client(s, CLIENT, 1);
    slave(s, SLAVE, 2);
}

/* Two parts and the COMMAND behind them, of one token. */
static inline uint64_t want_two(struct script *s, uint32_t attempt)
{
    const struct sent *first = want(s, MS_KIND_PART);
    const struct sent *second = find_nth(s, MS_KIND_PART, 1);
    const struct sent *command = want(s, MS_KIND_COMMAND);

    ck_assert_ptr_nonnull(second);
    ck_assert(first < second && second < command);
    ck_assert_uint_eq(count_of(s, MS_KIND_PART), 2);
    ck_assert_uint_eq(first->effect.command.index, 0);
    ck_assert_uint_eq(second->effect.command.index, 1);
    ck_assert_uint_eq(first->effect.command.payload.size, 1000);
    ck_assert_int_eq(first->payload[0], 'a');
    ck_assert_int_eq(second->payload[0], 'b');
    ck_assert_uint_eq(token_of(first), token_of(command));
    ck_assert_uint_eq(token_of(second), token_of(command));
    ck_assert_uint_eq(command->effect.command.flags, MS_FLAG_PARTS);
    ck_assert_uint_eq(command->effect.command.payload.size, 0);
    ck_assert_uint_eq(command->effect.command.attempt, attempt);
    return token_of(command);
}

#endif
