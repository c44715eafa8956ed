/* Chains: words are read, printed, and refused with the valid ones; who places and who ranks. */
#include "master/chains.h"

#include "master_script.h"

static struct ms_chain chain_of(const char *first, const char *second)
{
    struct ms_chain chain = {0};

    chain.strategies[chain.count++] = ms_chain_parse_word(first, NULL);
    if (second != NULL) {
        chain.strategies[chain.count++] = ms_chain_parse_word(second, NULL);
    }
    return chain;
}

START_TEST(each_strategy_has_a_word)
{
    for (uint32_t i = 0; i < MS_STRATEGIES; i++) {
        const struct ms_strategy *strategy = ms_strategy_at(i);

        ck_assert_ptr_eq(ms_chain_parse_word(strategy->name, NULL), strategy);
    }
}
END_TEST

START_TEST(others_are_refused_with_all_that_there_are)
{
    static const char *const bad[] = {"", "hash", "hash:", "hash:md5", "least:1", "Any", "any "};
    struct ms_complaint complaint;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_ptr_null(ms_chain_parse_word(bad[i], &complaint));
        ck_assert_ptr_nonnull(strstr(complaint.text, "is none of any, round-robin, random, "
                                                     "weighted, least, hash:java31, hash:jump"));
    }
}
END_TEST

START_TEST(the_first_that_can_counts)
{
    struct ms_chain chain = chain_of("hash:jump", "least");
    char room[64];
    struct ms_text text;

    ms_text_init(&text, room, sizeof room);
    ms_chain_print(&chain, &text);
    ck_assert_str_eq(room, "hash:jump, least");
    ck_assert_ptr_eq(ms_chain_place(&chain), &ms_strategy_jump);
    ck_assert_ptr_eq(ms_chain_rank(&chain), &ms_strategy_least);
    chain = chain_of("hash:java31", NULL);
    ck_assert_ptr_eq(ms_chain_place(&chain), &ms_strategy_java31);
    ck_assert_ptr_eq(ms_chain_rank(&chain), &ms_strategy_round_robin);
    chain = chain_of("weighted", "random");
    ck_assert_ptr_null(ms_chain_place(&chain));
    ck_assert_ptr_eq(ms_chain_rank(&chain), &ms_strategy_weighted);
    chain = (struct ms_chain){0};
    ms_text_init(&text, room, sizeof room);
    ms_chain_print(&chain, &text);
    ck_assert_str_eq(room, "any");
    ck_assert_ptr_null(ms_chain_place(&chain));
    ck_assert_ptr_eq(ms_chain_rank(&chain), &ms_strategy_any);
}
END_TEST

TESTS(each_strategy_has_a_word, others_are_refused_with_all_that_there_are,
      the_first_that_can_counts)
