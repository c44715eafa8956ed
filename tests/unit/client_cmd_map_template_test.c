#include "client/cmd_map_template.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/cmd_map_quote.h"

static struct ms_expansion expansion;
static struct ms_cli_bytes printed;
static struct ms_complaint complaint;

static void teardown(void)
{
    ms_expansion_free(&expansion);
    ms_cli_bytes_free(&printed);
}

/* Up to four words; NULL ends them. */
static struct ms_template *make(enum ms_template_mode mode, const char *a, const char *b,
                                const char *c)
{
    char *words[] = {(char *)a, (char *)b, (char *)c};
    size_t count = 0;

    while (count < 3 && words[count] != NULL) {
        count++;
    }
    return ms_template_create(words, count, mode, &complaint);
}

/* The command as printed, for a template made of up to three words. */
static const char *expand(const char *a, const char *b, const char *c, const char *argument)
{
    struct ms_template *template = make(MS_TEMPLATE_AUTO, a, b, c);

    ck_assert_ptr_nonnull(template);
    ck_assert(ms_template_expand(template, argument, 7, &expansion));
    printed.size = 0;
    ck_assert(ms_expansion_print(&expansion, &printed) && ms_cli_bytes_add(&printed, "", 1));
    ms_template_destroy(template);
    return (const char *)printed.data;
}

static bool is_shell(const char *a, const char *b, const char *c)
{
    struct ms_template *template = make(MS_TEMPLATE_AUTO, a, b, c);

    ck_assert_ptr_nonnull(template);
    const bool answer = ms_template_is_shell(template);

    ms_template_destroy(template);
    return answer;
}

START_TEST(replacement_strings_stand_for_parts_of_a_path)
{
    ck_assert_str_eq(expand("x", "{}", NULL, "/a/b.c.d"), "x /a/b.c.d");
    ck_assert_str_eq(expand("x", "{.}", NULL, "/a/b.c.d"), "x /a/b.c");
    ck_assert_str_eq(expand("x", "{/}", NULL, "/a/b.c.d"), "x b.c.d");
    ck_assert_str_eq(expand("x", "{//}", NULL, "/a/b.c.d"), "x /a");
    ck_assert_str_eq(expand("x", "{/.}", NULL, "/a/b.c.d"), "x b.c");
    ck_assert_str_eq(expand("x", "{#}", NULL, "/a/b.c.d"), "x 7");
    ck_assert_str_eq(expand("x", "{//}", NULL, "/a"), "x /");
    ck_assert_str_eq(expand("x", "{//}", NULL, "a"), "x .");
    ck_assert_str_eq(expand("x", "{//}", NULL, "a/b/"), "x a");
    ck_assert_str_eq(expand("x", "{//}", NULL, "/q/"), "x /");
    ck_assert_str_eq(expand("x", "{//}", NULL, "a//b"), "x a");
    ck_assert_str_eq(expand("x", "{//}", NULL, "/"), "x /");
    ck_assert_str_eq(expand("x", "{.}", NULL, "/a.d/b"), "x /a.d/b");
    ck_assert_str_eq(expand("x", "{/}", NULL, "a/"), "x ''");
    ck_assert_str_eq(expand("x", "-{}{.}:{#}-", NULL, "a.b"), "x -a.ba:7-");
}
END_TEST

START_TEST(without_a_replacement_string_the_argument_is_appended)
{
    ck_assert_str_eq(expand("echo", NULL, NULL, "a"), "echo a");
    ck_assert_str_eq(expand("echo", "b", NULL, "a"), "echo b a");
    ck_assert_str_eq(expand("echo b | cat", NULL, NULL, "a"), "echo b | cat a");
    ck_assert_str_eq(expand("echo {#}", NULL, NULL, "a"), "echo 7");
}
END_TEST

START_TEST(without_a_command_each_argument_is_one)
{
    ck_assert_str_eq(expand(NULL, NULL, NULL, "echo a | wc"), "echo a | wc");
    ck_assert_ptr_nonnull(expansion.shell);
}
END_TEST

START_TEST(a_shell_is_used_where_the_command_needs_one)
{
    ck_assert(!is_shell("sha256sum", NULL, NULL));
    ck_assert(!is_shell("sha256sum -b {}", NULL, NULL));
    ck_assert(!is_shell("convert", "{}", "{.}.jpg"));
    ck_assert(!is_shell("grep", "two words; no shell", "{}"));
    ck_assert(is_shell("cat {} | wc", NULL, NULL));
    ck_assert(is_shell("cat", "{}", ">{}.out"));
    ck_assert(is_shell("exit {}", NULL, NULL));
    ck_assert(is_shell("cd", "{}", NULL));
    ck_assert(is_shell("A=b env", NULL, NULL));
    ck_assert(is_shell("echo {x}", NULL, NULL));
    ck_assert(is_shell("echo a\necho b", NULL, NULL));
}
END_TEST

START_TEST(words_stay_words)
{
    struct ms_template *template = make(MS_TEMPLATE_WORDS, "a b|c", "$x {}", NULL);

    ck_assert(ms_template_expand(template, "d e", 1, &expansion));
    ck_assert_uint_eq(expansion.argc, 2);
    ck_assert_str_eq(expansion.argv[0], "a b|c");
    ck_assert_str_eq(expansion.argv[1], "$x d e");
    ck_assert_ptr_null(expansion.argv[2]);
    ck_assert_ptr_null(expansion.shell);
    ms_template_destroy(template);
}
END_TEST

START_TEST(a_single_word_is_split_at_blanks)
{
    expand("  a  b\t{} ", NULL, NULL, "c d");
    ck_assert_uint_eq(expansion.argc, 3);
    ck_assert_str_eq(expansion.argv[1], "b");
    ck_assert_str_eq(expansion.argv[2], "c d");
}
END_TEST

START_TEST(a_word_with_blanks_among_several_stays_one_for_the_shell)
{
    ck_assert_str_eq(expand("awk", "{print $1, \"{}\"}", ">{}", "a'b"),
                     "awk '{print $1, \"a'\\''b\"}' >'a'\\''b'");
}
END_TEST

START_TEST(arguments_are_quoted_for_their_place)
{
    ck_assert_str_eq(expand("x {};", NULL, NULL, "a b"), "x 'a b';");
    ck_assert_str_eq(expand("x {};", NULL, NULL, "a'b"), "x 'a'\\''b';");
    ck_assert_str_eq(expand("x {};", NULL, NULL, ""), "x '';");
    ck_assert_str_eq(expand("x {};", NULL, NULL, "a=b"), "x 'a=b';");
    ck_assert_str_eq(expand("x \"{}\"", NULL, NULL, "a$`\"\\'b"), "x \"a\\$\\`\\\"\\\\'b\"");
    ck_assert_str_eq(expand("x '{}'", NULL, NULL, "a$`\"\\'b"), "x 'a$`\"\\'\\''b'");
    ck_assert_str_eq(expand("x \"$(y {})\"", NULL, NULL, "a b"), "x \"$(y 'a b')\"");
    ck_assert_str_eq(expand("x \"$(y \"{}\")\" {}", NULL, NULL, "$b"), "x \"$(y \"\\$b\")\" '$b'");
    ck_assert_str_eq(expand("x {}>y", NULL, NULL, "2"), "x '2'>y");
    ck_assert_str_eq(expand("x \\{}", NULL, NULL, "2"), "x \\{}");
}
END_TEST

START_TEST(places_that_cannot_be_quoted_are_refused)
{
    static const char *const lines[] = {
        "x `y {}`",
        "x ${y:-{}}",
        "x $(({} + 1))",
        "x $((1 + (2 * {})))",
        "x # {}",
        "x\n# it's\n# {}",
        "cat <<END\n{}\nEND",
        "x $'a' {}",
        "x ${}",
        "x \"$(case {} in a) echo {};; esac)\"",
        "x ${y:-\"}\"} {}",
        "x \"$\"; x $${#} ${#}",
        "((((((((((((((((((((((((((((((((( {}",
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert_msg(make(MS_TEMPLATE_SHELL, lines[i], NULL, NULL) == NULL, "%s", lines[i]);
        ck_assert_ptr_nonnull(strstr(complaint.text, "cannot be quoted safely"));
    }
}
END_TEST

START_TEST(what_only_looks_dangerous_is_not_refused)
{
    ck_assert_str_eq(expand("x `y` {}", NULL, NULL, "a"), "x `y` a");
    ck_assert_str_eq(expand("x ${y} {}", NULL, NULL, "a"), "x ${y} a");
    ck_assert_str_eq(expand("x $((1 + 1)) {}", NULL, NULL, "a"), "x $((1 + 1)) a");
    ck_assert_str_eq(expand("x '# <<' {}", NULL, NULL, "a"), "x '# <<' a");
    ck_assert_str_eq(expand("x a#b {}", NULL, NULL, "a"), "x a#b a");
    ck_assert_str_eq(expand("x # y\nz {}", NULL, NULL, "a"), "x # y\nz a");
    ck_assert_str_eq(expand("case {} in a) x;; esac; y \"{}\"", NULL, NULL, "a"),
                     "case a in a) x;; esac; y \"a\"");
}
END_TEST

START_TEST(empty_commands_are_refused)
{
    ck_assert_ptr_null(make(MS_TEMPLATE_AUTO, "", NULL, NULL));
    ck_assert_ptr_null(make(MS_TEMPLATE_AUTO, "  ", "x", NULL));
}
END_TEST

/* What the shell itself makes of it. */
static void check_shell(const char *line, const char *argument, const char *wanted)
{
    char output[512] = "";
    size_t length = 0;
    int ends[2], status;
    struct ms_template *template = make(MS_TEMPLATE_SHELL, line, NULL, NULL);

    ck_assert_ptr_nonnull(template);
    ck_assert(ms_template_expand(template, argument, 1, &expansion));
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/bin/sh", "sh", "-c", expansion.shell, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got = 1; got > 0; length += (size_t)got) {
        got = read(ends[0], output + length, sizeof output - 1 - length);
        ck_assert_int_ge(got, 0);
    }
    close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(output, wanted);
    ms_template_destroy(template);
}

START_TEST(the_shell_gets_the_argument_byte_for_byte)
{
    static const char *const nasty[] = {
        "a  b",
        "'",
        "''",
        "\"",
        "\\",
        "\\\\'",
        "$(echo no)",
        "`echo no`",
        "$HOME",
        "a\nb",
        "*",
        "~",
        "-n",
        ";:",
        "&",
        "|cat",
        "#",
        "!",
        "a=b",
        "\t",
        "(",
        "{}",
        "{#}",
        "\xff\x01",
        "'$(echo no)'",
        "\"$(echo no)\"",
        "'; echo no; '",
        "\"; echo no; \"",
        "\\\"; echo no",
    };

    for (size_t i = 0; i < sizeof nasty / sizeof nasty[0]; i++) {
        char wanted[512];

        snprintf(wanted, sizeof wanted, "%s|%s|%s|%s", nasty[i], nasty[i], nasty[i], nasty[i]);
        check_shell("printf '%s|%s|%s|%s' {} '{}' \"{}\" \"$(printf %s {})\"", nasty[i], wanted);
    }
}
END_TEST

/* Any bytes as a template: it is compiled or refused, and nothing else happens. */
START_TEST(any_line_is_compiled_or_refused)
{
    static const char bytes[] = "{}/.#$`\"'\\()<>caseinx \n;{";
    unsigned long state = 12345;

    for (int round = 0; round < 20000; round++) {
        char line[24];
        size_t length = 1 + (size_t)(round % (int)(sizeof line - 1));

        for (size_t i = 0; i < length; i++) {
            state = state * 6364136223846793005ul + 1442695040888963407ul;
            line[i] = bytes[(state >> 33) % (sizeof bytes - 1)];
        }
        line[length] = '\0';
        struct ms_template *template = make(MS_TEMPLATE_AUTO, line, NULL, NULL);

        if (template != NULL) {
            ck_assert(ms_template_expand(template, "a'\"$b", 1, &expansion));
            ms_template_destroy(template);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cmd_map_template");
    TCase *tests = tcase_create("template");

    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, replacement_strings_stand_for_parts_of_a_path);
    tcase_add_test(tests, without_a_replacement_string_the_argument_is_appended);
    tcase_add_test(tests, without_a_command_each_argument_is_one);
    tcase_add_test(tests, a_shell_is_used_where_the_command_needs_one);
    tcase_add_test(tests, words_stay_words);
    tcase_add_test(tests, a_single_word_is_split_at_blanks);
    tcase_add_test(tests, a_word_with_blanks_among_several_stays_one_for_the_shell);
    tcase_add_test(tests, arguments_are_quoted_for_their_place);
    tcase_add_test(tests, places_that_cannot_be_quoted_are_refused);
    tcase_add_test(tests, what_only_looks_dangerous_is_not_refused);
    tcase_add_test(tests, empty_commands_are_refused);
    tcase_add_test(tests, the_shell_gets_the_argument_byte_for_byte);
    tcase_add_test(tests, any_line_is_compiled_or_refused);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
