/* The words of a chain: read, printed, and refused with the valid ones. */
#include "master/chains.h"

#include "master_script.h"

static const char *const words[] = {"any",      "round-robin", "random",    "least",
                                    "weighted", "hash:java31", "hash:jump", "broadcast"};

START_TEST(each_word_is_read_as_it_is_printed)
{
    char room[256], all_room[256];
    struct ms_complaint complaint;
    struct ms_text text, all;

    ms_text_init(&all, all_room, sizeof all_room);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct ms_chain_word word;

        ck_assert_msg(ms_chain_word_parse(words[i], &word, &complaint), "%s", complaint.text);
        ms_text_init(&text, room, sizeof room);
        ms_chain_word_print(word, &text);
        ck_assert_str_eq(room, words[i]);
        ms_text_add(&all, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    ms_text_init(&text, room, sizeof room);
    ms_chain_print_words(&text);
    ck_assert_str_eq(room, all_room);
}
END_TEST

START_TEST(others_are_refused_with_all_that_there_are)
{
    static const char *const bad[] = {"", "hash", "hash:", "hash:md5", "least:1", "Any", "any "};
    struct ms_chain_word word = {.name = 3};
    struct ms_complaint complaint;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert(!ms_chain_word_parse(bad[i], &word, &complaint));
        ck_assert_ptr_nonnull(strstr(complaint.text,
                                     "is none of any, round-robin, random, least, "
                                     "weighted, hash:java31, hash:jump, broadcast"));
    }
    ck_assert_uint_eq(word.name, 3);
}
END_TEST

START_TEST(chains)
{
    struct ms_chain chain = {.count = 2};
    char room[64];
    struct ms_text text;

    ck_assert(ms_chain_word_parse("hash:jump", &chain.words[0], NULL));
    ck_assert(ms_chain_word_parse("least", &chain.words[1], NULL));
    ms_text_init(&text, room, sizeof room);
    ms_chain_print(&chain, &text);
    ck_assert_str_eq(room, "hash:jump, least");
    ck_assert(ms_chain_has_hash(&chain));
    chain = (struct ms_chain){0};
    ms_text_init(&text, room, sizeof room);
    ms_chain_print(&chain, &text);
    ck_assert_str_eq(room, "any");
    ck_assert(!ms_chain_has_hash(&chain));
}
END_TEST

START_TEST(each_name_says_what_it_is)
{
    for (size_t i = 0; i < ms_chain_names_count(); i++) {
        const struct ms_chain_name *name = ms_chain_name_at(i);

        ck_assert_str_ne(name->help, "");
        ck_assert(name->arguments == NULL || name->arguments[0] != NULL);
    }
}
END_TEST

TESTS(each_word_is_read_as_it_is_printed, others_are_refused_with_all_that_there_are, chains,
      each_name_says_what_it_is)
