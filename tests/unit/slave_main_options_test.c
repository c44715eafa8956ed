/* The option table of muster-slave: sound, and what is of work is refused where none is done. */
#include "slave/main_options.c"

#include "master_script.h"

static struct slave_options settings;
static struct ms_options options;
static struct ms_complaint complaint;

static void begin(bool is_witness_only)
{
    settings = (struct slave_options){.weight = 0};
    ck_assert(ms_options_init(&options, slave_cli.table, slave_cli.count, &settings));
    settings.witness_only = is_witness_only;
}

static void set(const char *name, enum ms_option_level level, const char *value)
{
    const struct ms_option *option = ms_options_find(&options, name);

    ck_assert_ptr_nonnull(option);
    ck_assert(ms_options_set(&options, option,
                             (struct ms_option_source){.level = level, .place = "slave.conf:1"},
                             value, &complaint));
}

static bool is_fine(void)
{
    return slave_cli.check(&settings, &complaint) && slave_options_fit(&options, &complaint);
}

START_TEST(the_table_is_sound)
{
    ck_assert_msg(ms_options_lint(slave_cli.table, slave_cli.count, &complaint), "%s",
                  complaint.text);
    ck_assert_msg(ms_sections_lint(slave_cli.sections, &complaint), "%s", complaint.text);
}
END_TEST

/* A value that is no default, and whether the default can be said as such. */
static const char *const values[][2] = {{"slots", "8"},           {"handler", "/nowhere/x.so"},
                                        {"handlers", "/nowhere"}, {"allow-exec", "on"},
                                        {"isolate", "on"},        {"prefetch", "1"},
                                        {"mode", "pull"},         {"payload-max", "2MiB"},
                                        {"drain-timeout", "1s"},  {"group", "g"},
                                        {"label", "gpu"},         {"weight", "7"},
                                        {"busy-poll", "1ms"}};

START_TEST(what_is_of_work_is_refused_of_a_witness_alone)
{
    static const enum ms_option_level levels[] = {MS_OPTION_FILE, MS_OPTION_ENV, MS_OPTION_FLAG};

    ck_assert_uint_eq(sizeof values / sizeof values[0], sizeof of_work / sizeof of_work[0]);
    for (size_t i = 0; i < 3 * sizeof values / sizeof values[0]; i++) {
        const char *name = values[i / 3][0];

        begin(true);
        ck_assert_msg(is_fine(), "%s", complaint.text);
        set(name, levels[i % 3], values[i / 3][1]);
        ck_assert_msg(!is_fine(), "%s", name);
        ck_assert_msg(strncmp(complaint.text, name, strlen(name)) == 0, "%s", complaint.text);
        settings.witness_only = false;
        ck_assert_msg(is_fine(), "%s", complaint.text);
        ms_options_finish(&options);
    }
}
END_TEST

/* A file of defaults, as --dump-config prints them, says nothing. */
START_TEST(a_default_is_refused_where_somebody_said_it)
{
    begin(true);
    set("slots", MS_OPTION_FILE, "0");
    ck_assert_msg(is_fine(), "%s", complaint.text);
    set("slots", MS_OPTION_FLAG, "0");
    ck_assert(!is_fine());
    ck_assert_ptr_nonnull(strstr(complaint.text, "slots"));
    ms_options_finish(&options);
}
END_TEST

START_TEST(a_section_of_work_is_refused)
{
    begin(true);
    if (options.sections == NULL) {
        options.sections = ms_sections_create(slave_cli.sections);
    }
    ck_assert_ptr_nonnull(options.sections);
    ck_assert_ptr_nonnull(ms_sections_begin(options.sections, &slave_route_section, "echo",
                                            (struct ms_section_place){"slave.conf", 1},
                                            &complaint));
    ck_assert(!is_fine());
    ck_assert_msg(strncmp(complaint.text, "route is of", 11) == 0, "%s", complaint.text);
    settings.witness_only = false;
    ck_assert_msg(is_fine(), "%s", complaint.text);
    ms_options_finish(&options);
}
END_TEST

START_TEST(what_is_of_no_work_is_taken)
{
    begin(true);
    set("name", MS_OPTION_FLAG, "w1");
    set("state", MS_OPTION_FLAG, "/tmp");
    set("master", MS_OPTION_ENV, "127.0.0.1:7400");
    ck_assert_msg(is_fine(), "%s", complaint.text);
    ms_options_finish(&options);
}
END_TEST

TESTS(the_table_is_sound, what_is_of_work_is_refused_of_a_witness_alone,
      a_default_is_refused_where_somebody_said_it, a_section_of_work_is_refused,
      what_is_of_no_work_is_taken)
