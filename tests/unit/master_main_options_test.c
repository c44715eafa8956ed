/* The option table of muster-master: sound, and its defaults are those of the documents. */
#include "master/main_options.c"
#include "master/main_options_pair.c"

#include "master_script.h"

START_TEST(the_table_is_sound)
{
    struct ms_complaint complaint;

    ck_assert_msg(ms_options_lint(ms_master_cli.table, ms_master_cli.count, &complaint), "%s",
                  complaint.text);
}
END_TEST

START_TEST(the_tables_of_sections_are_sound)
{
    struct ms_complaint complaint;

    ck_assert_msg(ms_sections_lint(ms_master_cli.sections, &complaint), "%s", complaint.text);
}
END_TEST

START_TEST(defaults)
{
    struct ms_master_settings settings = {0};
    struct ms_options options;

    ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
    ck_assert_uint_eq(settings.listen.count, 1);
    ck_assert_str_eq(settings.listen.items[0], "127.0.0.1:7400");
    struct ms_master_config config = ms_master_settings_config(&settings);
    ck_assert_uint_eq(config.payload_max, MS_PAYLOAD_MAX_DEFAULT);
    ck_assert_uint_eq(config.crashes_max, MS_CRASHES_MAX_DEFAULT);
    ck_assert_int_eq(config.tick, MS_TICK_DEFAULT);
    ck_assert_int_eq(config.drain_timeout, MS_DRAIN_TIMEOUT_DEFAULT);
    ck_assert_uint_eq(config.limits.commands_max, MS_COMMANDS_MAX_DEFAULT);
    ck_assert_uint_eq(config.limits.bytes_max, MS_COMMAND_BYTES_MAX_DEFAULT);
    ck_assert_uint_eq(config.limits.sessions_max, MS_SESSIONS_MAX_DEFAULT);
    ms_options_finish(&options);
}
END_TEST

START_TEST(what_does_not_go_together_is_refused)
{
    const char *bad[] = {"nonsense"};
    const char *good[] = {"unix:/tmp/x", "[::1]:0"};
    struct ms_master_settings settings = {0};
    struct ms_options options;
    struct ms_complaint complaint;

    ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
    settings.listen = (struct ms_option_list){bad, 1};
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    settings.listen = (struct ms_option_list){good, 2};
    ck_assert(ms_master_cli.check(&settings, &complaint));
    settings.name = "white space";
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "white space"));
    settings.listen = (struct ms_option_list){0};
    settings.name = NULL;
    ms_options_finish(&options);
}
END_TEST

static const char *const of_pairs[][2] = {
    {"role", "backup"},       {"peer-listen", "127.0.0.1:0"}, {"bootstrap", "true"},
    {"failover", "evidence"}, {"pair-profile", "fast"},       {"on-quorum-loss", "degrade"},
    {"failback", "auto"},     {"failback-delay", "1h"},       {"keep-divergent", "1h"},
    {"witness", "none"},      {"notify", "/bin/sh"}};

START_TEST(what_is_of_a_pair_is_refused_without_a_peer)
{
    const struct ms_option_source sources[] = {{.level = MS_OPTION_FLAG},
                                               {.level = MS_OPTION_FILE, .place = "master.conf:1"}};

    for (size_t i = 0; i < 2 * sizeof of_pairs / sizeof of_pairs[0]; i++) {
        const size_t row = i / 2;
        struct ms_master_settings settings = {0};
        struct ms_complaint complaint;
        struct ms_options options;
        const struct ms_option *option;

        ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
        ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
        option = ms_options_find_key(&options, of_pairs[row][0]);
        ck_assert_ptr_nonnull(option);
        ck_assert_str_eq(option->key, of_pairs[row][0]);
        ck_assert(ms_options_set(&options, option, sources[i % 2], of_pairs[row][1], &complaint));
        ck_assert_msg(!ms_master_cli.check(&settings, &complaint), "%s", of_pairs[row][0]);
        ck_assert_msg(strncmp(complaint.text, of_pairs[row][0], strlen(of_pairs[row][0])) == 0,
                      "%s", complaint.text);
        settings.peer = "127.0.0.1:7400";
        settings.data = "somewhere";
        settings.failback = 1; /* or its delay would not fit */
        ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
        settings.peer = settings.data = NULL;
        ms_options_finish(&options);
    }
}
END_TEST

START_TEST(a_delay_is_of_a_role_that_is_given_back)
{
    const struct ms_option_source sources[] = {{.level = MS_OPTION_FLAG},
                                               {.level = MS_OPTION_FILE, .place = "master.conf:1"}};
    const char *const delays[] = {"5m", "1h"}; /* the first one is the default */

    for (size_t i = 0; i < 4; i++) {
        struct ms_master_settings settings = {0};
        struct ms_complaint complaint;
        struct ms_options options;
        const bool is_said = i / 2 == 1 || i % 2 == 0;
        bool is_fine;

        ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
        settings.peer = "127.0.0.1:7400";
        settings.data = "somewhere";
        ck_assert(ms_options_set(&options, ms_options_find(&options, "failback-delay"),
                                 sources[i % 2], delays[i / 2], &complaint));
        is_fine = ms_master_cli.check(&settings, &complaint) &&
                  ms_master_options_fit(&options, &complaint);
        ck_assert(is_fine == !is_said);
        ck_assert(is_fine || strstr(complaint.text, "failback-delay") != NULL);
        settings.failback = 1;
        ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
        ck_assert_msg(ms_master_options_fit(&options, &complaint), "%s", complaint.text);
        settings.peer = settings.data = NULL;
        ms_options_finish(&options);
    }
}
END_TEST

START_TEST(what_is_of_a_single_master_is_refused_with_a_peer)
{
    struct ms_master_settings settings = {0};
    struct ms_complaint complaint;
    struct ms_options options;

    ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
    settings.is_leaving = true;
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "data"));
    settings.data = "somewhere";
    ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
    settings.peer = "127.0.0.1:7400";
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "leave-pair"));
    settings.is_leaving = false;
    settings.epoch_above = 9;
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "epoch-above"));
    settings.peer = NULL;
    ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
    settings.data = NULL;
    ms_options_finish(&options);
}
END_TEST

/* A file of defaults, as --dump-config prints them, is a single master's. */
START_TEST(defaults_of_a_pair_are_no_wish_for_one)
{
    struct ms_master_settings settings = {0};
    struct ms_complaint complaint;
    struct ms_options options;

    ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
    ck_assert(ms_options_set(&options, ms_options_find(&options, "failover"),
                             (struct ms_option_source){.level = MS_OPTION_FILE}, "quorum",
                             &complaint));
    ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
    ms_options_finish(&options);
}
END_TEST

START_TEST(who_is_notified_can_be_run)
{
    struct ms_master_settings settings = {.notify = "/bin/sh", .witness = "auto"};
    struct ms_complaint complaint;

    settings.peer = "127.0.0.1:7400";
    settings.data = "somewhere";
    ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
    settings.notify = "/nowhere/script";
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "/nowhere/script"));
}
END_TEST

#define NAMED     "0123456789abcdef0123456789abcdef"
#define NAMED_TOO "fedcba9876543210fedcba9876543210"

START_TEST(a_witness_is_named_once)
{
    struct ms_master_settings settings = {
        .peer = "127.0.0.1:7400", .data = "somewhere", .witness = NAMED "," NAMED_TOO};
    struct ms_complaint complaint;
    struct ms_witnesses list;
    bool is_auto;

    ck_assert_msg(ms_master_cli.check(&settings, &complaint), "%s", complaint.text);
    ck_assert(ms_master_settings_witnesses(&settings, &list, &is_auto, &complaint));
    ck_assert_uint_eq(list.count, 2);
    settings.witness = NAMED "," NAMED_TOO "," NAMED_TOO;
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, NAMED_TOO " is named twice"));
    settings.witness = NAMED "," NAMED_TOO "," NAMED;
    ck_assert(!ms_master_cli.check(&settings, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, NAMED " is named twice"));
}
END_TEST

static const struct {
    const char *given, *bound, *reached;
} listeners[] = {
    {"10.0.0.1:7400", "10.0.0.1:7400", "10.0.0.1:7400"},
    {"localhost:7400", "127.0.0.1:7400", "localhost:7400,127.0.0.1:7400"},
    {"localhost:0", "127.0.0.1:4711", "127.0.0.1:4711"},
    {"*:7400", "[::]:7400", "alpha:7400"},
    {"0.0.0.0:7400", "0.0.0.0:7400", "alpha:7400"},
    {"unix:/tmp/x", "unix:/tmp/x", "unix:/tmp/x"},
};

START_TEST(where_a_master_is_reached_is_said_as_others_say_it)
{
    for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++) {
        char text[MS_DETAIL_MAX + 1];
        struct ms_text list;

        ms_text_init(&list, text, sizeof text);
        ms_master_add_reached(
            &list, &(struct ms_master_listener){listeners[i].given, listeners[i].bound}, "alpha");
        ck_assert_str_eq(text, listeners[i].reached);
    }
}
END_TEST

START_TEST(more_addresses_than_fit_are_left_out_whole)
{
    char text[40] = "";
    struct ms_text list;

    ms_text_init(&list, text, sizeof text);
    for (int i = 0; i < 3; i++) {
        ms_master_add_reached(
            &list, &(struct ms_master_listener){"10.0.0.10:7400", "10.0.0.10:7400"}, "alpha");
    }
    ck_assert_str_eq(text, "10.0.0.10:7400,10.0.0.10:7400");
}
END_TEST

START_TEST(what_is_said_of_a_pair_on_the_command_line_needs_a_peer)
{
    struct ms_master_settings settings = {0};
    struct ms_options options;
    struct ms_complaint complaint;
    const struct ms_option *role, *peer;

    ck_assert(ms_options_init(&options, ms_master_cli.table, ms_master_cli.count, &settings));
    role = ms_options_find(&options, "role");
    peer = ms_options_find(&options, "peer");
    ck_assert(ms_options_set(&options, role, (struct ms_option_source){.level = MS_OPTION_FILE},
                             "primary", &complaint));
    ck_assert(ms_master_options_fit(&options, &complaint)); /* as --dump-config prints it */
    ck_assert(ms_options_set(&options, role, (struct ms_option_source){.level = MS_OPTION_FLAG},
                             "primary", &complaint));
    ck_assert(!ms_master_options_fit(&options, &complaint));
    ck_assert_str_eq(complaint.text, "role is of a pair: say where the other master is with peer");
    ck_assert(ms_options_set(&options, peer, (struct ms_option_source){.level = MS_OPTION_FLAG},
                             "other:7400", &complaint));
    ck_assert(ms_master_options_fit(&options, &complaint));
    ms_options_finish(&options);
}
END_TEST

TESTS(a_delay_is_of_a_role_that_is_given_back,
      what_is_said_of_a_pair_on_the_command_line_needs_a_peer, the_table_is_sound,
      the_tables_of_sections_are_sound, what_is_of_a_single_master_is_refused_with_a_peer,
      what_is_of_a_pair_is_refused_without_a_peer, defaults_of_a_pair_are_no_wish_for_one,
      a_witness_is_named_once, where_a_master_is_reached_is_said_as_others_say_it,
      more_addresses_than_fit_are_left_out_whole, who_is_notified_can_be_run, defaults,
      what_does_not_go_together_is_refused)
