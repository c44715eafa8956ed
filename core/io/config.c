#include "core/io/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/invariant.h"
#include "core/sections.h"

#define FILE_SIZE_MAX (1u << 20)
#define INCLUDES_MAX  8       /* files within files */
#define DEPTH_MAX     8       /* braces within braces; deeper ones are wrong anyhow */
#define KINDS_MAX     16      /* of sections */
#define BEGIN         "{"     /* a row of each section, which no file can name */
#define BEGIN_TEXT    "begin" /* its default: libconfuse hands it over when the section begins */

/* libconfuse hands its callbacks nothing of ours, so the reading under way stands here. */
static struct reading {
    struct ms_options *options;
    struct ms_complaint *complaint;
    const cfg_opt_t *rows;
    unsigned depth;
    bool has_complained;
    bool is_set[MS_OPTIONS_MAX];
    struct ms_section *section; /* that was begun last */
    bool is_set_there[MS_OPTIONS_MAX];
} * reading;

static void complain_at(const cfg_t *cfg, const char *text)
{
    if (!reading->has_complained) {
        ms_complain(reading->complaint, "%s:%d: %s", cfg->filename, cfg->line, text);
        reading->has_complained = true;
    }
}

/* True the first time. */
static bool set_once(const cfg_t *cfg, const struct ms_option *option, bool *is_set)
{
    if (*is_set && option->kind != MS_OPTION_LIST) {
        complain_at(cfg, "this key was set before");
        return false;
    }
    *is_set = true;
    return true;
}

static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    const struct ms_option *option = ms_options_find_key(reading->options, opt->name);
    char place[MS_COMPLAINT_MAX / 2];

    *(const char **)result = value; /* it wants one; nobody reads it */
    ms_assert(option != NULL);
    if (!set_once(cfg, option, &reading->is_set[option - reading->options->table])) {
        return -1;
    }
    snprintf(place, sizeof place, "%s:%d", cfg->filename, cfg->line);
    if (!ms_options_set(reading->options, option,
                        (struct ms_option_source){.level = MS_OPTION_FILE, .place = place}, value,
                        reading->complaint)) {
        reading->has_complained = true;
        return -1;
    }
    return 0;
}

static const struct ms_section_kind *kind_of(const cfg_t *cfg)
{
    const struct ms_sections *sections = reading->options->sections;

    for (size_t i = 0; sections != NULL && sections->kinds[i] != NULL; i++) {
        if (strcmp(sections->kinds[i]->name, cfg->name) == 0) {
            return sections->kinds[i];
        }
    }
    return NULL;
}

static int begin_section(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    const struct ms_section_place place = {cfg->filename, (unsigned)cfg->line};

    (void)opt;
    *(const char **)result = value;
    if (!reading->has_complained) { /* it goes on after a default that it does not like */
        memset(reading->is_set_there, 0, sizeof reading->is_set_there);
        reading->section = ms_sections_begin(reading->options->sections, kind_of(cfg), cfg->title,
                                             place, reading->complaint);
        reading->has_complained = reading->section == NULL;
    }
    return 0;
}

static int take_value_of_section(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    const struct ms_option *option;

    *(const char **)result = value;
    if (reading->has_complained) {
        return -1;
    }
    option = ms_options_find_key(&reading->section->options, opt->name);
    ms_assert(option != NULL);
    if (!set_once(cfg, option, &reading->is_set_there[option - reading->section->kind->table])) {
        return -1;
    }
    if (!ms_section_set(reading->section, option, (unsigned)cfg->line, value, reading->complaint)) {
        reading->has_complained = true;
        return -1;
    }
    return 0;
}

static int end_section(cfg_t *cfg, cfg_opt_t *opt)
{
    (void)cfg, (void)opt;
    return reading->has_complained ? -1 : 0;
}

static void print_keys(struct ms_text *text)
{
    const char *between = "";

    for (size_t i = 0; i < reading->options->count; i++) {
        if (reading->options->table[i].key != NULL) {
            ms_text_add(text, "%s%s", between, reading->options->table[i].key);
            between = ", ";
        }
    }
}

static void print_valid(const cfg_t *cfg, const char *key, struct ms_text *text)
{
    const struct ms_sections *sections = reading->options->sections;

    if (cfg->title != NULL) {
        ms_text_add(text, "%s \"%s\": unknown key %s; valid keys: ", cfg->name, cfg->title, key);
        ms_sections_print_keys(kind_of(cfg), text);
        return;
    }
    ms_text_add(text, "unknown key %s; ", key);
    if (sections != NULL) {
        ms_text_add(text, "valid sections: ");
        ms_sections_print_kinds(sections->kinds, text);
        ms_text_add(text, "; ");
    }
    ms_text_add(text, "valid keys: ");
    print_keys(text);
}

static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
    char message[MS_COMPLAINT_MAX], keys[MS_COMPLAINT_MAX];
    const char *key;
    struct ms_text text;

    vsnprintf(message, sizeof message, format, arguments);
    if (strstr(message, "no such option") == NULL) {
        complain_at(cfg, message);
        return;
    }
    ms_text_init(&text, keys, sizeof keys);
    key = strchr(message, '\'');
    print_valid(cfg, key == NULL ? "" : key, &text);
    complain_at(cfg, keys);
}

/* A key under both spellings, with '-' and with '_'. */
static size_t add_key(cfg_opt_t *rows, const struct ms_option *option, char **spelling,
                      cfg_callback_t take)
{
    cfg_flag_t flags = option->kind == MS_OPTION_LIST ? CFGF_LIST : CFGF_NONE;
    cfg_opt_t row = CFG_STR_CB(option->key, NULL, flags, take);
    size_t count = 0;

    rows[count++] = row;
    if (strchr(option->key, '-') != NULL && (*spelling = strdup(option->key)) != NULL) {
        for (char *at = strchr(*spelling, '-'); at != NULL; at = strchr(at, '-')) {
            *at = '_';
        }
        row.name = *spelling;
        rows[count++] = row;
    }
    return count;
}

/* What libconfuse has to know of one kind of sections. */
struct kind_rows {
    cfg_opt_t rows[2 * MS_OPTIONS_MAX + 2];
    char *spellings[MS_OPTIONS_MAX];
};

static void build_kind(const struct ms_section_kind *kind, struct kind_rows *to)
{
    size_t count = 0;

    *to = (struct kind_rows){0};
    to->rows[count] = (cfg_opt_t)CFG_STR_CB(BEGIN, NULL, CFGF_NONE, begin_section);
    to->rows[count++].def.parsed = BEGIN_TEXT;
    for (size_t i = 0; i < kind->count; i++) {
        count +=
            add_key(to->rows + count, &kind->table[i], &to->spellings[i], take_value_of_section);
    }
    to->rows[count] = (cfg_opt_t)CFG_END();
}

static void free_spellings(char *const *spellings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(spellings[i]);
    }
}

/* Overwrites comments with spaces: libconfuse counts their lines more than once, and a complaint that
 * names the wrong line is worse than none. Quoted texts are left alone. */
static void blank_comments(char *text)
{
    char quote = '\0';
    bool begins_word = true;

    for (char *at = text; *at != '\0'; at++) {
        if (quote != '\0') {
            at += *at == '\\' && at[1] != '\0' ? 1 : 0;
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (*at == '#' || (begins_word && at[0] == '/' && at[1] == '/')) {
            while (*at != '\0' && *at != '\n') {
                *at++ = ' ';
            }
            at--;
        } else if (begins_word && at[0] == '/' && at[1] == '*') {
            while (*at != '\0' && (at[0] != '*' || at[1] != '/')) {
                *at = *at == '\n' ? '\n' : ' ';
                at++;
            }
            if (*at == '\0') {
                return;
            }
            at[0] = at[1] = ' ';
        }
        begins_word = strchr(" \t\n={}(),", *at) != NULL;
    }
}

/* The whole file with comments blanked, to be freed; NULL with the complaint. */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = file == NULL ? NULL : calloc(1, FILE_SIZE_MAX + 1);
    size_t size = text == NULL ? 0 : fread(text, 1, FILE_SIZE_MAX + 1, file);

    if (text == NULL || ferror(file) != 0) {
        ms_complain(reading->complaint, "cannot read %s: %s", path, strerror(errno));
    } else if (size > FILE_SIZE_MAX || strlen(text) != size) {
        ms_complain(reading->complaint, "%s: not a configuration file of at most %u bytes", path,
                    FILE_SIZE_MAX);
    } else {
        fclose(file);
        blank_comments(text);
        return text;
    }
    reading->has_complained = true;
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return NULL;
}

/* libconfuse takes the end of the file for that of a section. */
static bool check_braces(const char *text, const char *path)
{
    unsigned line = 1, opened_at[DEPTH_MAX] = {0};
    size_t depth = 0;
    char quote = '\0';

    for (const char *at = text; *at != '\0'; at++) {
        line += *at == '\n' ? 1 : 0;
        if (quote != '\0') {
            at += *at == '\\' && at[1] != '\0' && at[1] != '\n' ? 1 : 0;
            quote = *at == quote ? '\0' : quote;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (*at == '{' && depth < DEPTH_MAX) {
            opened_at[depth++] = line;
        } else if (*at == '}' && depth > 0) {
            depth--;
        }
    }
    if (depth > 0) {
        ms_complain(reading->complaint, "%s:%u: this brace is not closed", path,
                    opened_at[depth - 1]);
        reading->has_complained = true;
    }
    return depth == 0;
}

static bool parse_text(cfg_t *cfg, char *text, const char *path)
{
    /* An empty buffer is none for fmemopen. */
    FILE *stream = text[0] == '\0' ? fopen("/dev/null", "r") : fmemopen(text, strlen(text), "r");
    int result = CFG_PARSE_ERROR;

    if (stream != NULL) {
        free(cfg->filename);
        cfg->filename = strdup(path);
        result = cfg_parse_fp(cfg, stream);
        fclose(stream);
    }
    if (result != CFG_SUCCESS && !reading->has_complained) {
        ms_complain(reading->complaint, "%s: not a configuration file", path);
        reading->has_complained = true;
    }
    return result == CFG_SUCCESS;
}

static bool parse(const char *path)
{
    cfg_t *cfg = cfg_init((cfg_opt_t *)reading->rows, CFGF_NONE);
    char *text = cfg == NULL ? NULL : read_file(path);
    bool is_right = false;

    if (text != NULL) {
        cfg_set_error_function(cfg, on_error);
        is_right = check_braces(text, path) && parse_text(cfg, text, path);
    } else if (cfg == NULL) {
        ms_complain(reading->complaint, "%s: out of memory", path);
    }
    free(text);
    if (cfg != NULL) {
        cfg_free(cfg);
    }
    return is_right;
}

/* include("FILE"): relative to the folder of the file that says so. */
static int include(cfg_t *cfg, cfg_opt_t *opt, int count, const char **arguments)
{
    const char *folder_end = strrchr(cfg->filename, '/');
    char path[FILENAME_MAX];
    bool is_right;

    (void)opt;
    if (count != 1 || reading->depth == INCLUDES_MAX) {
        complain_at(cfg, count != 1 ? "include takes one file name" : "too many files in files");
        return 1;
    }
    snprintf(path, sizeof path, "%.*s%s",
             folder_end == NULL || arguments[0][0] == '/' ? 0
                                                          : (int)(folder_end - cfg->filename + 1),
             cfg->filename, arguments[0]);
    reading->depth++;
    is_right = parse(path);
    reading->depth--;
    return is_right ? 0 : 1;
}

/* Rows of all keys, kinds and functions. kinds has room for all of them. */
static void build_rows(const struct ms_options *options, cfg_opt_t *rows, char **spellings,
                       struct kind_rows *kinds)
{
    size_t count = 0;

    for (size_t i = 0; i < options->count; i++) {
        if (options->table[i].key != NULL) {
            count += add_key(rows + count, &options->table[i], &spellings[i], take_value);
        }
    }
    for (size_t i = 0; kinds != NULL && options->sections->kinds[i] != NULL; i++) {
        const struct ms_section_kind *kind = options->sections->kinds[i];

        build_kind(kind, &kinds[i]);
        rows[count] = (cfg_opt_t)CFG_SEC(kind->name, kinds[i].rows, CFGF_MULTI | CFGF_TITLE);
        rows[count++].validcb = end_section;
    }
    rows[count++] = (cfg_opt_t)CFG_FUNC("include", include);
    rows[count] = (cfg_opt_t)CFG_END();
}

static size_t count_kinds(const struct ms_options *options)
{
    size_t count = 0;

    while (options->sections != NULL && options->sections->kinds[count] != NULL) {
        count++;
    }
    ms_assert(count <= KINDS_MAX);
    return count;
}

static bool check_path(const char *path, struct ms_complaint *complaint)
{
    struct stat status;

    if (stat(path, &status) != 0) {
        return ms_complain(complaint, "cannot read %s: %s", path, strerror(errno));
    }
    return !S_ISDIR(status.st_mode) ||
           ms_complain(complaint, "cannot read %s: it is a directory", path);
}

bool ms_config_read(struct ms_options *options, const char *path, struct ms_complaint *complaint)
{
    struct reading now = {.options = options, .complaint = complaint};
    cfg_opt_t rows[2 * MS_OPTIONS_MAX + KINDS_MAX + 2];
    char *spellings[MS_OPTIONS_MAX] = {0};
    const size_t kinds_count = count_kinds(options);
    struct kind_rows *kinds = NULL;
    bool is_right;

    ms_assert(options->count <= MS_OPTIONS_MAX);
    if (!check_path(path, complaint)) {
        return false;
    }
    if (kinds_count > 0 && (kinds = calloc(kinds_count, sizeof *kinds)) == NULL) {
        return ms_complain(complaint, "%s: out of memory", path);
    }
    build_rows(options, rows, spellings, kinds);
    now.rows = rows;
    reading = &now;
    is_right = parse(path);
    reading = NULL;
    free_spellings(spellings, options->count);
    for (size_t i = 0; i < kinds_count; i++) {
        free_spellings(kinds[i].spellings, MS_OPTIONS_MAX);
    }
    free(kinds);
    return is_right;
}

bool ms_config_environment(struct ms_options *options, struct ms_complaint *complaint)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct ms_option *option = &options->table[i];
        const char *value = option->env == NULL ? NULL : getenv(option->env);

        if (value != NULL &&
            !ms_options_set(options, option, (struct ms_option_source){.level = MS_OPTION_ENV},
                            value, complaint)) {
            return false;
        }
    }
    return true;
}

static void print_string(FILE *stream, const char *value)
{
    fputc('"', stream);
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\' || *value == '$') {
            fputc('\\', stream);
        }
        fputc(*value, stream);
    }
    fputc('"', stream);
}

static void print_list(FILE *stream, const struct ms_option_list *list)
{
    fputc('{', stream);
    for (size_t i = 0; i < list->count; i++) {
        fputs(i == 0 ? "" : ", ", stream);
        print_string(stream, list->items[i]);
    }
    fputc('}', stream);
}

/* A value in the file's form; strings can be long, so they are measured first. */
static void print_scalar(FILE *stream, const struct ms_options *options,
                         const struct ms_option *option)
{
    struct ms_text text;
    char *value;

    ms_text_init(&text, NULL, 0);
    ms_options_print_value(options, option, &text);
    value = malloc(text.length + 1);
    if (value == NULL) {
        return;
    }
    ms_text_init(&text, value, text.length + 1);
    ms_options_print_value(options, option, &text);
    print_string(stream, value);
    free(value);
}

static void print_value(FILE *stream, const struct ms_options *options,
                        const struct ms_option *option)
{
    if (option->kind == MS_OPTION_LIST) {
        print_list(stream, (const void *)((const char *)options->target + option->offset));
    } else {
        print_scalar(stream, options, option);
    }
}

static void dump_section(const struct ms_section *section, FILE *stream)
{
    fprintf(stream, "%s ", section->kind->name);
    print_string(stream, section->title);
    fputs(" {\n", stream);
    for (size_t i = 0; i < section->kind->count; i++) {
        const struct ms_option *option = &section->kind->table[i];

        if (section->lines[i] > 0) {
            fprintf(stream, "    %s = ", option->key);
            print_value(stream, &section->options, option);
            fputc('\n', stream);
        }
    }
    fputs("}\n", stream);
}

void ms_config_dump(const struct ms_options *options, FILE *stream)
{
    static const char *const origins[] = {
        [MS_OPTION_UNSET] = "not set",     [MS_OPTION_DEFAULT] = "default",
        [MS_OPTION_FILE] = "file",         [MS_OPTION_ENV] = "environment",
        [MS_OPTION_FLAG] = "command line",
    };

    for (size_t i = 0; i < options->count; i++) {
        const struct ms_option *option = &options->table[i];
        enum ms_option_level level = ms_options_level(options, option);

        if (option->key == NULL) {
            continue;
        }
        fprintf(stream, "%s%s = ", level == MS_OPTION_UNSET ? "# " : "", option->key);
        print_value(stream, options, option);
        fprintf(stream, " # %s\n", origins[level]);
    }
    for (size_t i = 0; options->sections != NULL && i < options->sections->count; i++) {
        dump_section(options->sections->items[i], stream);
    }
}
