#include "core/filter.h"

#include "core/command.h"
#include "core/glob.h"
#include "core/invariant.h"
#include "core/options.h"
#include "core/session.h"

#define BLANKS         " \t\r\n"
#define VALUE_SIZE     64 /* of a number as text, with its unit and the terminating zero */
#define HEX_SIZE       33 /* of a uuid */
#define DECIMAL_SIZE   21 /* of 64 bits */
#define WORDS_TEXT_MAX 256

enum kind {
    KIND_NAME,
    KIND_STATE,
    KIND_STATUS,
    KIND_WALK, /* state of a session */
    KIND_YES_NO,
    KIND_NUMBER, /* this one and those behind it are compared as numbers */
    KIND_DURATION,
    KIND_SIZE
};

enum field {
    FIELD_STATE,
    FIELD_STATUS,
    FIELD_TYPE,
    FIELD_CLIENT,
    FIELD_SLAVE,
    FIELD_GROUP,
    FIELD_UNIQUE,
    FIELD_KEY,
    FIELD_SEQ,
    FIELD_PRIORITY,
    FIELD_ATTEMPTS,
    FIELD_FAILURES,
    FIELD_CRASHES,
    FIELD_AGE,
    FIELD_WAITING,
    FIELD_DEADLINE,
    FIELD_SIZE,
    FIELD_OF_SLAVES, /* those from here on */
    FIELD_NAME = FIELD_OF_SLAVES,
    FIELD_SLAVE_STATE,
    FIELD_SLAVE_GROUP,
    FIELD_LABEL,
    FIELD_BUILD,
    FIELD_CONNECTED,
    FIELD_DRAINING,
    FIELD_CORDONED,
    FIELD_SLOTS,
    FIELD_HELD,
    FIELD_COUNT
};

static const struct {
    const char *name;
    enum kind kind;
} fields[FIELD_COUNT] = {
    [FIELD_STATE] = {"state", KIND_STATE},
    [FIELD_STATUS] = {"status", KIND_STATUS},
    [FIELD_TYPE] = {"type", KIND_NAME},
    [FIELD_CLIENT] = {"client", KIND_NAME},
    [FIELD_SLAVE] = {"slave", KIND_NAME},
    [FIELD_GROUP] = {"group", KIND_NAME},
    [FIELD_UNIQUE] = {"unique", KIND_NAME},
    [FIELD_KEY] = {"key", KIND_NAME},
    [FIELD_SEQ] = {"seq", KIND_NUMBER},
    [FIELD_PRIORITY] = {"priority", KIND_NUMBER},
    [FIELD_ATTEMPTS] = {"attempts", KIND_NUMBER},
    [FIELD_FAILURES] = {"failures", KIND_NUMBER},
    [FIELD_CRASHES] = {"crashes", KIND_NUMBER},
    [FIELD_AGE] = {"age", KIND_DURATION},
    [FIELD_WAITING] = {"waiting", KIND_DURATION},
    [FIELD_DEADLINE] = {"deadline", KIND_DURATION},
    [FIELD_SIZE] = {"size", KIND_SIZE},
    [FIELD_NAME] = {"name", KIND_NAME},
    [FIELD_SLAVE_STATE] = {"state", KIND_WALK},
    [FIELD_SLAVE_GROUP] = {"group", KIND_NAME},
    [FIELD_LABEL] = {"label", KIND_NAME},
    [FIELD_BUILD] = {"build", KIND_NAME},
    [FIELD_CONNECTED] = {"connected", KIND_YES_NO},
    [FIELD_DRAINING] = {"draining", KIND_YES_NO},
    [FIELD_CORDONED] = {"cordoned", KIND_YES_NO},
    [FIELD_SLOTS] = {"slots", KIND_NUMBER},
    [FIELD_HELD] = {"held", KIND_NUMBER},
};

enum comparison { EQUAL, UNEQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

/* Longer ones first, so that the first that fits is the right one. */
static const struct {
    const char *text;
    enum comparison comparison;
} operators[] = {
    {"!=", UNEQUAL}, {"<=", LESS_OR_EQUAL}, {">=", GREATER_OR_EQUAL},
    {"=", EQUAL},    {"<", LESS},           {">", GREATER},
};

/* ---- patterns ---- */

/* The place behind the pattern that begins at `at`: its comma, or end. */
static const char *pattern_end(const char *at, const char *end)
{
    while (at < end && *at != ',') {
        at += *at == '\\' && at + 1 < end ? 2 : 1;
    }
    ms_assert(at <= end);
    return at;
}

static bool is_one_of(const struct ms_filter *filter, const struct ms_filter_term *term,
                      struct ms_bytes text)
{
    const char *at = filter->text + term->begin;
    const char *const end = filter->text + term->end;

    ms_assert(term->begin <= term->end && term->end <= MS_WHERE_MAX);
    for (;;) {
        const char *const stop = pattern_end(at, end);

        /* Nothing at all means that there is none, which a star does not. */
        if (at == stop ? text.size == 0 : text.size > 0 && ms_glob(at, stop, text)) {
            return true;
        }
        if (stop == end) {
            return false;
        }
        at = stop + 1;
    }
}

/* ---- parsing ---- */

static const char *word_of(enum kind kind, uint32_t index)
{
    static const char *const states[] = {"ready", "delayed", "leased",
                                         "done",  "buried",  "cancelled"};

    switch (kind) {
    case KIND_STATE:
        return index < sizeof states / sizeof states[0] ? states[index] : NULL;
    case KIND_STATUS:
        return index < MS_STATUS_COUNT ? ms_status_name((enum ms_status)index) : NULL;
    case KIND_WALK:
        return index < MS_SESSION_STATES ? ms_session_state_name((enum ms_session_state)index)
                                         : NULL;
    default:
        ms_assert(kind == KIND_YES_NO);
        return index == 0 ? "yes" : index == 1 ? "no" : NULL;
    }
}

static const char *title_of(enum kind kind)
{
    return kind == KIND_STATUS ? "status" : kind == KIND_YES_NO ? "answer" : "state";
}

/* A word that no command can have is a slip, and would quietly match nothing. */
static bool check_words(enum kind kind, const char *at, const char *end,
                        struct ms_complaint *complaint)
{
    char list[WORDS_TEXT_MAX];
    struct ms_text words;

    for (; at <= end; at++) {
        const char *const stop = pattern_end(at, end);
        bool is_known = at == stop && kind == KIND_STATUS;

        ms_text_init(&words, list, sizeof list);
        for (uint32_t i = 0; word_of(kind, i) != NULL; i++) {
            is_known = is_known || ms_glob(at, stop, ms_bytes_of(word_of(kind, i)));
            ms_text_add(&words, "%s%s", i > 0 ? ", " : "", word_of(kind, i));
        }
        if (!is_known) {
            return ms_complain(complaint, "no %s is called \"%.*s\"; there are %s", title_of(kind),
                               (int)(stop - at), at, list);
        }
        at = stop;
    }
    return true;
}

static bool parse_integer(const char *value, int64_t *number_out, struct ms_complaint *complaint)
{
    const bool is_negative = value[0] == '-';
    const char *const digits = value + is_negative;
    uint64_t number;

    if (!ms_text_to_u64(digits, strlen(digits), &number) || number > INT64_MAX) {
        return ms_complain(complaint, "\"%s\" is not a whole number", value);
    }
    *number_out = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool parse_number(enum kind kind, const char *at, const char *end, int64_t *number_out,
                         struct ms_complaint *complaint)
{
    char value[VALUE_SIZE];
    uint64_t size;

    if (!ms_text_copy(value, sizeof value, at, (size_t)(end - at))) {
        return ms_complain(complaint, "\"%.*s\" is too long for a number", (int)(end - at), at);
    }
    if (kind == KIND_NUMBER) {
        return parse_integer(value, number_out, complaint);
    }
    if (kind == KIND_DURATION) {
        return ms_parse_duration(value, number_out, complaint);
    }
    ms_assert(kind == KIND_SIZE);
    if (!ms_parse_size(value, &size, complaint)) {
        return false;
    }
    *number_out = size > INT64_MAX ? INT64_MAX : (int64_t)size;
    return true;
}

static bool find_field(const char *name, size_t size, bool is_of_slaves, uint8_t *field_out,
                       struct ms_complaint *complaint)
{
    const uint8_t first = is_of_slaves ? FIELD_OF_SLAVES : 0;
    const uint8_t end = is_of_slaves ? FIELD_COUNT : FIELD_OF_SLAVES;
    char list[WORDS_TEXT_MAX];
    struct ms_text names;

    ms_text_init(&names, list, sizeof list);
    for (uint8_t i = first; i < end; i++) {
        if (strlen(fields[i].name) == size && memcmp(fields[i].name, name, size) == 0) {
            *field_out = i;
            return true;
        }
        ms_text_add(&names, "%s%s", i > first ? ", " : "", fields[i].name);
    }
    ms_assert(!ms_text_is_cut(&names));
    return ms_complain(complaint, "no field is called \"%.*s\"; there are %s", (int)size, name,
                       list);
}

/* Takes the operator that stands at `at`; returns the place after, NULL when there is none. */
static const char *take_operator(const char *at, uint8_t *operator_out)
{
    ms_assert(at != NULL);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        const size_t size = strlen(operators[i].text);

        if (strncmp(at, operators[i].text, size) == 0) {
            *operator_out = (uint8_t)operators[i].comparison;
            return at + size;
        }
    }
    return NULL;
}

/* One comparison: the bytes from at to end, which lie in filter->text. */
static bool parse_term(struct ms_filter *filter, bool is_of_slaves, const char *at, const char *end,
                       struct ms_complaint *complaint)
{
    struct ms_filter_term *term = &filter->terms[filter->count];
    const size_t name_size = strcspn(at, "=!<>" BLANKS);
    const char *const value = take_operator(at + name_size, &term->compare);

    ms_assert(filter->count < MS_FILTER_TERMS_MAX);
    if (name_size == 0 || value == NULL || value > end) {
        return ms_complain(complaint,
                           "\"%.*s\" is no comparison such as %s, which have no blanks inside",
                           (int)(end - at), at,
                           is_of_slaves ? "group=render or held>0" : "state=buried or age>1h");
    }
    if (!find_field(at, name_size, is_of_slaves, &term->field, complaint)) {
        return false;
    }
    const enum kind kind = fields[term->field].kind;

    if (kind >= KIND_NUMBER) {
        filter->count++;
        return parse_number(kind, value, end, &term->number, complaint);
    }
    if (term->compare != EQUAL && term->compare != UNEQUAL) {
        return ms_complain(complaint, "\"%.*s\": %s is compared by = or != only", (int)(end - at),
                           at, fields[term->field].name);
    }
    term->begin = (uint16_t)(value - filter->text);
    term->end = (uint16_t)(end - filter->text);
    filter->count++;
    return kind == KIND_NAME || check_words(kind, value, end, complaint);
}

static const char *comparison_end(const char *at)
{
    while (*at != '\0' && strchr(BLANKS, *at) == NULL) {
        at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return at;
}

static bool parse(const char *text, bool is_of_slaves, struct ms_filter *filter_out,
                  struct ms_complaint *complaint)
{
    struct ms_filter filter = {.count = 0};
    const char *at = filter.text;

    ms_assert(text != NULL && filter_out != NULL);
    if (!ms_text_copy(filter.text, sizeof filter.text, text, strlen(text))) {
        return ms_complain(complaint, "a filter has %d bytes at most", MS_WHERE_MAX);
    }
    for (at += strspn(at, BLANKS); *at != '\0'; at += strspn(at, BLANKS)) {
        const char *const end = comparison_end(at);

        if (filter.count == MS_FILTER_TERMS_MAX) {
            return ms_complain(complaint, "a filter has %d comparisons at most",
                               MS_FILTER_TERMS_MAX);
        }
        if (!parse_term(&filter, is_of_slaves, at, end, complaint)) {
            return false;
        }
        at = end;
    }
    *filter_out = filter;
    return true;
}

bool ms_filter_parse(const char *text, struct ms_filter *filter_out, struct ms_complaint *complaint)
{
    return parse(text, false, filter_out, complaint);
}

bool ms_filter_parse_slaves(const char *text, struct ms_filter *filter_out,
                            struct ms_complaint *complaint)
{
    return parse(text, true, filter_out, complaint);
}

/* ---- matching ---- */

static struct ms_bytes text_of(const char *text)
{
    return text != NULL ? ms_bytes_of(text) : (struct ms_bytes){NULL, 0};
}

static bool is_type(const struct ms_filter *filter, const struct ms_filter_term *term,
                    const struct ms_filter_facts *facts)
{
    char decimal[DECIMAL_SIZE];
    struct ms_text text;

    ms_assert(term->field == FIELD_TYPE);
    if (is_one_of(filter, term, text_of(facts->type))) {
        return true;
    }
    ms_text_init(&text, decimal, sizeof decimal);
    ms_text_add(&text, "%llu", (unsigned long long)facts->type_number);
    return is_one_of(filter, term, text_of(decimal));
}

static bool is_client(const struct ms_filter *filter, const struct ms_filter_term *term,
                      const struct ms_filter_facts *facts)
{
    static const char digits[] = "0123456789abcdef";
    char hex[HEX_SIZE];

    ms_assert(term->field == FIELD_CLIENT);
    if (is_one_of(filter, term, text_of(facts->client))) {
        return true;
    }
    if (facts->client_uuid == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof facts->client_uuid->bytes; i++) {
        hex[2 * i] = digits[facts->client_uuid->bytes[i] >> 4];
        hex[2 * i + 1] = digits[facts->client_uuid->bytes[i] & 15];
    }
    hex[HEX_SIZE - 1] = '\0';
    return is_one_of(filter, term, text_of(hex));
}

static bool is_named(const struct ms_filter *filter, const struct ms_filter_term *term,
                     const struct ms_filter_facts *facts)
{
    switch ((enum field)term->field) {
    case FIELD_STATE:
        return is_one_of(filter, term, text_of(facts->state));
    case FIELD_STATUS:
        return is_one_of(filter, term, text_of(facts->status));
    case FIELD_TYPE:
        return is_type(filter, term, facts);
    case FIELD_CLIENT:
        return is_client(filter, term, facts);
    case FIELD_SLAVE:
        return is_one_of(filter, term, text_of(facts->slave));
    case FIELD_GROUP:
        return is_one_of(filter, term, facts->group);
    case FIELD_UNIQUE:
        return is_one_of(filter, term, facts->unique);
    case FIELD_KEY:
        return is_one_of(filter, term, facts->key);
    default:
        ms_unreachable(); /* the others are numbers */
    }
}

static int64_t clamp(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static int64_t number_of(enum field field, const struct ms_filter_facts *facts)
{
    switch (field) {
    case FIELD_SEQ:
        return clamp(facts->seq);
    case FIELD_PRIORITY:
        return facts->priority;
    case FIELD_ATTEMPTS:
        return facts->attempts;
    case FIELD_FAILURES:
        return facts->failures;
    case FIELD_CRASHES:
        return facts->crashes;
    case FIELD_AGE:
        return facts->age;
    case FIELD_WAITING:
        return facts->waiting;
    case FIELD_DEADLINE:
        return facts->deadline;
    case FIELD_SIZE:
        return clamp(facts->size);
    default:
        ms_unreachable(); /* the others are names */
    }
}

static bool compare(enum comparison comparison, int64_t a, int64_t b)
{
    switch (comparison) {
    case EQUAL:
        return a == b;
    case UNEQUAL:
        return a != b;
    case LESS:
        return a < b;
    case LESS_OR_EQUAL:
        return a <= b;
    case GREATER:
        return a > b;
    case GREATER_OR_EQUAL:
        return a >= b;
    default:
        ms_unreachable();
    }
}

static bool is_compared(const struct ms_filter_term *term, const struct ms_filter_facts *facts)
{
    if (term->field == FIELD_DEADLINE && !facts->has_deadline) {
        return false;
    }
    return compare(term->compare, number_of(term->field, facts), term->number);
}

bool ms_filter_matches(const struct ms_filter *filter, const struct ms_filter_facts *facts)
{
    ms_assert(filter->count <= MS_FILTER_TERMS_MAX);
    for (uint32_t i = 0; i < filter->count; i++) {
        const struct ms_filter_term *term = &filter->terms[i];
        const enum comparison comparison = term->compare;

        ms_assert(term->field < FIELD_COUNT);
        const bool is_match = fields[term->field].kind >= KIND_NUMBER
                                  ? is_compared(term, facts)
                                  : is_named(filter, term, facts) == (comparison == EQUAL);

        if (!is_match) {
            return false;
        }
    }
    return true;
}

static bool has_label(const struct ms_filter *filter, const struct ms_filter_term *term,
                      const struct ms_filter_slave *slave)
{
    for (uint32_t i = 0; i < slave->labels_count; i++) {
        if (is_one_of(filter, term, text_of(slave->labels[i]))) {
            return true;
        }
    }
    return slave->labels_count == 0 && is_one_of(filter, term, text_of(NULL));
}

static const char *answer(bool is_so)
{
    return is_so ? "yes" : "no";
}

static bool is_slave_named(const struct ms_filter *filter, const struct ms_filter_term *term,
                           const struct ms_filter_slave *slave)
{
    switch ((enum field)term->field) {
    case FIELD_NAME:
        return is_one_of(filter, term, text_of(slave->name));
    case FIELD_SLAVE_STATE:
        return is_one_of(filter, term, text_of(slave->state));
    case FIELD_SLAVE_GROUP:
        return is_one_of(filter, term, text_of(slave->group));
    case FIELD_LABEL:
        return has_label(filter, term, slave);
    case FIELD_BUILD:
        return is_one_of(filter, term, text_of(slave->build));
    case FIELD_CONNECTED:
        return is_one_of(filter, term, text_of(answer(slave->is_connected)));
    case FIELD_DRAINING:
        return is_one_of(filter, term, text_of(answer(slave->is_draining)));
    case FIELD_CORDONED:
        return is_one_of(filter, term, text_of(answer(slave->is_cordoned)));
    default:
        ms_unreachable(); /* the others are numbers */
    }
}

bool ms_filter_matches_slave(const struct ms_filter *filter, const struct ms_filter_slave *slave)
{
    ms_assert(filter->count <= MS_FILTER_TERMS_MAX);
    for (uint32_t i = 0; i < filter->count; i++) {
        const struct ms_filter_term *term = &filter->terms[i];
        const enum comparison comparison = term->compare;
        const uint32_t number = term->field == FIELD_SLOTS ? slave->slots : slave->held;

        ms_assert(term->field >= FIELD_OF_SLAVES && term->field < FIELD_COUNT);
        const bool is_match = fields[term->field].kind >= KIND_NUMBER
                                  ? compare(comparison, number, term->number)
                                  : is_slave_named(filter, term, slave) == (comparison == EQUAL);

        if (!is_match) {
            return false;
        }
    }
    return true;
}
