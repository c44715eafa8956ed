#include "core/io/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/invariant.h"

/* libconfuse hands its callbacks nothing of ours, so the reading under way stands here. */
static struct reading {
    struct ms_options *options;
    struct ms_complaint *complaint;
    bool has_complained;
    bool is_set[MS_OPTIONS_MAX];
} * reading;

static void complain_at(const cfg_t *cfg, const char *text)
{
    if (!reading->has_complained) {
        ms_complain(reading->complaint, "%s:%d: %s", cfg->filename, cfg->line, text);
        reading->has_complained = true;
    }
}

static int take_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
    const struct ms_option *option = ms_options_find_key(reading->options, opt->name);
    char place[MS_COMPLAINT_MAX / 2];
    size_t row;

    *(const char **)result = value; /* it wants one; nobody reads it */
    ms_assert(option != NULL);
    row = (size_t)(option - reading->options->table);
    if (reading->is_set[row] && option->kind != MS_OPTION_LIST) {
        complain_at(cfg, "this key was set before");
        return -1;
    }
    reading->is_set[row] = true;
    snprintf(place, sizeof place, "%s:%d", cfg->filename, cfg->line);
    if (!ms_options_set(reading->options, option,
                        (struct ms_option_source){.level = MS_OPTION_FILE, .place = place}, value,
                        reading->complaint)) {
        reading->has_complained = true;
        return -1;
    }
    return 0;
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
    ms_text_add(&text, "unknown key %s; valid keys: ", key == NULL ? "" : key);
    print_keys(&text);
    complain_at(cfg, keys);
}

/* A key under both spellings, with '-' and with '_'. */
static size_t add_key(cfg_opt_t *rows, const struct ms_option *option, char **spelling)
{
    cfg_flag_t flags = option->kind == MS_OPTION_LIST ? CFGF_LIST : CFGF_NONE;
    cfg_opt_t row = CFG_STR_CB(option->key, NULL, flags, take_value);
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

static bool parse(const cfg_opt_t *rows, const char *path)
{
    cfg_t *cfg = cfg_init((cfg_opt_t *)rows, CFGF_NONE);
    int result;

    if (cfg == NULL) {
        return ms_complain(reading->complaint, "%s: out of memory", path);
    }
    cfg_set_error_function(cfg, on_error);
    result = cfg_parse(cfg, path);
    if (result == CFG_FILE_ERROR && !reading->has_complained) {
        ms_complain(reading->complaint, "cannot read %s: %s", path, strerror(errno));
    } else if (result != CFG_SUCCESS && !reading->has_complained) {
        ms_complain(reading->complaint, "%s: not a configuration file", path);
    }
    cfg_free(cfg);
    return result == CFG_SUCCESS;
}

bool ms_config_read(struct ms_options *options, const char *path, struct ms_complaint *complaint)
{
    struct reading now = {.options = options, .complaint = complaint};
    cfg_opt_t rows[2 * MS_OPTIONS_MAX + 2];
    char *spellings[MS_OPTIONS_MAX] = {0};
    size_t count = 0;
    struct stat status;
    bool is_right;

    ms_assert(options->count <= MS_OPTIONS_MAX);
    if (stat(path, &status) != 0) {
        return ms_complain(complaint, "cannot read %s: %s", path, strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
        return ms_complain(complaint, "cannot read %s: it is a directory", path);
    }
    for (size_t i = 0; i < options->count; i++) {
        if (options->table[i].key != NULL) {
            count += add_key(rows + count, &options->table[i], &spellings[i]);
        }
    }
    rows[count++] = (cfg_opt_t)CFG_FUNC("include", cfg_include);
    rows[count] = (cfg_opt_t)CFG_END();
    reading = &now;
    is_right = parse(rows, path);
    reading = NULL;
    for (size_t i = 0; i < options->count; i++) {
        free(spellings[i]);
    }
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
        if (option->kind == MS_OPTION_LIST) {
            print_list(stream, (const void *)((const char *)options->target + option->offset));
        } else {
            print_scalar(stream, options, option);
        }
        fprintf(stream, " # %s\n", origins[level]);
    }
}
