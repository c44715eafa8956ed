/* Where in a line for /bin/sh a place is, as far as quoting goes. Deliberately less than a shell knows:
 * what cannot be followed with certainty is called unsafe, and nothing is put there. */
#ifndef CLIENT_CMD_MAP_QUOTE_H
#define CLIENT_CMD_MAP_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#define MS_QUOTE_DEPTH_MAX 32

enum ms_quote_place {
    MS_QUOTE_PLAIN,
    MS_QUOTE_SINGLE, /* inside '...' */
    MS_QUOTE_DOUBLE, /* inside "..." */
    MS_QUOTE_UNSAFE
};

/* Zeroed is the beginning of a line. */
struct ms_quote {
    unsigned char stack[MS_QUOTE_DEPTH_MAX];
    unsigned depth;
    unsigned char previous; /* 0 at the beginning */
    char recent[4];
    bool is_escaped; /* the next byte stands behind a backslash */
    bool is_comment;
    bool has_substitution, has_case;
    const char *unsafe; /* why nothing may be put here or behind; NULL = it may */
};

/* Takes length bytes of the line in. */
void ms_quote_feed(struct ms_quote *quote, const char *text, size_t length);

/* Where the next byte would stand; UNSAFE with *why_out. */
enum ms_quote_place ms_quote_place(const struct ms_quote *quote, const char **why_out);

/* True when a backslash makes the next byte an ordinary one. */
bool ms_quote_is_escaped(const struct ms_quote *quote);

#endif
