/* The words of a chain of strategies, as a configuration file names them: NAME or NAME:ARGUMENT. This is the one list of them. */
#ifndef MASTER_CHAINS_H
#define MASTER_CHAINS_H

#include "core/limits.h"
#include "core/text.h"

struct ms_chain_name {
    const char *name;
    const char *const *arguments; /* one of which must follow, ended by NULL; NULL = none may */
    bool is_hash;                 /* chooses by the command's key: may choose among groups */
    const char *help;             /* a sentence without full stop */
};

/* index < ms_chain_names_count(). */
const struct ms_chain_name *ms_chain_name_at(size_t index);
size_t ms_chain_names_count(void);

struct ms_chain_word {
    uint8_t name;     /* index */
    uint8_t argument; /* index of its arguments; 0 when it has none */
};

/* The first that takes the command counts. count 0 = nothing was said: any. */
struct ms_chain {
    uint8_t count;
    struct ms_chain_word words[MS_CHAIN_MAX];
};

/* False with the word and all that are valid. */
bool ms_chain_word_parse(const char *text, struct ms_chain_word *word_out,
                         struct ms_complaint *complaint);
void ms_chain_word_print(struct ms_chain_word word, struct ms_text *text);

/* "hash:jump, least"; of none "any". */
void ms_chain_print(const struct ms_chain *chain, struct ms_text *text);

/* Every word that there is, separated by commas. */
void ms_chain_print_words(struct ms_text *text);

bool ms_chain_has_hash(const struct ms_chain *chain);

#endif
