#include "client/cmd_new_templates.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(names_are_identifiers)
{
    static const struct {
        const char *name;
        bool is_good;
    } names[] = {
        {"thumb", true},
        {"_", true},
        {"Thumb_2", true},
        {"", false},
        {"2thumb", false},
        {"my-thumb", false},
        {"a.b", false},
        {"../thumb", false},
        {"th umb", false},
        {"gr\xc3\xbcn", false},
        {"a234567890123456789012345678901234567890123456789012345678901234", false},
    };
    struct ms_complaint complaint = {""};

    ck_assert_int_eq(ms_new_check_name(names[_i].name, &complaint), names[_i].is_good);
    ck_assert_int_eq(complaint.text[0] == '\0', names[_i].is_good);
}
END_TEST

START_TEST(every_mark_is_replaced)
{
    char buffer[64];
    struct ms_text text;

    ms_text_init(&text, buffer, sizeof buffer);
    ms_new_expand(&text, "@NAME@ and @NAME@, not @NAME or NAME@", "x");
    ck_assert_str_eq(buffer, "x and x, not @NAME or NAME@");
    ms_text_init(&text, buffer, sizeof buffer);
    ms_new_expand(&text, "", "x");
    ck_assert_str_eq(buffer, "");
}
END_TEST

START_TEST(the_files_are_whole)
{
    const struct ms_new_file *const files = _i == 0 ? ms_new_handler_files : ms_new_service_files;
    size_t count = 0;

    for (const struct ms_new_file *file = files; file->name != NULL; file++) {
        char content[8192];
        struct ms_text text;

        ms_text_init(&text, content, sizeof content);
        ms_new_expand(&text, file->text, "thumb");
        ck_assert(!ms_text_is_cut(&text));
        ck_assert_ptr_null(strchr(content, '@'));
        ck_assert_ptr_nonnull(strstr(content, "thumb"));
        ck_assert_int_eq(content[text.length - 1], '\n');
        count++;
    }
    ck_assert_uint_eq(count, _i == 0 ? 4 : 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cmd_new_templates");
    TCase *tests = tcase_create("templates");

    tcase_add_loop_test(tests, names_are_identifiers, 0, 11);
    tcase_add_test(tests, every_mark_is_replaced);
    tcase_add_loop_test(tests, the_files_are_whole, 0, 2);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
