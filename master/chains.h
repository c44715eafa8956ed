/* A chain of strategies, as a configuration file names them: NAME, or NAME:ARGUMENT where one has several forms. */
#ifndef MASTER_CHAINS_H
#define MASTER_CHAINS_H

#include "core/limits.h"
#include "core/text.h"
#include "master/strategy.h"

/* The first that takes a command counts: one that places takes those that have a key. count 0 = nothing was said: any. */
struct ms_chain {
    uint8_t count;
    const struct ms_strategy *strategies[MS_CHAIN_MAX];
};

/* NULL with the word and all that are valid. */
const struct ms_strategy *ms_chain_parse_word(const char *text, struct ms_complaint *complaint);

/* "hash:jump, least"; of none "any". */
void ms_chain_print(const struct ms_chain *chain, struct ms_text *text);

/* The first that places by key; NULL = none does. */
const struct ms_strategy *ms_chain_place(const struct ms_chain *chain);

/* Who is next, of those that a command may go to: the first that does not place; behind one that does, when none is said,
 * round robin. */
const struct ms_strategy *ms_chain_rank(const struct ms_chain *chain);

#endif
