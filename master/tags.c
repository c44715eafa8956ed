#include "master/tags.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"

static_assert(MS_LABELS_MAX <= 64, "they are sorted by insertion");

void ms_tagging_init(struct ms_tagging *tagging, uint64_t seed)
{
    *tagging = (struct ms_tagging){0};
    ms_list_init(&tagging->all);
    ms_map_init(&tagging->sets, MS_SESSIONS_MAX_DEFAULT, seed);
}

void ms_tagging_finish(struct ms_tagging *tagging)
{
    struct ms_list *link;

    while (tagging->bytes > 0 && (link = ms_list_pop_front(&tagging->all)) != NULL) {
        struct ms_tags *tags = ms_container_of(link, struct ms_tags, link);

        tagging->bytes -= tags->size;
        free(tags);
    }
    ms_map_finish(&tagging->sets);
}

/* What a slave says, with its labels in order; borrowed from its HELLO. */
struct said {
    const char *group, *build;
    uint32_t count;
    const char *words[MS_LABELS_MAX];
};

static void insert(struct said *said, const char *word)
{
    uint32_t at = said->count;

    while (at > 0 && strcmp(said->words[at - 1], word) > 0) {
        at--;
    }
    if (at > 0 && strcmp(said->words[at - 1], word) == 0) {
        return;
    }
    memmove(said->words + at + 1, said->words + at, (said->count - at) * sizeof said->words[0]);
    said->words[at] = word;
    said->count++;
}

static void listen(const struct ms_hello *hello, struct said *said_out)
{
    *said_out = (struct said){.group = hello->group, .build = hello->build};
    ms_assert(hello->labels_count <= MS_LABELS_MAX);
    for (uint32_t i = 0; i < hello->labels_count; i++) {
        insert(said_out, hello->labels[i]);
    }
}

/* Goes on with a hash by a word and its end (FNV-1a, twice with different beginnings). */
static void hash(struct ms_key *key, const char *word)
{
    const uint64_t prime = UINT64_C(0x100000001b3);

    for (const char *c = word;; c++) {
        key->a = (key->a ^ (uint8_t)*c) * prime;
        key->b = (key->b ^ (uint8_t)*c ^ (key->a >> 32)) * prime;
        if (*c == '\0') {
            return;
        }
    }
}

static struct ms_key key_of(const struct said *said)
{
    struct ms_key key = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4)};

    hash(&key, said->group);
    hash(&key, said->build);
    for (uint32_t i = 0; i < said->count; i++) {
        hash(&key, said->words[i]);
    }
    return key;
}

static bool is_same(const struct ms_tags *tags, const struct said *said)
{
    if (strcmp(tags->group, said->group) != 0 || strcmp(tags->build, said->build) != 0 ||
        tags->labels.count != said->count) {
        return false;
    }
    for (uint32_t i = 0; i < said->count; i++) {
        if (strcmp(tags->labels.words[i], said->words[i]) != 0) {
            return false;
        }
    }
    return true;
}

static const char *copy(char **at, const char *word)
{
    const size_t size = strlen(word) + 1;
    const char *begin = memcpy(*at, word, size);

    *at += size;
    return begin;
}

static size_t size_of(const struct said *said)
{
    size_t size = sizeof(struct ms_tags) + said->count * sizeof said->words[0] +
                  strlen(said->group) + 1 + strlen(said->build) + 1;

    for (uint32_t i = 0; i < said->count; i++) {
        size += strlen(said->words[i]) + 1;
    }
    return size;
}

/* One block: the struct, where the words are, the words. */
static struct ms_tags *create(struct ms_tagging *tagging, struct ms_key key,
                              const struct said *said)
{
    const size_t size = size_of(said);
    struct ms_tags *tags;

    if (size > MS_TAGS_BYTES_MAX - tagging->bytes) {
        return NULL;
    }
    tags = calloc(1, size);
    if (tags == NULL || !ms_map_put_pointer(&tagging->sets, key, tags)) {
        free(tags);
        return NULL;
    }
    const char **words = (const char **)(void *)(tags + 1);
    char *at = (char *)(words + said->count);

    ms_list_init(&tags->link);
    ms_list_push_back(&tagging->all, &tags->link);
    tags->key = key;
    tags->size = size;
    tags->group = copy(&at, said->group);
    tags->build = copy(&at, said->build);
    for (uint32_t i = 0; i < said->count; i++) {
        words[i] = copy(&at, said->words[i]);
    }
    tags->labels = (struct ms_labels){said->count, words};
    ms_assert(at == (char *)tags + size);
    tagging->bytes += size;
    return tags;
}

/* Two sets with one key are told apart by counting the key up. */
const struct ms_tags *ms_tagging_take(struct ms_tagging *tagging, const struct ms_hello *hello)
{
    struct ms_tags *tags;
    struct ms_key key;
    struct said said;

    listen(hello, &said);
    key = key_of(&said);
    while ((tags = ms_map_find_pointer(&tagging->sets, key)) != NULL && !is_same(tags, &said)) {
        key.b++;
    }
    if (tags == NULL) {
        tags = create(tagging, key, &said);
    }
    if (tags != NULL) {
        tags->users_count++;
    }
    return tags;
}

void ms_tagging_give(struct ms_tagging *tagging, const struct ms_tags *tags)
{
    if (tags == NULL) {
        return;
    }
    struct ms_tags *own = ms_map_find_pointer(&tagging->sets, tags->key);

    ms_assert(own == tags);
    ms_assert(own->users_count > 0);
    if (--own->users_count > 0) {
        return;
    }
    ms_list_remove(&own->link);
    ms_map_remove(&tagging->sets, own->key);
    ms_assert(tagging->bytes >= own->size);
    tagging->bytes -= own->size;
    free(own);
}

bool ms_labels_have(const struct ms_labels *labels, const char *word)
{
    for (uint32_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->words[i], word) == 0) {
            return true;
        }
    }
    return false;
}
