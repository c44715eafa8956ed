/* The command of muster map with its replacement strings, and what becomes of it for one argument.
 *
 *     {}    the argument            {/}   without its directories
 *     {.}   without its extension   {//}  its directory
 *     {#}   its number              {/.}  without directories and extension
 *
 * A command runs either as words, which no shell sees, or as one line for /bin/sh. In a line the
 * argument is quoted for the place where its replacement string stands (plain, '...' or "..."), so that
 * no argument, whatever its bytes, becomes code. Places where that cannot be done are refused. */
#ifndef CLIENT_CMD_MAP_TEMPLATE_H
#define CLIENT_CMD_MAP_TEMPLATE_H

#include "client/cli_bytes.h"
#include "core/text.h"

enum ms_template_mode {
    MS_TEMPLATE_AUTO,  /* a shell when the command needs one */
    MS_TEMPLATE_WORDS, /* never a shell: each word as it stands */
    MS_TEMPLATE_SHELL  /* always a shell */
};

struct ms_template;

/* What one command is. Reused from call to call; everything points into text. */
struct ms_expansion {
    struct ms_cli_bytes text;
    const char *shell; /* NULL: argv counts */
    char **argv;
    size_t argc;
    size_t capacity; /* of argv */
};

/* Compiles the words; without any replacement string the argument is appended. No words at all: each
 * argument is a whole line for the shell. NULL with the complaint. */
struct ms_template *ms_template_create(char *const *words, size_t count, enum ms_template_mode mode,
                                       struct ms_complaint *complaint);
void ms_template_destroy(struct ms_template *template); /* accepts NULL */

bool ms_template_is_shell(const struct ms_template *template);

/* Fills in the argument. False when memory is out. */
bool ms_template_expand(const struct ms_template *template, const char *argument, uint64_t seq,
                        struct ms_expansion *expansion);
void ms_expansion_free(struct ms_expansion *expansion);

/* Appends the command as a shell would read it, for people and logs. */
bool ms_expansion_print(const struct ms_expansion *expansion, struct ms_cli_bytes *bytes);

/* Appends text as one word for a shell. */
bool ms_template_quote(const char *text, struct ms_cli_bytes *bytes);

#endif
