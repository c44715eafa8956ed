#include "core/io/provider.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct ms_provider *const own[] = {&ms_provider_lines, &ms_provider_range};

#define OWN_NAMES "lines, range"
#define OWN_COUNT (sizeof own / sizeof own[0])

/* abi first: nothing else may be looked at before it is known to be ours. */
static bool check_abi(const struct ms_provider *provider, const char *file,
                      struct ms_complaint *complaint)
{
    if (provider->abi != MS_PROVIDER_ABI) {
        return ms_complain(complaint, "%s: provider ABI is %u, this program has %u; build it again",
                           file, (unsigned)provider->abi, MS_PROVIDER_ABI);
    }
    if (provider->size != sizeof *provider) {
        return ms_complain(complaint, "%s: struct ms_provider has %u bytes, this program knows %zu",
                           file, (unsigned)provider->size, sizeof *provider);
    }
    return (provider->open != NULL && provider->close != NULL && provider->produce != NULL &&
            provider->keys != NULL) ||
           ms_complain(complaint, "%s: a provider has keys, open, close and produce", file);
}

static const struct ms_provider *load(const char *file, struct ms_complaint *complaint)
{
    /* dlopen searches the system's directories for a name without a slash; we mean this file. */
    const char *here = strchr(file, '/') == NULL ? "./" : "";
    const size_t size = strlen(here) + strlen(file) + 1;
    char *path = malloc(size);
    const struct ms_provider *provider;
    void *object;

    if (path == NULL) {
        ms_complain(complaint, "%s: out of memory", file);
        return NULL;
    }
    snprintf(path, size, "%s%s", here, file);
    object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(path);
    if (object == NULL) {
        const char *why = dlerror();

        ms_complain(complaint, "cannot load provider: %s", why != NULL ? why : file);
        return NULL;
    }
    provider = dlsym(object, "ms_provider_v2");
    if (provider == NULL) {
        ms_complain(complaint, "%s: exports no ms_provider_v2", file);
        return NULL;
    }
    return check_abi(provider, file, complaint) ? provider : NULL;
}

static bool is_file(const char *use)
{
    const size_t size = strlen(use);

    return strchr(use, '/') != NULL || (size > 3 && strcmp(use + size - 3, ".so") == 0);
}

const struct ms_provider *ms_provider_find(const char *use, struct ms_complaint *complaint)
{
    if (is_file(use)) {
        return load(use, complaint);
    }
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (strcmp(own[i]->name, use) == 0) {
            return own[i];
        }
    }
    ms_complain(complaint, "\"%.64s\" is none of %s, nor a plug-in's file", use, OWN_NAMES);
    return NULL;
}

static bool knows(const struct ms_provider *provider, const char *word, size_t size)
{
    for (const char *const *key = provider->keys; *key != NULL; key++) {
        if (strlen(*key) == size && strncmp(*key, word, size) == 0) {
            return true;
        }
    }
    return false;
}

static bool complain_of_key(const struct ms_provider *provider, const char *word,
                            struct ms_complaint *complaint)
{
    char keys[MS_COMPLAINT_MAX / 2];
    struct ms_text text;

    ms_text_init(&text, keys, sizeof keys);
    for (const char *const *key = provider->keys; *key != NULL; key++) {
        ms_text_add(&text, "%s%s=", text.length > 0 ? ", " : "", *key);
    }
    return ms_complain(complaint, "\"%.64s\": %s knows %s", word, provider->name,
                       keys[0] != '\0' ? keys : "none");
}

bool ms_provider_check_with(const struct ms_provider *provider, const struct ms_option_list *with,
                            struct ms_complaint *complaint)
{
    for (size_t i = 0; i < with->count; i++) {
        const char *word = with->items[i];
        const size_t size = strcspn(word, "=");

        if (word[size] != '=' || !knows(provider, word, size)) {
            return complain_of_key(provider, word, complaint);
        }
        for (size_t j = 0; j < i; j++) {
            if (strncmp(with->items[j], word, size + 1) == 0) {
                return ms_complain(complaint, "%.*s= is there twice", (int)size, word);
            }
        }
    }
    return true;
}

bool ms_provider_check(const struct ms_provider *provider, const char *name,
                       const struct ms_option_list *with, struct ms_complaint *complaint)
{
    const struct ms_provider_setup setup = {
        .abi = MS_PROVIDER_ABI,
        .size = sizeof setup,
        .name = name,
        .with = (const char *const *)with->items,
        .with_count = with->count,
        .is_check = 1,
    };
    struct ms_provider_reply reply = {.abi = MS_PROVIDER_ABI, .size = sizeof reply};
    void *self = provider->open(&setup, &reply);

    if (self == NULL) {
        return ms_complain(complaint, "%s", reply.why);
    }
    provider->close(self);
    return true;
}
