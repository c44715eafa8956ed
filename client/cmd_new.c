/* muster new: writes the beginning of a plug-in, ready to be built, tested and loaded. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli_commands.h"
#include "client/cmd_new_templates.h"

#define PATH_SIZE 4096

struct settings {
    const char *dir;
};

static const struct ms_option table[] = {
    {.name = "dir",
     .short_name = 'd',
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .group = "Place",
     .help = "write the files there (default: a new directory NAME)",
     .offset = offsetof(struct settings, dir)},
};

static const struct ms_cli cli = {
    .program = "muster new",
    .arguments = "handler|service NAME",
    .summary = "Writes a new handler or service: its source, a CMakeLists.txt, a test and a "
               "README. It is built "
               "against the installed package and works as it is.",
    .epilogue = "Files that exist are never overwritten.\n\nExamples:\n"
                "  muster new handler thumb\n"
                "  muster new service register\n"
                "  cmake -S thumb -B thumb/build && ctest --test-dir thumb/build\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 2,
    .arguments_max = 2,
};

static bool make_path(char path_out[PATH_SIZE], const char *dir, const char *file, const char *name)
{
    struct ms_text text;

    ms_text_init(&text, path_out, PATH_SIZE);
    ms_text_add(&text, "%s/", dir);
    ms_new_expand(&text, file, name);
    return !ms_text_is_cut(&text);
}

/* The directory and what it lies in. */
static bool make_directories(const char *dir)
{
    char path[PATH_SIZE];

    if (!ms_text_copy(path, sizeof path, dir, strlen(dir))) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            return false;
        }
        *at = '/';
    }
    return mkdir(path, 0777) == 0 || errno == EEXIST;
}

static bool write_file(const char *path, const char *pattern, const char *name)
{
    struct ms_text text;

    ms_text_init(&text, NULL, 0);
    ms_new_expand(&text, pattern, name);
    const size_t size = text.length;
    char *content = malloc(size + 1);
    FILE *file = content != NULL ? fopen(path, "wx") : NULL;
    bool is_written = false;

    if (file != NULL) {
        ms_text_init(&text, content, size + 1);
        ms_new_expand(&text, pattern, name);
        is_written = fwrite(content, 1, size, file) == size;
        is_written = fclose(file) == 0 && is_written;
    }
    free(content);
    return is_written;
}

/* All or nothing: what exists already is seen before the first file is written. */
static bool has_room(const struct ms_new_file *files, const char *dir, const char *name,
                     struct ms_complaint *complaint)
{
    for (const struct ms_new_file *file = files; file->name != NULL; file++) {
        char path[PATH_SIZE];
        struct stat status;

        if (!make_path(path, dir, file->name, name)) {
            return ms_complain(complaint, "the path of the directory is too long");
        }
        if (lstat(path, &status) == 0) {
            return ms_complain(complaint, "%s exists already; nothing was written", path);
        }
    }
    return true;
}

static bool write_files(const struct ms_new_file *files, const char *dir, const char *name,
                        struct ms_complaint *complaint)
{
    if (!has_room(files, dir, name, complaint)) {
        return false;
    }
    if (!make_directories(dir)) {
        return ms_complain(complaint, "cannot make %s: %s", dir, strerror(errno));
    }
    for (const struct ms_new_file *file = files; file->name != NULL; file++) {
        char path[PATH_SIZE];

        if (!make_path(path, dir, file->name, name) || !write_file(path, file->text, name)) {
            return ms_complain(complaint, "cannot write %s: %s", path, strerror(errno));
        }
        puts(path);
    }
    return true;
}

static int write_plugin(const struct settings *settings, const struct ms_new_file *files,
                        const char *name)
{
    struct ms_complaint complaint;
    const char *dir = settings->dir != NULL ? settings->dir : name;

    if (!ms_new_check_name(name, &complaint)) {
        return ms_cli_usage_error(&cli, complaint.text);
    }
    if (!write_files(files, dir, name, &complaint)) {
        ms_cli_say(&cli, "%s", complaint.text);
        return EX_CANTCREAT;
    }
    fprintf(stderr, "Build and test it:\n  cmake -S %s -B %s/build && ctest --test-dir %s/build\n",
            dir, dir, dir);
    return EX_OK;
}

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);
    int code;

    if (result.is_done) {
        return result.exit_code;
    }
    char **words = argv + result.argument_at;

    if (strcmp(words[0], "handler") == 0) {
        code = write_plugin(&settings, ms_new_handler_files, words[1]);
    } else if (strcmp(words[0], "service") == 0) {
        code = write_plugin(&settings, ms_new_service_files, words[1]);
    } else {
        code = ms_cli_usage_error(&cli, "a 'handler' or a 'service' can be made");
    }
    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_new = {
    .name = "new",
    .summary = "write the beginning of a handler or a service",
    .cli = &cli,
    .run = run,
};
