#include "master/chains.h"

#include <string.h>

#include "core/invariant.h"

static const char *const hashes[] = {"java31", "jump", NULL};

static const struct ms_chain_name names[] = {
    {.name = "any", .help = "whoever has credit, in turn"},
    {.name = "round-robin", .help = "strictly in turn, passing over who has no credit"},
    {.name = "random", .help = "by chance"},
    {.name = "least", .help = "who has the fewest commands in hand for each slot"},
    {.name = "weighted", .help = "evenly, in proportion to weights"},
    {.name = "hash",
     .arguments = hashes,
     .is_hash = true,
     .help = "by the command's key: java31 is the remainder of a hash, as in older systems; with "
             "jump few keys move when there is one more"},
    {.name = "broadcast", .help = "every slave, with an outcome of each"},
};

#define NAMES      (sizeof names / sizeof names[0])
#define WORDS_SIZE 256

const struct ms_chain_name *ms_chain_name_at(size_t index)
{
    ms_assert(index < NAMES);
    return &names[index];
}

size_t ms_chain_names_count(void)
{
    return NAMES;
}

static const char *argument_of(struct ms_chain_word word)
{
    const struct ms_chain_name *name = ms_chain_name_at(word.name);

    return name->arguments != NULL ? name->arguments[word.argument] : NULL;
}

void ms_chain_word_print(struct ms_chain_word word, struct ms_text *text)
{
    const char *argument = argument_of(word);

    ms_text_add(text, "%s%s%s", ms_chain_name_at(word.name)->name, argument != NULL ? ":" : "",
                argument != NULL ? argument : "");
}

/* The words of one name, from *word on: it is at the next one afterwards, or false. */
static bool next_word(struct ms_chain_word *word)
{
    if (argument_of(*word) != NULL && names[word->name].arguments[word->argument + 1] != NULL) {
        word->argument++;
        return true;
    }
    word->argument = 0;
    word->name++;
    return word->name < NAMES;
}

void ms_chain_print_words(struct ms_text *text)
{
    struct ms_chain_word word = {0};
    const char *between = "";

    do {
        ms_text_add(text, "%s", between);
        ms_chain_word_print(word, text);
        between = ", ";
    } while (next_word(&word));
}

bool ms_chain_word_parse(const char *text, struct ms_chain_word *word_out,
                         struct ms_complaint *complaint)
{
    char words[WORDS_SIZE];
    struct ms_chain_word word = {0};
    struct ms_text list;

    do {
        char name[WORDS_SIZE];
        struct ms_text name_text;

        ms_text_init(&name_text, name, sizeof name);
        ms_chain_word_print(word, &name_text);
        if (strcmp(name, text) == 0) {
            *word_out = word;
            return true;
        }
    } while (next_word(&word));
    ms_text_init(&list, words, sizeof words);
    ms_chain_print_words(&list);
    ms_assert(!ms_text_is_cut(&list));
    return ms_complain(complaint, "\"%.64s\" is none of %s", text, words);
}

void ms_chain_print(const struct ms_chain *chain, struct ms_text *text)
{
    ms_assert(chain->count <= MS_CHAIN_MAX);
    if (chain->count == 0) {
        ms_text_add(text, "%s", names[0].name);
    }
    for (uint8_t i = 0; i < chain->count; i++) {
        ms_text_add(text, "%s", i > 0 ? ", " : "");
        ms_chain_word_print(chain->words[i], text);
    }
}

bool ms_chain_has_hash(const struct ms_chain *chain)
{
    for (uint8_t i = 0; i < chain->count; i++) {
        if (ms_chain_name_at(chain->words[i].name)->is_hash) {
            return true;
        }
    }
    return false;
}
