#include "master/chains.h"

#include "core/invariant.h"

#define WORDS_SIZE 256

const struct ms_strategy *ms_chain_parse_word(const char *text, struct ms_complaint *complaint)
{
    const struct ms_strategy *strategy = ms_strategy_find(text);
    char words[WORDS_SIZE];
    struct ms_text list;

    if (strategy != NULL) {
        return strategy;
    }
    ms_text_init(&list, words, sizeof words);
    for (uint32_t i = 0; i < MS_STRATEGIES; i++) {
        ms_text_add(&list, "%s%s", i > 0 ? ", " : "", ms_strategy_at(i)->name);
    }
    ms_assert(!ms_text_is_cut(&list));
    ms_complain(complaint, "\"%.64s\" is none of %s", text, words);
    return NULL;
}

void ms_chain_print(const struct ms_chain *chain, struct ms_text *text)
{
    ms_assert(chain->count <= MS_CHAIN_MAX);
    if (chain->count == 0) {
        ms_text_add(text, "%s", ms_strategy_any.name);
    }
    for (uint8_t i = 0; i < chain->count; i++) {
        ms_text_add(text, "%s%s", i > 0 ? ", " : "", chain->strategies[i]->name);
    }
}

const struct ms_strategy *ms_chain_place(const struct ms_chain *chain)
{
    for (uint8_t i = 0; i < chain->count; i++) {
        if (chain->strategies[i]->place != NULL) {
            return chain->strategies[i];
        }
    }
    return NULL;
}

const struct ms_strategy *ms_chain_rank(const struct ms_chain *chain)
{
    for (uint8_t i = 0; i < chain->count; i++) {
        if (chain->strategies[i]->place == NULL) {
            return chain->strategies[i];
        }
    }
    return chain->count > 0 ? &ms_strategy_round_robin : &ms_strategy_any;
}
