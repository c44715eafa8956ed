#include "core/io/service_files.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/invariant.h"

#define ENDING        ".service"
#define LINE_MAX_SIZE 4096

/* Structs of this ABI never were smaller than this. */
#define SERVICE_SIZE_MIN sizeof(struct ms_service)

/* One description while it is read. */
struct description {
    char path[PATH_MAX];
    char library[PATH_MAX];
    char parameters[LINE_MAX_SIZE];
};

static bool check_service(const struct ms_service *service, const char *path,
                          struct ms_complaint *complaint)
{
    if (service->abi != MS_SERVICE_ABI) {
        return ms_complain(complaint, "%s: service ABI is %u, this program has %u; build it again",
                           path, (unsigned)service->abi, MS_SERVICE_ABI);
    }
    if (service->size < SERVICE_SIZE_MIN || service->size > sizeof *service) {
        return ms_complain(complaint,
                           "%s: struct ms_service has %u bytes, this program knows %zu to %zu",
                           path, (unsigned)service->size, SERVICE_SIZE_MIN, sizeof *service);
    }
    if (service->type == NULL || !ms_text_is_name(service->type, strlen(service->type))) {
        return ms_complain(complaint,
                           "%s: a service's type has 1 to %d letters, digits, '.', '_' or '-'",
                           path, MS_NAME_MAX);
    }
    if (service->create == NULL || service->apply == NULL) {
        return ms_complain(complaint, "%s: service %s has no create, or no apply", path,
                           service->type);
    }
    if ((service->snapshot == NULL) != (service->restore == NULL)) {
        return ms_complain(complaint, "%s: service %s has only one of snapshot and restore", path,
                           service->type);
    }
    return true;
}

static const struct ms_service *load(const char *path, struct ms_complaint *complaint)
{
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct ms_service *service;

    if (object == NULL) {
        const char *why = dlerror();

        ms_complain(complaint, "cannot load service: %s", why != NULL ? why : path);
        return NULL;
    }
    service = dlsym(object, "ms_service_v1");
    if (service == NULL) {
        ms_complain(complaint, "%s: exports no ms_service_v1", path);
        return NULL;
    }
    return check_service(service, path, complaint) ? service : NULL;
}

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
    size_t size;

    text += strspn(text, " \t");
    size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL) {
        text[--size] = '\0';
    }
    return text;
}

/* "word = value", or nothing. */
static bool read_line(struct description *description, const char *directory, char *line,
                      struct ms_complaint *complaint)
{
    char *word = trim(line);
    char *equals = strchr(word, '=');
    struct ms_text text;

    if (*word == '\0' || *word == '#') {
        return true;
    }
    if (equals == NULL) {
        return ms_complain(complaint, "library = FILE, or parameters = TEXT");
    }
    *equals = '\0';
    word = trim(word);
    const char *value = trim(equals + 1);

    if (strcmp(word, "library") == 0 && *value != '\0') {
        ms_text_init(&text, description->library, sizeof description->library);
        ms_text_add(&text, "%s%s%s", *value == '/' ? "" : directory, *value == '/' ? "" : "/",
                    value);
        return !ms_text_is_cut(&text) || ms_complain(complaint, "the path is too long");
    }
    if (strcmp(word, "parameters") == 0) {
        return ms_text_copy(description->parameters, sizeof description->parameters, value,
                            strlen(value)) ||
               ms_complain(complaint, "the parameters are too long");
    }
    return ms_complain(
        complaint, "'%s' is unknown: library, which is not empty, and parameters are known", word);
}

static bool read_file(struct description *description, const char *directory,
                      struct ms_complaint *complaint)
{
    FILE *file = fopen(description->path, "r");
    char line[LINE_MAX_SIZE];
    struct ms_complaint why;
    bool is_fine = file != NULL;
    unsigned number = 0;

    if (file == NULL) {
        return ms_complain(complaint, "cannot read %s: %s", description->path, strerror(errno));
    }
    while (is_fine && fgets(line, sizeof line, file) != NULL) {
        number++;
        is_fine = strlen(line) < sizeof line - 1 || ms_complain(&why, "the line is too long");
        is_fine = is_fine && read_line(description, directory, line, &why);
    }
    if (!is_fine) {
        ms_complain(complaint, "%s:%u: %s", description->path, number, why.text);
    } else if (description->library[0] == '\0') {
        is_fine = ms_complain(complaint, "%s: it names no library", description->path);
    }
    fclose(file);
    return is_fine;
}

static bool add(struct ms_service_files *files, const char *directory, const char *entry,
                struct ms_complaint *complaint)
{
    struct ms_service_file *file = &files->items[files->count];
    const size_t size = strlen(entry) - strlen(ENDING);
    struct description *description = calloc(1, sizeof *description);
    struct ms_text text;
    bool is_fine = false;

    if (description == NULL) {
        return ms_complain(complaint, "out of memory");
    }
    ms_text_init(&text, description->path, sizeof description->path);
    ms_text_add(&text, "%s/%s", directory, entry);
    if (files->count == MS_SERVICES_MAX) {
        ms_complain(complaint, "%s: more than %u services", directory, MS_SERVICES_MAX);
    } else if (!ms_text_is_name(entry, size) || ms_text_is_cut(&text)) {
        ms_complain(complaint, "%s: a service's name has 1 to %d letters, digits, '.', '_' or '-'",
                    description->path, MS_NAME_MAX);
    } else if (read_file(description, directory, complaint)) {
        file->service = load(description->library, complaint);
        file->parameters = file->service != NULL ? strdup(description->parameters) : NULL;
        is_fine = file->service != NULL &&
                  (file->parameters != NULL || ms_complain(complaint, "out of memory"));
    }
    if (is_fine) {
        memcpy(file->name, entry, size);
        file->name[size] = '\0';
        files->count++;
    }
    free(description);
    return is_fine;
}

static int is_description(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name), ending = strlen(ENDING);

    return length > ending && entry->d_name[0] != '.' &&
           strcmp(entry->d_name + length - ending, ENDING) == 0;
}

bool ms_service_files_load(struct ms_service_files *files, const char *directory,
                           struct ms_complaint *complaint)
{
    struct dirent **entries = NULL;
    const int count = scandir(directory, &entries, is_description, alphasort);
    bool is_fine = true;

    if (count < 0) {
        return ms_complain(complaint, "cannot read services in %s: %s", directory, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        is_fine = is_fine && add(files, directory, entries[i]->d_name, complaint);
        free(entries[i]);
    }
    free(entries);
    return is_fine;
}

void ms_service_files_finish(struct ms_service_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        free(files->items[i].parameters);
    }
    *files = (struct ms_service_files){.count = 0};
}
