/* Option values of every kind, in any order and from any level: a text that is accepted prints as one
 * that is accepted again and prints the same; a text that is refused is refused in words. */
#include "core/options.h"

#include "core/invariant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096
#define PRINT_MAX 65536

struct target {
    const char *string;
    bool boolean;
    uint64_t number, bytes;
    ms_time duration;
    uint32_t word;
    struct ms_option_list list;
};

static const char *const words[] = {"logfmt", "json", NULL};

static const struct ms_option table[] = {
    {.name = "string",
     .kind = MS_OPTION_STRING,
     .key = "string",
     .group = "All",
     .help = "a text",
     .offset = offsetof(struct target, string)},
    {.name = "boolean",
     .kind = MS_OPTION_BOOL,
     .key = "boolean",
     .help = "yes or no",
     .offset = offsetof(struct target, boolean)},
    {.name = "number",
     .kind = MS_OPTION_U64,
     .min = 3,
     .max = 1000000,
     .default_text = "5",
     .key = "number",
     .help = "a number",
     .offset = offsetof(struct target, number)},
    {.name = "bytes",
     .kind = MS_OPTION_SIZE,
     .default_text = "1KiB",
     .key = "bytes",
     .help = "a size",
     .offset = offsetof(struct target, bytes)},
    {.name = "duration",
     .kind = MS_OPTION_DURATION,
     .default_text = "1s",
     .key = "duration",
     .help = "a duration",
     .offset = offsetof(struct target, duration)},
    {.name = "word",
     .kind = MS_OPTION_ENUM,
     .choices = words,
     .default_text = "json",
     .key = "word",
     .help = "a choice",
     .offset = offsetof(struct target, word)},
    {.name = "list",
     .kind = MS_OPTION_LIST,
     .max = 8,
     .key = "list",
     .help = "some texts",
     .offset = offsetof(struct target, list)},
};
#define ROWS (sizeof table / sizeof table[0])

static void print(const struct ms_options *options, const struct ms_option *row, char *out)
{
    struct ms_text text;

    ms_text_init(&text, out, PRINT_MAX);
    ms_options_print_value(options, row, &text);
    ms_assert(!ms_text_is_cut(&text));
}

/* What stands there now is a text that fresh options accept, and print the same way. */
static void check_round_trip(const struct ms_options *options, const struct ms_option *row)
{
    static char first[PRINT_MAX], second[PRINT_MAX];
    const struct ms_option_source flag = {.level = MS_OPTION_FLAG};
    struct ms_options fresh;
    struct ms_complaint complaint;
    struct target target;

    if (row->kind == MS_OPTION_LIST || row->kind == MS_OPTION_STRING) {
        return; /* items joined by commas, and texts without a value, are for people */
    }
    print(options, row, first);
    ms_assert(ms_options_init(&fresh, table, ROWS, &target));
    ms_assert(ms_options_set(&fresh, &table[row - table], flag, first, &complaint));
    print(&fresh, &table[row - table], second);
    ms_assert(strcmp(first, second) == 0);
    ms_options_finish(&fresh);
}

static void check_target(const struct target *target)
{
    ms_assert(target->number >= 3 && target->number <= 1000000);
    ms_assert(target->duration >= 0);
    ms_assert(target->word < 2);
    ms_assert(target->list.count <= 8);
}

/* Lines of: one byte that picks row and level, then the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char input[INPUT_MAX];
    struct ms_options options;
    struct target target;

    if (size >= sizeof input) {
        return 0;
    }
    memcpy(input, data, size);
    input[size] = '\0';
    ms_assert(ms_options_init(&options, table, ROWS, &target));
    for (char *at = input; *at != '\0';) {
        char *end = strchr(at, '\n');
        struct ms_complaint complaint = {""};
        const unsigned choice = (unsigned char)*at;
        const struct ms_option *row = &table[choice % ROWS];
        const struct ms_option_source source = {
            .level = (enum ms_option_level)(MS_OPTION_FILE + choice / ROWS % 3)};

        if (end != NULL) {
            *end = '\0';
        }
        if (ms_options_set(&options, row, source, at + 1, &complaint)) {
            check_round_trip(&options, row);
        } else {
            ms_assert(complaint.text[0] != '\0');
        }
        check_target(&target);
        ms_options_unknown(&options, source, at + 1, &complaint);
        at = end != NULL ? end + 1 : at + strlen(at);
    }
    ms_options_finish(&options);
    return 0;
}
