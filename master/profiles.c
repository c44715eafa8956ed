#include "master/lanes.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/gates.h"
#include "master/tags.h"

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_OTHER UINT64_C(0x9ae16a3b2f90404f) /* of a second sum */
#define FNV_PRIME UINT64_C(0x100000001b3)

/* What makes a profile, borrowed. */
struct nature {
    struct ms_lane *const *types; /* in order */
    uint32_t types_count;
    struct ms_traits traits;
};

/* Puts lane in its place among the count sorted ones; returns how many there are then. */
static uint32_t insert_sorted(struct ms_lane **sorted, uint32_t count, struct ms_lane *lane)
{
    uint32_t at = count;

    while (at > 0 && sorted[at - 1]->type > lane->type) {
        at--;
    }
    if (at > 0 && sorted[at - 1] == lane) {
        return count;
    }
    for (uint32_t i = count; i > at; i--) {
        sorted[i] = sorted[i - 1];
    }
    sorted[at] = lane;
    return count + 1;
}

static void add_byte(struct ms_key *key, uint8_t byte)
{
    key->a = (key->a ^ byte) * FNV_PRIME;
    key->b = (key->b ^ (byte + UINT64_C(1))) * FNV_PRIME;
}

/* With the zero at its end. */
static void add_text(struct ms_key *key, const char *text)
{
    do {
        add_byte(key, (uint8_t)*text);
    } while (*text++ != '\0');
}

/* Two FNV-1a sums, from different bases. */
static struct ms_key key_of(const struct nature *nature)
{
    struct ms_key key = {FNV_BASIS, FNV_OTHER};

    for (uint32_t i = 0; i < nature->types_count; i++) {
        for (uint32_t shift = 0; shift < 64; shift += 8) {
            add_byte(&key, (uint8_t)(nature->types[i]->type >> shift));
        }
    }
    add_text(&key, nature->traits.group);
    for (uint32_t i = 0; i < nature->traits.labels_count; i++) {
        add_text(&key, nature->traits.labels[i]);
    }
    return key;
}

static struct ms_key word_key(char kind, const char *word)
{
    struct ms_key key = {FNV_BASIS, FNV_OTHER};

    add_byte(&key, (uint8_t)kind);
    add_text(&key, word);
    return key;
}

static bool mention(struct ms_lanes *lanes, char kind, const struct ms_route_name *names,
                    uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!ms_map_put(&lanes->mentioned, word_key(kind, names[i].text), 1)) {
            return false;
        }
    }
    return true;
}

bool ms_lanes_mention(struct ms_lanes *lanes)
{
    for (size_t i = 0; lanes->routes != NULL && i < lanes->routes->count; i++) {
        const struct ms_route_settings *route = &lanes->routes->items[i];

        lanes->are_groups_limited |= ms_route_has_limits(route, MS_ROUTE_PER_GROUP);
        if ((route->group[0] != '\0' &&
             !ms_map_put(&lanes->mentioned, word_key('g', route->group), 1)) ||
            !mention(lanes, 'g', route->groups, route->groups_count) ||
            !mention(lanes, 'l', route->labels, route->labels_count)) {
            return false;
        }
    }
    return true;
}

/* Without what no route asks for: else slaves with a label of their own would have a profile of their own. */
static struct ms_traits reduce(const struct ms_lanes *lanes, const struct ms_traits *traits,
                               const char *labels[static MS_LABELS_MAX])
{
    struct ms_traits reduced = {.group = "", .labels = labels};

    ms_assert(traits->labels_count <= MS_LABELS_MAX);
    if (ms_map_count(&lanes->mentioned) == 0 && !lanes->are_groups_limited) {
        return reduced;
    }
    if (lanes->are_groups_limited ||
        ms_map_find(&lanes->mentioned, word_key('g', traits->group)) != 0) {
        reduced.group = traits->group;
    }
    for (uint32_t i = 0; i < traits->labels_count; i++) {
        if (ms_map_find(&lanes->mentioned, word_key('l', traits->labels[i])) != 0) {
            labels[reduced.labels_count++] = traits->labels[i];
        }
    }
    return reduced;
}

static bool is_same(const struct ms_profile *profile, const struct nature *nature)
{
    return profile->types_count == nature->types_count &&
           memcmp(profile->types, nature->types, nature->types_count * sizeof(void *)) == 0 &&
           ms_traits_equal(profile->traits, &nature->traits);
}

/* The route takes slaves of that group, and with these labels. */
static bool is_wanted(const struct ms_route_settings *route, const struct ms_traits *traits)
{
    const struct ms_labels labels = {traits->labels_count, traits->labels};

    if (route->group[0] != '\0' && strcmp(route->group, traits->group) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < route->labels_count; i++) {
        if (!ms_labels_have(&labels, route->labels[i].text)) {
            return false;
        }
    }
    return true;
}

/* The lanes of a type that slaves with these traits are in: out, when it is not NULL; returns how many. */
static uint32_t lanes_of(struct ms_lane *root, const struct ms_traits *traits, struct ms_lane **out)
{
    uint32_t count = 0;

    if (!is_wanted(root->route, traits)) {
        return 0;
    }
    if (out != NULL) {
        out[count] = root;
    }
    count++;
    for (uint32_t i = 0; i < root->branches_count; i++) {
        if (strcmp(root->route->groups[i].text, traits->group) == 0) {
            if (out != NULL) {
                out[count] = &root->branches[i];
            }
            return count + 1;
        }
    }
    return count;
}

static void link_member(struct ms_lanes *lanes, struct ms_profile *profile, struct ms_lane *lane)
{
    struct ms_member *member = &profile->members[profile->members_count++];

    *member = (struct ms_member){.lane = lane, .profile = profile};
    ms_list_init(&member->supply);
    ms_list_init(&member->demand);
    ms_list_init(&member->of_lane);
    ms_list_push_back(&profile->dry, &member->supply);
    ms_list_push_back(lane->ready_count > 0 ? &profile->backlog : &lane->quiet, &member->demand);
    ms_list_push_back(&lane->members, &member->of_lane);
    member->gate = ms_gates_find(lane->root, profile->traits->group);
    if (member->gate != NULL) {
        ms_gate_join(member->gate);
    }
    if (lane != lane->root) {
        ms_lanes_appoint(lanes, lane->root);
    }
}

static void unlink_member(struct ms_lanes *lanes, struct ms_member *member)
{
    ms_list_remove(&member->supply);
    ms_list_remove(&member->demand);
    ms_list_remove(&member->of_lane);
    if (member->gate != NULL) {
        ms_gate_leave(member->gate);
    }
    if (member->lane != member->lane->root && ms_list_is_empty(&member->lane->members)) {
        ms_lanes_appoint(lanes, member->lane->root);
    }
}

static void destroy(struct ms_profile *profile)
{
    if (profile != NULL) {
        free(profile->traits);
        free(profile->types);
        free(profile);
    }
}

/* Not linked yet. NULL when memory is out. */
static struct ms_profile *make(const struct nature *nature, uint32_t members)
{
    const size_t size = nature->types_count * sizeof *nature->types;
    struct ms_profile *profile = calloc(1, sizeof *profile + members * sizeof profile->members[0]);

    if (profile == NULL) {
        return NULL;
    }
    ms_list_init(&profile->ready);
    ms_list_init(&profile->backlog);
    ms_list_init(&profile->dry);
    ms_list_init(&profile->due);
    profile->traits = ms_traits_copy(&nature->traits);
    profile->types = malloc(size > 0 ? size : 1);
    if (profile->traits == NULL || profile->types == NULL) {
        destroy(profile);
        return NULL;
    }
    if (size > 0) {
        memcpy(profile->types, nature->types, size);
    }
    profile->types_count = nature->types_count;
    return profile;
}

static struct ms_profile *create_profile(struct ms_lanes *lanes, struct ms_key key,
                                         const struct nature *nature)
{
    struct ms_profile *profile;
    uint32_t count = 0;

    for (uint32_t i = 0; i < nature->types_count; i++) {
        const uint32_t found = lanes_of(nature->types[i], &nature->traits, NULL);
        struct ms_gate *gate;

        count += found;
        if (found > 0 && !ms_gates_reach(nature->types[i], nature->traits.group, &gate)) {
            return NULL;
        }
    }
    if (lanes->members_count + count > MS_PROFILE_MEMBERS_MAX) {
        return NULL;
    }
    profile = make(nature, count);
    if (profile == NULL || !ms_map_put_pointer(&lanes->profiles, key, profile)) {
        destroy(profile);
        return NULL;
    }
    profile->key = key;
    for (uint32_t i = 0; i < nature->types_count; i++) {
        struct ms_lane *in[2];
        const uint32_t found = lanes_of(nature->types[i], &nature->traits, in);

        for (uint32_t j = 0; j < found; j++) {
            link_member(lanes, profile, in[j]);
        }
    }
    ms_assert(profile->members_count == count);
    lanes->members_count += count;
    return profile;
}

/* The profile of that nature; two with one key are told apart by counting the key up. */
static struct ms_profile *intern(struct ms_lanes *lanes, const struct nature *nature)
{
    struct ms_key key = key_of(nature);
    struct ms_profile *profile;

    while ((profile = ms_map_find_pointer(&lanes->profiles, key)) != NULL) {
        if (is_same(profile, nature)) {
            return profile;
        }
        key.b++;
    }
    return create_profile(lanes, key, nature);
}

struct ms_profile *ms_lanes_join(struct ms_lanes *lanes, const struct ms_announce *announce,
                                 const struct ms_traits *traits, enum ms_error *error_out,
                                 struct ms_complaint *complaint)
{
    struct ms_lane *sorted[MS_SLAVE_TYPES_MAX];
    const char *labels[MS_LABELS_MAX];
    struct ms_profile *profile;
    uint32_t count = 0;

    if (announce->count > MS_SLAVE_TYPES_MAX) {
        ms_complain(complaint, "%u types announced, at most %d are allowed", announce->count,
                    MS_SLAVE_TYPES_MAX);
        *error_out = MS_E_BAD_ARGUMENT;
        return NULL;
    }
    for (uint32_t i = 0; i < announce->count; i++) {
        struct ms_lane *lane = ms_lanes_add(lanes, &announce->types[i], error_out, complaint);

        if (lane == NULL) {
            return NULL;
        }
        count = insert_sorted(sorted, count, lane);
    }
    profile = intern(lanes, &(struct nature){sorted, count, reduce(lanes, traits, labels)});
    if (profile == NULL) {
        ms_complain(complaint, "too many different sets of types, groups and labels are announced");
        *error_out = MS_E_TOO_MANY;
        return NULL;
    }
    profile->sessions_count++;
    return profile;
}

struct ms_profile *ms_lanes_join_again(struct ms_lanes *lanes, const struct ms_profile *profile,
                                       const struct ms_traits *traits)
{
    const char *labels[MS_LABELS_MAX];
    struct ms_profile *again = intern(lanes, &(struct nature){profile->types, profile->types_count,
                                                              reduce(lanes, traits, labels)});

    if (again != NULL) {
        again->sessions_count++;
    }
    return again;
}

void ms_lanes_forget_profiles(struct ms_lanes *lanes)
{
    ms_map_finish(&lanes->profiles);
    ms_map_init(&lanes->profiles, MS_SESSIONS_MAX_DEFAULT, ms_rng_next(&lanes->rng));
    ms_map_finish(&lanes->mentioned);
    ms_map_init(&lanes->mentioned, MS_MENTIONED_MAX, ms_rng_next(&lanes->rng));
    lanes->are_groups_limited = false;
}

void ms_lanes_leave(struct ms_lanes *lanes, struct ms_profile *profile)
{
    if (profile == NULL) {
        return;
    }
    ms_assert(profile->sessions_count > 0);
    ms_assert(profile->ready_count < profile->sessions_count);
    if (--profile->sessions_count > 0) {
        return;
    }
    ms_assert(ms_list_is_empty(&profile->ready));
    for (uint32_t i = 0; i < profile->members_count; i++) {
        unlink_member(lanes, &profile->members[i]);
    }
    ms_list_remove(&profile->due);
    if (ms_map_find_pointer(&lanes->profiles, profile->key) == profile) {
        ms_map_remove(&lanes->profiles, profile->key); /* else it was forgotten */
    }
    lanes->members_count -= profile->members_count;
    destroy(profile);
}
