#include "core/io/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/invariant.h"
#include "core/io/config.h"

#define HELP_WIDTH 80

/* What getopt_long returns for a long option: these, or ROW_FIRST + row. */
enum { CODE_HELP = 1000, CODE_VERSION, CODE_CHECK, CODE_DUMP, CODE_MANUAL, ROW_FIRST = 2000 };

/* What the flags asked for beside setting options. */
struct wishes {
    bool help, version, check, dump, manual;
};

struct grammar {
    char shorts[2 + 3 * MS_OPTIONS_MAX + 3];
    struct option longs[MS_OPTIONS_MAX + 6];
};

static bool has_short(const struct ms_cli *cli, char name)
{
    for (size_t i = 0; i < cli->count; i++) {
        if (cli->table[i].short_name == name) {
            return true;
        }
    }
    return false;
}

/* The array starts as zeros and has room for all rows. */
static void add_short(struct grammar *grammar, char letter)
{
    grammar->shorts[strlen(grammar->shorts)] = letter;
}

static void add_row(struct grammar *grammar, const struct ms_option *row, size_t index)
{
    bool is_flag = row->kind == MS_OPTION_BOOL;

    grammar->longs[index] =
        (struct option){.name = row->name,
                        .has_arg = is_flag ? optional_argument : required_argument,
                        .val = ROW_FIRST + (int)index};
    if (row->short_name != 0) {
        add_short(grammar, row->short_name);
        if (!is_flag) {
            add_short(grammar, ':');
        }
    }
}

static void build(const struct ms_cli *cli, struct grammar *grammar)
{
    size_t count = cli->count;

    ms_assert(count <= MS_OPTIONS_MAX);
    *grammar = (struct grammar){0};
    if (cli->is_ordered) {
        add_short(grammar, '+');
    }
    add_short(grammar, ':');
    for (size_t i = 0; i < cli->count; i++) {
        add_row(grammar, &cli->table[i], i);
    }
    if (!has_short(cli, 'h')) {
        add_short(grammar, 'h');
    }
    if (!has_short(cli, 'V')) {
        add_short(grammar, 'V');
    }
    grammar->longs[count++] = (struct option){.name = "help", .val = CODE_HELP};
    grammar->longs[count++] = (struct option){.name = "version", .val = CODE_VERSION};
    grammar->longs[count++] = (struct option){.name = "manual", .val = CODE_MANUAL};
    if (cli->config_option != NULL) {
        grammar->longs[count++] = (struct option){.name = "check", .val = CODE_CHECK};
        grammar->longs[count++] = (struct option){.name = "dump-config", .val = CODE_DUMP};
    }
}

/* getopt says '?' for all that it does not take: find out what it was. */
static bool complain_flag(const struct ms_cli *cli, const struct ms_options *options, char **argv,
                          struct ms_complaint *complaint)
{
    static const struct ms_option_source flag = {.level = MS_OPTION_FLAG};
    char name[MS_COMPLAINT_MAX / 4], *equals;
    size_t matches = 0;

    if (optopt >= CODE_HELP) {
        return ms_complain(complaint, "%s takes no value", argv[optind - 1]);
    }
    if (optopt != 0) {
        return ms_complain(complaint, "unknown option -%c", optopt);
    }
    snprintf(name, sizeof name, "%s", argv[optind - 1] + strspn(argv[optind - 1], "-"));
    equals = strchr(name, '=');
    if (equals != NULL) {
        *equals = '\0';
    }
    for (size_t i = 0; i < cli->count; i++) {
        matches += strncmp(cli->table[i].name, name, strlen(name)) == 0;
    }
    if (matches > 1) {
        return ms_complain(complaint, "--%s is the beginning of several options", name);
    }
    return ms_options_unknown(options, flag, name, complaint);
}

static bool complain_missing(char **argv, struct ms_complaint *complaint)
{
    return ms_complain(complaint, "%s needs a value", argv[optind - 1]);
}

static bool set_row(struct ms_options *options, const struct ms_option *row, const char *text,
                    struct ms_complaint *complaint)
{
    return ms_options_set(options, row, (struct ms_option_source){.level = MS_OPTION_FLAG}, text,
                          complaint);
}

static bool take_flag(struct ms_options *options, int code, struct wishes *wishes,
                      struct ms_complaint *complaint)
{
    const struct ms_option *row;

    if (code >= ROW_FIRST) {
        return set_row(options, &options->table[code - ROW_FIRST], optarg, complaint);
    }
    row = code < 256 ? ms_options_find_short(options, (char)code) : NULL;
    if (row != NULL) {
        return set_row(options, row, optarg, complaint);
    }
    wishes->help |= code == CODE_HELP || code == 'h';
    wishes->version |= code == CODE_VERSION || code == 'V';
    wishes->manual |= code == CODE_MANUAL;
    wishes->check |= code == CODE_CHECK;
    wishes->dump |= code == CODE_DUMP;
    return true;
}

/* The flags; --help and --version win over mistakes that come after them. */
static bool read_flags(const struct ms_cli *cli, char **argv, struct ms_options *options,
                       struct wishes *wishes, struct ms_complaint *complaint)
{
    struct grammar grammar;
    int code, argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    build(cli, &grammar);
    opterr = 0;
    optind = 0; /* glibc: start anew */
    while ((code = getopt_long(argc, argv, grammar.shorts, grammar.longs, NULL)) != -1) {
        if (code == '?') {
            return complain_flag(cli, options, argv, complaint);
        }
        if (code == ':') {
            return complain_missing(argv, complaint);
        }
        if (!take_flag(options, code, wishes, complaint)) {
            return false;
        }
        if (wishes->help || wishes->version || wishes->manual) {
            return true;
        }
    }
    return true;
}

static const char *config_path(const struct ms_cli *cli, const struct ms_options *options)
{
    const struct ms_option *row;

    if (cli->config_option == NULL) {
        return NULL;
    }
    row = ms_options_find(options, cli->config_option);
    ms_assert(row != NULL && row->kind == MS_OPTION_STRING);
    return *(const char *const *)(const void *)((const char *)options->target + row->offset);
}

/* Environment first, because it may name the file; a file's values do not override it. */
static bool read_rest(const struct ms_cli *cli, struct ms_options *options,
                      struct ms_complaint *complaint)
{
    const char *path;

    if (!ms_config_environment(options, complaint)) {
        return false;
    }
    path = config_path(cli, options);
    if (path != NULL && !ms_config_read(options, path, complaint)) {
        return false;
    }
    return ms_options_check(options, complaint) &&
           (options->sections == NULL || ms_sections_check(options->sections, complaint)) &&
           (cli->check == NULL || cli->check(options->target, complaint));
}

typedef void (*print_fn)(const void *of, struct ms_text *text);

static void options_for_terminal(const void *of, struct ms_text *text)
{
    const struct ms_cli *cli = of;

    ms_options_print_help(cli->table, cli->count, HELP_WIDTH, text);
    ms_sections_print_help(cli->sections, HELP_WIDTH, text);
}

static void options_for_manual(const void *of, struct ms_text *text)
{
    const struct ms_cli *cli = of;

    ms_options_print_manual(cli->table, cli->count, text);
    ms_sections_print_manual(cli->sections, text);
}

static void summary(const void *sections, struct ms_text *text)
{
    ms_sections_print_summary(sections, text);
}

/* However long it is; to be freed, NULL when memory is out. */
static char *print_whole(const void *of, print_fn print)
{
    struct ms_text text;
    char *whole;

    ms_text_init(&text, NULL, 0);
    print(of, &text);
    whole = malloc(text.length + 1);
    if (whole != NULL) {
        ms_text_init(&text, whole, text.length + 1);
        print(of, &text);
    }
    return whole;
}

static void print_help(const struct ms_cli *cli)
{
    char *options = print_whole(cli, options_for_terminal);

    if (options == NULL) {
        return;
    }
    printf("Usage: %s [OPTION]...%s%s\n%s\n%s%s", cli->program, cli->arguments == NULL ? "" : " ",
           cli->arguments == NULL ? "" : cli->arguments, cli->summary, cli->count > 0 ? "\n" : "",
           options);
    free(options);
    puts("\nOther");
    if (cli->config_option != NULL) {
        puts("      --check          read the configuration, say whether it is right, end");
        puts("      --dump-config    print the values in force as a configuration file, end");
    }
    puts("      --manual         print this as Markdown, end");
    printf("  %s --help           print this, end\n", has_short(cli, 'h') ? "   " : "-h,");
    printf("  %s --version        print the version, end\n", has_short(cli, 'V') ? "   " : "-V,");
    if (cli->epilogue != NULL) {
        printf("\n%s\n", cli->epilogue);
    }
}

static void print_manual(const struct ms_cli *cli)
{
    char *options = print_whole(cli, options_for_manual);

    if (options == NULL) {
        return;
    }
    printf("## %s\n\n%s\n\n    %s [OPTION]...%s%s\n\n%s\n", cli->program, cli->summary,
           cli->program, cli->arguments == NULL ? "" : " ",
           cli->arguments == NULL ? "" : cli->arguments, options);
    free(options);
}

int ms_cli_usage_error(const struct ms_cli *cli, const char *text)
{
    fprintf(stderr, "%s: %s\nTry '%s --help' for more information.\n", cli->program, text,
            cli->program);
    return EX_USAGE;
}

static struct ms_cli_result finish(struct ms_options *options, int exit_code)
{
    ms_options_finish(options);
    return (struct ms_cli_result){.is_done = true, .exit_code = exit_code};
}

static bool check_arguments(const struct ms_cli *cli, int count, struct ms_complaint *complaint)
{
    if (count < cli->arguments_min) {
        return ms_complain(complaint, "an argument is missing: %s",
                           cli->arguments == NULL ? "" : cli->arguments);
    }
    if (cli->arguments_max >= 0 && count > cli->arguments_max) {
        return ms_complain(complaint,
                           cli->arguments_max == 0 ? "takes no arguments" : "too many arguments");
    }
    return true;
}

/* Defaults, and no sections yet. */
static bool init(const struct ms_cli *cli, void *target, struct ms_options *options)
{
    if (!ms_options_init(options, cli->table, cli->count, target)) {
        return false;
    }
    if (cli->sections != NULL) {
        options->sections = ms_sections_create(cli->sections);
    }
    return cli->sections == NULL || options->sections != NULL;
}

static void print_check(const struct ms_options *options)
{
    char *sections = options->sections == NULL ? NULL : print_whole(options->sections, summary);

    puts("the configuration is right");
    if (sections != NULL) {
        fputs(sections, stdout);
    }
    free(sections);
}

struct ms_cli_result ms_cli_parse(const struct ms_cli *cli, int argc, char **argv, void *target,
                                  struct ms_options *options)
{
    struct ms_complaint complaint;
    struct wishes wishes = {0};
    int argument_at;

    ms_assert(argc > 0 && argv[argc] == NULL);
    if (!init(cli, target, options)) {
        fprintf(stderr, "%s: out of memory\n", cli->program);
        return finish(options, EX_OSERR);
    }
    if (!read_flags(cli, argv, options, &wishes, &complaint)) {
        return finish(options, ms_cli_usage_error(cli, complaint.text));
    }
    argument_at = optind;
    if (wishes.help) {
        print_help(cli);
        return finish(options, EX_OK);
    }
    if (wishes.manual) {
        print_manual(cli);
        return finish(options, EX_OK);
    }
    if (wishes.version) {
        printf("%s (muster) %s\n", cli->program, MS_VERSION);
        return finish(options, EX_OK);
    }
    if (!check_arguments(cli, argc - argument_at, &complaint)) {
        return finish(options, ms_cli_usage_error(cli, complaint.text));
    }
    if (!read_rest(cli, options, &complaint)) {
        fprintf(stderr, "%s: %s\n", cli->program, complaint.text);
        return finish(options, EX_CONFIG);
    }
    if (wishes.dump) {
        ms_config_dump(options, stdout);
    } else if (wishes.check) {
        print_check(options);
    }
    if (wishes.dump || wishes.check) {
        return finish(options, EX_OK);
    }
    return (struct ms_cli_result){.argument_at = argument_at};
}

bool ms_cli_reload(const struct ms_cli *cli, char **argv, void *target, struct ms_options *options,
                   struct ms_complaint *complaint)
{
    struct wishes wishes = {0};

    if (!init(cli, target, options)) {
        ms_options_finish(options);
        return ms_complain(complaint, "out of memory");
    }
    if (!read_flags(cli, argv, options, &wishes, complaint) ||
        !read_rest(cli, options, complaint)) {
        ms_options_finish(options);
        return false;
    }
    return true;
}
