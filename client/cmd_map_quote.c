#include "client/cmd_map_quote.h"

#include <string.h>

#include "core/invariant.h"

/* What a byte may stand in; the bottom of the stack is OPEN without having been pushed. */
enum { OPEN, PAREN, SUBSTITUTION, SINGLE, DOUBLE, BACKQUOTE, BRACE, ARITHMETIC };

static unsigned char top(const struct ms_quote *quote)
{
    return quote->depth > 0 ? quote->stack[quote->depth - 1] : OPEN;
}

static void spoil(struct ms_quote *quote, const char *why)
{
    if (quote->unsafe == NULL) {
        quote->unsafe = why;
    }
}

static void push(struct ms_quote *quote, unsigned char what)
{
    if (quote->depth == MS_QUOTE_DEPTH_MAX) {
        spoil(quote, "behind quotes nested too deeply");
        return;
    }
    quote->stack[quote->depth++] = what;
}

static void pop(struct ms_quote *quote)
{
    ms_assert(quote->depth > 0);
    quote->depth--;
}

static bool ends_word(unsigned char c)
{
    return c == '\0' || strchr(" \t\n;&|()", c) != NULL;
}

/* '$' was before. */
static void after_dollar(struct ms_quote *quote, unsigned char c)
{
    const bool is_double = top(quote) == DOUBLE;

    if (c == '(') {
        quote->has_substitution = true;
        push(quote, SUBSTITUTION);
    } else if (c == '{') {
        push(quote, BRACE);
    } else if (c == '\'' && !is_double) {
        spoil(quote, "behind $'...'");
    }
}

static void take_plain(struct ms_quote *quote, unsigned char c)
{
    const unsigned char previous = quote->previous;

    if (c == '\\') {
        quote->is_escaped = true;
    } else if (c == '(' && previous == '(' && top(quote) == SUBSTITUTION) {
        /* "$((": what was taken for a substitution is arithmetic. */
        quote->stack[quote->depth - 1] = ARITHMETIC;
        push(quote, ARITHMETIC);
    } else if (previous == '$' && (c == '(' || c == '{' || c == '\'')) {
        after_dollar(quote, c);
    } else if (c == '\'') {
        push(quote, SINGLE);
    } else if (c == '"') {
        push(quote, DOUBLE);
    } else if (c == '`') {
        push(quote, BACKQUOTE);
    } else if (c == '(') {
        push(quote, PAREN);
    } else if (c == ')' && top(quote) != OPEN) {
        pop(quote);
    } else if (c == '<' && previous == '<') {
        spoil(quote, "behind a here-document");
    } else if (c == '#' && ends_word(previous)) {
        quote->is_comment = true;
    }
}

static void take_double(struct ms_quote *quote, unsigned char c)
{
    if (c == '\\') {
        quote->is_escaped = true;
    } else if (c == '"') {
        pop(quote);
    } else if (c == '`') {
        push(quote, BACKQUOTE);
    } else if (quote->previous == '$' && (c == '(' || c == '{')) {
        after_dollar(quote, c);
    }
}

/* Nothing is put into these; only their end matters, and whether it can be told. */
static void take_closed(struct ms_quote *quote, unsigned char c)
{
    const unsigned char what = top(quote);

    if (what == BACKQUOTE) {
        quote->is_escaped = c == '\\';
        if (c == '`') {
            pop(quote);
        }
        return;
    }
    if (strchr("\"'\\`", c) != NULL) {
        spoil(quote, "behind quotes inside ${...} or $((...))");
    } else if (what == BRACE && c == '{') {
        push(quote, BRACE);
    } else if (what == BRACE && c == '}') {
        pop(quote);
    } else if (what == ARITHMETIC && c == '(') {
        push(quote, ARITHMETIC);
    } else if (what == ARITHMETIC && c == ')') {
        pop(quote);
    }
}

static void take(struct ms_quote *quote, unsigned char c)
{
    if (quote->is_escaped) {
        quote->is_escaped = false;
        quote->previous = 'x'; /* an ordinary byte, whatever it is */
        return;
    }
    if (quote->is_comment) {
        quote->is_comment = c != '\n';
        quote->previous = c;
        return;
    }
    switch (top(quote)) {
    case SINGLE:
        if (c == '\'') {
            pop(quote);
        }
        quote->previous = 'x';
        return;
    case DOUBLE:
        take_double(quote, c);
        break;
    case BACKQUOTE:
    case BRACE:
    case ARITHMETIC:
        take_closed(quote, c);
        break;
    default:
        take_plain(quote, c);
        break;
    }
    /* "$$(" is the process number and a parenthesis. */
    quote->previous = c == '$' && quote->previous == '$' ? 'x' : c;
}

void ms_quote_feed(struct ms_quote *quote, const char *text, size_t length)
{
    ms_assert(quote->depth <= MS_QUOTE_DEPTH_MAX);
    for (size_t i = 0; i < length; i++) {
        /* A pattern's ')' would be taken for the end of a substitution. */
        memmove(quote->recent, quote->recent + 1, sizeof quote->recent - 1);
        quote->recent[sizeof quote->recent - 1] = text[i];
        if (memcmp(quote->recent, "case", sizeof quote->recent) == 0) {
            quote->has_case = true;
        }
        take(quote, (unsigned char)text[i]);
    }
}

bool ms_quote_is_escaped(const struct ms_quote *quote)
{
    return quote->is_escaped;
}

enum ms_quote_place ms_quote_place(const struct ms_quote *quote, const char **why_out)
{
    const char *why = quote->unsafe;
    enum ms_quote_place place = MS_QUOTE_UNSAFE;

    ms_assert(!quote->is_escaped);
    if (quote->is_comment) {
        why = "in a comment";
    } else if (quote->has_case && quote->has_substitution) {
        why = "beside case and $(...)";
    } else if (quote->previous == '$' && top(quote) != SINGLE) {
        why = "right behind $";
    } else if (why == NULL) {
        switch (top(quote)) {
        case SINGLE:
            return MS_QUOTE_SINGLE;
        case DOUBLE:
            return MS_QUOTE_DOUBLE;
        case BACKQUOTE:
            why = "inside `...`; use $(...)";
            break;
        case BRACE:
            why = "inside ${...}";
            break;
        case ARITHMETIC:
            why = "inside $((...))";
            break;
        default:
            return MS_QUOTE_PLAIN;
        }
    }
    *why_out = why;
    return place;
}
