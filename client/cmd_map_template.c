#include "client/cmd_map_template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd_map_quote.h"
#include "core/invariant.h"

/* Bytes that mean something to a shell, in whichever place; one too many only costs a shell. */
#define SHELL_BYTES   "|&;<>()$`\\\"'*?[]#~!{}^\n"
#define SAFE_BYTES    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+:,./-"
#define BLANKS        " \t"
#define PIECES_FIRST  16
#define NUMBER_DIGITS 24

enum what { LITERAL, ARGUMENT, NO_EXTENSION, BASE, DIRECTORY, BASE_NO_EXTENSION, NUMBER, WORD_END };

enum style {
    STYLE_RAW,
    STYLE_PLAIN,  /* quoted if need be */
    STYLE_ALWAYS, /* quoted in any case: "2" before '>' would say which stream */
    STYLE_SINGLE,
    STYLE_DOUBLE
};

struct piece {
    enum what what;
    enum style style;
    size_t offset, size; /* of a LITERAL, in literals */
};

struct ms_template {
    bool is_shell;
    struct piece *pieces;
    size_t count, capacity;
    struct ms_cli_bytes literals;
    size_t words;
};

static const struct {
    const char *text;
    enum what what;
} replacements[] = {
    {"{}", ARGUMENT},    {"{.}", NO_EXTENSION},       {"{/}", BASE},
    {"{//}", DIRECTORY}, {"{/.}", BASE_NO_EXTENSION}, {"{#}", NUMBER},
};

#define REPLACEMENTS_COUNT (sizeof replacements / sizeof replacements[0])

/* Commands that only a shell has, and words that begin a piece of its language. */
static const char *const shell_words[] = {
    ".",     ":",       "alias",  "bg",     "break", "case",  "cd",       "command", "continue",
    "eval",  "exec",    "exit",   "export", "fg",    "for",   "hash",     "if",      "jobs",
    "local", "read",    "return", "set",    "shift", "times", "trap",     "type",    "ulimit",
    "umask", "unalias", "unset",  "until",  "wait",  "while", "readonly", "source",
};

/* The replacement string that text begins with: its length, or 0. */
static size_t match(const char *text, enum what *what_out)
{
    for (size_t i = 0; i < REPLACEMENTS_COUNT && text[0] == '{'; i++) {
        const size_t length = strlen(replacements[i].text);

        if (strncmp(text, replacements[i].text, length) == 0) {
            *what_out = replacements[i].what;
            return length;
        }
    }
    return 0;
}

static bool has_replacement(const char *text)
{
    enum what what;

    for (; *text != '\0'; text++) {
        if (match(text, &what) > 0) {
            return true;
        }
    }
    return false;
}

static bool has_shell_bytes(const char *text)
{
    enum what what;

    while (*text != '\0') {
        const size_t length = match(text, &what);

        if (length == 0 && strchr(SHELL_BYTES, *text) != NULL) {
            return true;
        }
        text += length > 0 ? length : 1;
    }
    return false;
}

static bool is_shell_word(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof shell_words / sizeof shell_words[0]; i++) {
        if (strlen(shell_words[i]) == length && memcmp(shell_words[i], text, length) == 0) {
            return true;
        }
    }
    return memchr(text, '=', length) != NULL;
}

static bool has_blank(const char *text)
{
    return text[0] == '\0' || strpbrk(text, BLANKS "\n") != NULL;
}

/* A word with blanks among several was meant to be one: it does not call for a shell. */
static bool needs_shell(char *const *words, size_t count)
{
    const size_t first = strspn(words[0], BLANKS);

    if (is_shell_word(words[0] + first, strcspn(words[0] + first, BLANKS))) {
        return true;
    }
    if (count > 1 && has_blank(words[0])) {
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if ((count == 1 || !has_blank(words[i])) && has_shell_bytes(words[i])) {
            return true;
        }
    }
    return false;
}

/* ---- compiling ---- */

static bool add_piece(struct ms_template *template, struct piece piece)
{
    if (template->count == template->capacity) {
        const size_t capacity = template->capacity == 0 ? PIECES_FIRST : 2 * template->capacity;
        struct piece *grown = realloc(template->pieces, capacity * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        template->pieces = grown;
        template->capacity = capacity;
    }
    template->pieces[template->count++] = piece;
    template->words += piece.what == WORD_END ? 1 : 0;
    return true;
}

static bool add_literal(struct ms_template *template, const char *text, size_t size)
{
    const struct piece piece = {.what = LITERAL, .offset = template->literals.size, .size = size};

    return size == 0 ||
           (ms_cli_bytes_add(&template->literals, text, size) && add_piece(template, piece));
}

/* One word as it stands, size bytes of text. */
static bool compile_word(struct ms_template *template, const char *text, size_t size)
{
    size_t begin = 0, at = 0;

    while (at < size) {
        struct piece piece = {.style = STYLE_RAW};
        const size_t length = match(text + at, &piece.what);

        if (length == 0 || length > size - at) {
            at++;
            continue;
        }
        if (!add_literal(template, text + begin, at - begin) || !add_piece(template, piece)) {
            return false;
        }
        at += length;
        begin = at;
    }
    return add_literal(template, text + begin, size - begin) &&
           add_piece(template, (struct piece){.what = WORD_END});
}

/* A single word is split where it has blanks. */
static bool compile_split(struct ms_template *template, const char *text)
{
    text += strspn(text, BLANKS);
    while (*text != '\0') {
        const size_t size = strcspn(text, BLANKS);

        if (!compile_word(template, text, size)) {
            return false;
        }
        text += size;
        text += strspn(text, BLANKS);
    }
    return true;
}

static bool add_replacement(struct ms_template *template, struct ms_quote *quote,
                            struct piece piece, const char *behind, struct ms_complaint *complaint)
{
    const char *why = "";

    switch (ms_quote_place(quote, &why)) {
    case MS_QUOTE_SINGLE:
        piece.style = STYLE_SINGLE;
        break;
    case MS_QUOTE_DOUBLE:
        piece.style = STYLE_DOUBLE;
        break;
    case MS_QUOTE_PLAIN:
        piece.style = behind[0] == '<' || behind[0] == '>' ? STYLE_ALWAYS : STYLE_PLAIN;
        break;
    default:
        return ms_complain(
            complaint,
            "a replacement string %s cannot be quoted safely; put it into a variable "
            "first: x={}; ... \"$x\"",
            why);
    }
    ms_quote_feed(quote, "x", 1);
    return add_piece(template, piece) || ms_complain(complaint, "out of memory");
}

static bool compile_line(struct ms_template *template, const char *text,
                         struct ms_complaint *complaint)
{
    struct ms_quote quote = {.depth = 0};
    size_t begin = 0, at = 0;

    while (text[at] != '\0') {
        struct piece piece = {.style = STYLE_RAW};
        const size_t length = ms_quote_is_escaped(&quote) ? 0 : match(text + at, &piece.what);

        if (length == 0) {
            ms_quote_feed(&quote, text + at, 1);
            at++;
            continue;
        }
        if (!add_literal(template, text + begin, at - begin)) {
            return ms_complain(complaint, "out of memory");
        }
        if (!add_replacement(template, &quote, piece, text + at + length, complaint)) {
            return false;
        }
        at += length;
        begin = at;
    }
    return (add_literal(template, text + begin, at - begin) &&
            add_piece(template, (struct piece){.what = WORD_END})) ||
           ms_complain(complaint, "out of memory");
}

static bool add_text(struct ms_cli_bytes *bytes, const char *text)
{
    return ms_cli_bytes_add(bytes, text, strlen(text));
}

/* 'TEXT'; is_open: the quotes are there already. */
static bool add_single(struct ms_cli_bytes *bytes, const char *text, size_t size, bool is_open)
{
    bool is_added = is_open || add_text(bytes, "'");

    for (size_t at = 0; is_added && at < size;) {
        const char *quote = memchr(text + at, '\'', size - at);
        const size_t plain = quote != NULL ? (size_t)(quote - text) - at : size - at;

        is_added = ms_cli_bytes_add(bytes, text + at, plain) &&
                   (quote == NULL || add_text(bytes, "'\\''"));
        at += plain + (quote != NULL ? 1 : 0);
    }
    return is_added && (is_open || add_text(bytes, "'"));
}

/* The words as one line. A word with blanks among several stays one. */
static bool join(char *const *words, size_t count, struct ms_cli_bytes *line)
{
    const bool is_raw = count == 1 || has_blank(words[0]);
    bool has_any = false;

    for (size_t i = 0; i < count; i++) {
        has_any = has_any || has_replacement(words[i]);
        if (i > 0 && !add_text(line, " ")) {
            return false;
        }
        if (is_raw || !has_blank(words[i])) {
            if (!add_text(line, words[i])) {
                return false;
            }
        } else if (!add_single(line, words[i], strlen(words[i]), false)) {
            return false;
        }
    }
    return (has_any || add_text(line, " {}")) && ms_cli_bytes_add(line, "", 1);
}

static bool compile_words(struct ms_template *template, char *const *words, size_t count,
                          bool is_split)
{
    bool has_any = false;

    for (size_t i = 0; i < count; i++) {
        has_any = has_any || has_replacement(words[i]);
        if (!(is_split ? compile_split(template, words[i])
                       : compile_word(template, words[i], strlen(words[i])))) {
            return false;
        }
    }
    return has_any || compile_word(template, "{}", 2);
}

static bool compile(struct ms_template *template, char *const *words, size_t count,
                    enum ms_template_mode mode, struct ms_complaint *complaint)
{
    if (count == 0) {
        template->is_shell = true;
        return (add_piece(template, (struct piece){.what = ARGUMENT, .style = STYLE_RAW}) &&
                add_piece(template, (struct piece){.what = WORD_END})) ||
               ms_complain(complaint, "out of memory");
    }
    if (words[0][strspn(words[0], BLANKS "\n")] == '\0') {
        return ms_complain(complaint, "the command is empty");
    }
    template->is_shell =
        mode == MS_TEMPLATE_SHELL || (mode == MS_TEMPLATE_AUTO && needs_shell(words, count));
    if (!template->is_shell) {
        return compile_words(template, words, count, mode == MS_TEMPLATE_AUTO && count == 1) ||
               ms_complain(complaint, "out of memory");
    }
    struct ms_cli_bytes line = {.data = NULL};
    const bool is_compiled = join(words, count, &line)
                                 ? compile_line(template, (const char *)line.data, complaint)
                                 : ms_complain(complaint, "out of memory");

    ms_cli_bytes_free(&line);
    return is_compiled;
}

struct ms_template *ms_template_create(char *const *words, size_t count, enum ms_template_mode mode,
                                       struct ms_complaint *complaint)
{
    struct ms_template *template = calloc(1, sizeof *template);

    if (template == NULL) {
        ms_complain(complaint, "out of memory");
        return NULL;
    }
    if (!compile(template, words, count, mode, complaint)) {
        ms_template_destroy(template);
        return NULL;
    }
    return template;
}

void ms_template_destroy(struct ms_template *template)
{
    if (template != NULL) {
        ms_cli_bytes_free(&template->literals);
        free(template->pieces);
        free(template);
    }
}

bool ms_template_is_shell(const struct ms_template *template)
{
    return template->is_shell;
}

/* ---- filling in ---- */

/* As dirname(1): slashes at the end belong to the last component. */
static const char *directory_of(const char *argument, size_t *size_out)
{
    size_t size = strlen(argument);

    while (size > 1 && argument[size - 1] == '/') {
        size--;
    }
    while (size > 0 && argument[size - 1] != '/') {
        size--;
    }
    if (size == 0) {
        *size_out = 1;
        return ".";
    }
    while (size > 1 && argument[size - 1] == '/') {
        size--;
    }
    *size_out = size;
    return argument;
}

/* The part of the argument that a replacement string stands for; size bytes of the return value. */
static const char *part_of(enum what what, const char *argument, size_t *size_out)
{
    const char *slash = strrchr(argument, '/');
    const char *base = slash != NULL ? slash + 1 : argument;
    const char *dot = strrchr(base, '.');
    const char *end = argument + strlen(argument);

    switch (what) {
    case NO_EXTENSION:
        *size_out = (size_t)((dot != NULL ? dot : end) - argument);
        return argument;
    case BASE:
        *size_out = (size_t)(end - base);
        return base;
    case BASE_NO_EXTENSION:
        *size_out = (size_t)((dot != NULL ? dot : end) - base);
        return base;
    case DIRECTORY:
        return directory_of(argument, size_out);
    default:
        *size_out = (size_t)(end - argument);
        return argument;
    }
}

static bool is_safe(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0' || strchr(SAFE_BYTES, text[i]) == NULL) {
            return false;
        }
    }
    return size > 0;
}

static bool add_double(struct ms_cli_bytes *bytes, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (strchr("$`\"\\", text[i]) != NULL && !add_text(bytes, "\\")) {
            return false;
        }
        if (!ms_cli_bytes_add(bytes, text + i, 1)) {
            return false;
        }
    }
    return true;
}

static bool add_styled(struct ms_cli_bytes *bytes, enum style style, const char *text, size_t size)
{
    switch (style) {
    case STYLE_PLAIN:
        return is_safe(text, size) ? ms_cli_bytes_add(bytes, text, size)
                                   : add_single(bytes, text, size, false);
    case STYLE_ALWAYS:
        return add_single(bytes, text, size, false);
    case STYLE_SINGLE:
        return add_single(bytes, text, size, true);
    case STYLE_DOUBLE:
        return add_double(bytes, text, size);
    default:
        return ms_cli_bytes_add(bytes, text, size);
    }
}

static bool add_value(const struct ms_template *template, const struct piece *piece,
                      const char *argument, uint64_t seq, struct ms_cli_bytes *bytes)
{
    char number[NUMBER_DIGITS];
    const char *text;
    size_t size;

    switch (piece->what) {
    case LITERAL:
        return ms_cli_bytes_add(bytes, template->literals.data + piece->offset, piece->size);
    case WORD_END:
        return ms_cli_bytes_add(bytes, "", 1);
    case NUMBER:
        snprintf(number, sizeof number, "%llu", (unsigned long long)seq);
        return add_text(bytes, number);
    default:
        text = part_of(piece->what, argument, &size);
        return add_styled(bytes, piece->style, text, size);
    }
}

static bool point(const struct ms_template *template, struct ms_expansion *expansion)
{
    char *word = (char *)expansion->text.data;

    if (expansion->capacity < template->words + 1) {
        char **grown = realloc(expansion->argv, (template->words + 1) * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        expansion->argv = grown;
        expansion->capacity = template->words + 1;
    }
    for (size_t i = 0; i < template->words; i++) {
        expansion->argv[i] = word;
        word += strlen(word) + 1;
    }
    ms_assert(word == (char *)expansion->text.data + expansion->text.size);
    expansion->argv[template->words] = NULL;
    expansion->argc = template->words;
    return true;
}

bool ms_template_expand(const struct ms_template *template, const char *argument, uint64_t seq,
                        struct ms_expansion *expansion)
{
    expansion->text.size = 0;
    expansion->shell = NULL;
    expansion->argc = 0;
    for (size_t i = 0; i < template->count; i++) {
        if (!add_value(template, &template->pieces[i], argument, seq, &expansion->text)) {
            return false;
        }
    }
    if (template->is_shell) {
        expansion->shell = (const char *)expansion->text.data;
        return true;
    }
    return point(template, expansion);
}

void ms_expansion_free(struct ms_expansion *expansion)
{
    ms_cli_bytes_free(&expansion->text);
    free(expansion->argv);
    *expansion = (struct ms_expansion){.shell = NULL};
}

bool ms_template_quote(const char *text, struct ms_cli_bytes *bytes)
{
    return add_styled(bytes, STYLE_PLAIN, text, strlen(text));
}

bool ms_expansion_print(const struct ms_expansion *expansion, struct ms_cli_bytes *bytes)
{
    if (expansion->shell != NULL) {
        return add_text(bytes, expansion->shell);
    }
    for (size_t i = 0; i < expansion->argc; i++) {
        if ((i > 0 && !add_text(bytes, " ")) || !ms_template_quote(expansion->argv[i], bytes)) {
            return false;
        }
    }
    return true;
}
