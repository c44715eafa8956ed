#include "proto/screen.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"
#include "proto/muster.pb-c.h"

static bool screen(const ProtobufCMessageDescriptor *descriptor, const void *body, size_t size)
{
    uint8_t *exact = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, body, size);
    const bool is_fine = ms_screen(descriptor, (struct ms_bytes){exact, size});
    free(exact);
    return is_fine;
}

#define SCREEN(message, literal)                                                                   \
    screen(&muster__##message##__descriptor, literal, sizeof(literal) - 1)

START_TEST(test_fine_messages)
{
    ck_assert(SCREEN(goodbye, ""));
    ck_assert(SCREEN(goodbye, "\x08\x05\x12\x02no"));
    ck_assert(SCREEN(goodbye, "\x12\x02no\x08\x05\x08\x06"));
    ck_assert(SCREEN(announce, "\x0a\x03\x12\x01"
                               "a"
                               "\x0a\x00"));
    ck_assert(SCREEN(results, "\x0a\x04\x32\x02\x08\x01"));
}
END_TEST

START_TEST(test_malformed_bytes)
{
    ck_assert(!SCREEN(goodbye, "\x08"));
    ck_assert(!SCREEN(goodbye, "\x12\x05no"));
    ck_assert(!SCREEN(goodbye, "\x00"));
    ck_assert(!SCREEN(goodbye, "\x0b\x01"));          /* a group */
    ck_assert(!SCREEN(announce, "\x0a\x02\x12\x01")); /* cut inside */
    ck_assert(!SCREEN(results, "\x0a\x03\x32\x01\x08"));
}
END_TEST

START_TEST(test_strings_are_utf8_at_every_depth)
{
    ck_assert(!SCREEN(goodbye, "\x12\x01\xff"));
    ck_assert(!SCREEN(goodbye, "\x12\x03"
                               "a\0b"));
    ck_assert(!SCREEN(goodbye, "\x12\x01\xff\x12\x01"
                               "a")); /* also when it would be replaced */
    ck_assert(!SCREEN(announce, "\x0a\x03\x12\x01\xff"));
    ck_assert(SCREEN(hello, "\x2a\x01\xff")); /* bytes */
}
END_TEST

static size_t add_unknown(char *to, size_t size, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        to[size++] = 0x78; /* field 15 */
        to[size++] = 0x01;
    }
    return size;
}

START_TEST(test_unknown_fields_are_counted_per_message)
{
    char body[200];

    size_t size = add_unknown(body, 0, MS_UNKNOWN_FIELDS_MAX);
    ck_assert(screen(&muster__goodbye__descriptor, body, size));
    size = add_unknown(body, size, 1);
    ck_assert(!screen(&muster__goodbye__descriptor, body, size));
    /* Sixteen outside and sixteen in each of two messages inside are fine. */
    size = add_unknown(body, 0, MS_UNKNOWN_FIELDS_MAX);
    for (unsigned i = 0; i < 2; i++) {
        body[size++] = 0x0a;
        body[size++] = 2 * MS_UNKNOWN_FIELDS_MAX;
        size = add_unknown(body, size, MS_UNKNOWN_FIELDS_MAX);
    }
    ck_assert(screen(&muster__announce__descriptor, body, size));
    body[size++] = 0x0a;
    body[size++] = 2 * (MS_UNKNOWN_FIELDS_MAX + 1);
    size = add_unknown(body, size, MS_UNKNOWN_FIELDS_MAX + 1);
    ck_assert(!screen(&muster__announce__descriptor, body, size));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_screen");
    TCase *tcase = tcase_create("screen");

    tcase_add_test(tcase, test_fine_messages);
    tcase_add_test(tcase, test_malformed_bytes);
    tcase_add_test(tcase, test_strings_are_utf8_at_every_depth);
    tcase_add_test(tcase, test_unknown_fields_are_counted_per_message);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
