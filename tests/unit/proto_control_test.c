#include "proto/control.h"

#include <check.h>
#include <stdlib.h>

#include "proto/muster.pb-c.h"

static struct ms_arena arena;
static struct ms_command command;

static void setup(void)
{
    ms_arena_init(&arena);
}

static void teardown(void)
{
    ms_arena_finish(&arena);
}

static enum ms_error read_bytes(enum ms_kind kind, const void *body, size_t size)
{
    uint8_t *exact = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, body, size);
    const struct ms_frame frame = {.kind = kind, .epoch = 5, .body = {exact, size}};
    const enum ms_error error = ms_control_read(&arena, &frame, &command);
    free(exact); /* the command must not borrow from it */
    return error;
}

/* What protobuf-c packs of the message. */
static enum ms_error read_message(enum ms_kind kind, const void *message)
{
    uint8_t *body = malloc(protobuf_c_message_get_packed_size(message) + 1);
    ck_assert_ptr_nonnull(body);
    const enum ms_error error = read_bytes(kind, body, protobuf_c_message_pack(message, body));
    free(body);
    return error;
}

static uint8_t uuid[17] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
static char long_name[MS_NAME_MAX + 2];
static char long_where[MS_WHERE_MAX + 2];

static Muster__Hello hello(void)
{
    Muster__Hello message = MUSTER__HELLO__INIT;

    message.role = MS_ROLE_SLAVE;
    message.node = (ProtobufCBinaryData){16, uuid};
    memset(long_name, 'x', sizeof long_name - 1);
    return message;
}

#define ASSERT_HELLO(field, value, expected)                                                       \
    do {                                                                                           \
        Muster__Hello message = hello();                                                           \
        message.field = value;                                                                     \
        ck_assert_int_eq(read_message(MS_KIND_HELLO, &message), expected);                         \
    } while (false)

START_TEST(test_hello)
{
    ASSERT_HELLO(role, MS_ROLE_CLIENT, MS_E_OK);
    ASSERT_HELLO(role, MS_ROLE_NONE, MS_E_MALFORMED);
    ASSERT_HELLO(role, MS_ROLE_MASTER, MS_E_MALFORMED); /* which says PEER_HELLO */
    ASSERT_HELLO(role, MS_ROLE_COUNT, MS_E_MALFORMED);
    ASSERT_HELLO(role, UINT32_MAX, MS_E_MALFORMED);
    for (size_t size = 0; size <= 17; size++) {
        ASSERT_HELLO(node.len, size, size == 16 ? MS_E_OK : MS_E_MALFORMED);
        ASSERT_HELLO(token, ((ProtobufCBinaryData){size, uuid}),
                     size == 16 || size == 0 ? MS_E_OK : MS_E_MALFORMED);
    }
    uint8_t zero[16] = {0};
    ASSERT_HELLO(node.data, zero, MS_E_MALFORMED);
    ASSERT_HELLO(name, long_name + 1, MS_E_OK);
    ck_assert_str_eq(command.body.hello->name, long_name + 1);
    ASSERT_HELLO(name, long_name, MS_E_MALFORMED);
    ASSERT_HELLO(group, long_name, MS_E_MALFORMED);
    ASSERT_HELLO(build, long_name, MS_E_MALFORMED);
    ASSERT_HELLO(name, (char *)(uintptr_t) "a\nb", MS_E_MALFORMED);
    ASSERT_HELLO(name, (char *)(uintptr_t) "\xff", MS_E_MALFORMED);
}
END_TEST

/* Too many labels are the master's to refuse, in words; what is no word at all is malformed. */
START_TEST(test_hello_labels)
{
    char *labels[MS_LABELS_MAX + 2];
    Muster__Hello message = hello();

    for (size_t i = 0; i < MS_LABELS_MAX + 2; i++) {
        labels[i] = long_name + 1;
    }
    message.labels = labels;
    message.n_labels = MS_LABELS_MAX;
    ck_assert_int_eq(read_message(MS_KIND_HELLO, &message), MS_E_OK);
    ck_assert_uint_eq(command.body.hello->labels_count, MS_LABELS_MAX);
    ck_assert_str_eq(command.body.hello->labels[MS_LABELS_MAX - 1], long_name + 1);
    message.n_labels = MS_LABELS_MAX + 2;
    ck_assert_int_eq(read_message(MS_KIND_HELLO, &message), MS_E_OK);
    ck_assert_uint_eq(command.body.hello->labels_count, MS_LABELS_MAX + 2);
    labels[1] = long_name;
    ck_assert_int_eq(read_message(MS_KIND_HELLO, &message), MS_E_MALFORMED);
    labels[1] = (char *)(uintptr_t) "a\nb";
    ck_assert_int_eq(read_message(MS_KIND_HELLO, &message), MS_E_MALFORMED);
}
END_TEST

#define ASSERT_WELCOME(field, value, expected)                                                     \
    do {                                                                                           \
        Muster__Welcome message = MUSTER__WELCOME__INIT;                                           \
        message.token = (ProtobufCBinaryData){16, uuid};                                           \
        message.field = value;                                                                     \
        ck_assert_int_eq(read_message(MS_KIND_WELCOME, &message), expected);                       \
    } while (false)

START_TEST(test_welcome)
{
    memset(long_name, 'x', sizeof long_name - 1);
    ASSERT_WELCOME(token.len, 16, MS_E_OK);
    ASSERT_WELCOME(token.len, 0, MS_E_MALFORMED);
    ASSERT_WELCOME(token.len, 15, MS_E_MALFORMED);
    ASSERT_WELCOME(payload_max, MS_PAYLOAD_MAX_CEILING, MS_E_OK);
    ASSERT_WELCOME(payload_max, MS_PAYLOAD_MAX_CEILING + 1, MS_E_MALFORMED);
    ASSERT_WELCOME(beat_interval, (uint64_t)MS_DURATION_MAX, MS_E_OK);
    ASSERT_WELCOME(beat_interval, (uint64_t)MS_DURATION_MAX + 1, MS_E_MALFORMED);
    ASSERT_WELCOME(dead_after, UINT64_MAX, MS_E_MALFORMED);
    ASSERT_WELCOME(name, long_name, MS_E_MALFORMED);
    ASSERT_WELCOME(build, long_name, MS_E_MALFORMED);
}
END_TEST

START_TEST(test_goodbye)
{
    static char text[MS_DETAIL_MAX + 2];
    Muster__Goodbye message = MUSTER__GOODBYE__INIT;

    memset(text, 'x', sizeof text - 1);
    message.detail = text + 1;
    message.error = 70000;
    ck_assert_int_eq(read_message(MS_KIND_ERROR, &message), MS_E_OK);
    ck_assert_uint_eq(command.detail.size, MS_DETAIL_MAX);
    ck_assert_uint_eq(command.error, 65535);
    message.detail = text;
    ck_assert_int_eq(read_message(MS_KIND_GOAWAY, &message), MS_E_MALFORMED);
}
END_TEST

START_TEST(test_announce)
{
    static Muster__Announce__Type type = MUSTER__ANNOUNCE__TYPE__INIT;
    static Muster__Announce__Type *types[MS_SLAVE_TYPES_MAX + 1];
    Muster__Announce message = MUSTER__ANNOUNCE__INIT;

    type.type = MS_TYPE_USER_MIN;
    for (size_t i = 0; i <= MS_SLAVE_TYPES_MAX; i++) {
        types[i] = &type;
    }
    message.types = types;
    message.n_types = MS_SLAVE_TYPES_MAX;
    ck_assert_int_eq(read_message(MS_KIND_ANNOUNCE, &message), MS_E_OK);
    ck_assert_uint_eq(command.body.announce->count, MS_SLAVE_TYPES_MAX);
    message.n_types++;
    ck_assert_int_eq(read_message(MS_KIND_ANNOUNCE, &message), MS_E_MALFORMED);
    message.n_types = 1;
    type.type--;
    ck_assert_int_eq(read_message(MS_KIND_ANNOUNCE, &message), MS_E_MALFORMED);
    message.n_types = 0;
    ck_assert_int_eq(read_message(MS_KIND_ANNOUNCE, &message), MS_E_OK);
    ck_assert_uint_eq(command.body.announce->count, 0);
}
END_TEST

START_TEST(test_tokens)
{
    static Muster__Tokens__Token token = MUSTER__TOKENS__TOKEN__INIT;
    static Muster__Tokens__Token *tokens[MS_HELD_PER_FRAME_MAX + 1];
    Muster__Tokens message = MUSTER__TOKENS__INIT;

    token.token = 1;
    for (size_t i = 0; i <= MS_HELD_PER_FRAME_MAX; i++) {
        tokens[i] = &token;
    }
    message.tokens = tokens;
    message.n_tokens = MS_HELD_PER_FRAME_MAX;
    ck_assert_int_eq(read_message(MS_KIND_VERDICT, &message), MS_E_OK);
    ck_assert_uint_eq(command.body.tokens->count, MS_HELD_PER_FRAME_MAX);
    ck_assert_uint_eq(command.body.tokens->tokens[0].epoch, 5);
    ck_assert_ptr_null(command.body.tokens->holdings);
    ck_assert(!command.body.tokens->last);
    message.n_tokens++;
    ck_assert_int_eq(read_message(MS_KIND_VERDICT, &message), MS_E_MALFORMED);
    message.n_tokens = 1;
    token.token = 0;
    ck_assert_int_eq(read_message(MS_KIND_VERDICT, &message), MS_E_MALFORMED);
}
END_TEST

static Muster__Roll__Held held_of(void)
{
    Muster__Roll__Held held = MUSTER__ROLL__HELD__INIT;

    held.token = 1;
    held.client = (ProtobufCBinaryData){16, uuid};
    held.seq = 7;
    held.type = MS_TYPE_USER_MIN;
    held.attempt = 2;
    return held;
}

#define ASSERT_HELD(field, value, expected)                                                        \
    do {                                                                                           \
        Muster__Roll message = MUSTER__ROLL__INIT;                                                 \
        Muster__Roll__Held held = held_of();                                                       \
        Muster__Roll__Held *list[] = {&held};                                                      \
        held.field = value;                                                                        \
        message.n_held = 1;                                                                        \
        message.held = list;                                                                       \
        ck_assert_int_eq(read_message(MS_KIND_ROLL, &message), expected);                          \
    } while (false)

START_TEST(test_roll)
{
    ASSERT_HELD(epoch, 4, MS_E_OK);
    const struct ms_tokens *roll = command.body.tokens;
    ck_assert_uint_eq(roll->count, 1);
    ck_assert_uint_eq(roll->tokens[0].epoch, 4);
    ck_assert_uint_eq(roll->tokens[0].n, 1);
    ck_assert_mem_eq(roll->holdings[0].id.client.bytes, uuid, 16);
    ck_assert_uint_eq(roll->holdings[0].id.seq, 7);
    ck_assert_uint_eq(roll->holdings[0].type, MS_TYPE_USER_MIN);
    ck_assert_uint_eq(roll->holdings[0].attempt, 2);
    ASSERT_HELD(token, 0, MS_E_MALFORMED);
    ASSERT_HELD(client.len, 15, MS_E_MALFORMED);
    ASSERT_HELD(client.len, 0, MS_E_MALFORMED);
    ASSERT_HELD(type, MS_TYPE_USER_MIN - 1, MS_E_MALFORMED);
    ASSERT_HELD(attempt, 0, MS_E_MALFORMED);
    ASSERT_HELD(seq, 0, MS_E_MALFORMED); /* a client of nothing */
}
END_TEST

/* Who tells only the token, or the same as in a verdict, is understood. */
START_TEST(test_roll_without_holdings)
{
    ck_assert_int_eq(read_bytes(MS_KIND_ROLL, "\x0a\x02\x08\x09\x10\x01", 6), MS_E_OK);
    ck_assert_uint_eq(command.body.tokens->tokens[0].n, 9);
    ck_assert_uint_eq(command.body.tokens->tokens[0].epoch, 5);
    ck_assert_uint_eq(command.body.tokens->holdings[0].id.seq, 0);
    ck_assert(command.body.tokens->last);
}
END_TEST

START_TEST(test_roll_is_bounded)
{
    static Muster__Roll__Held held;
    static Muster__Roll__Held *list[MS_HELD_PER_FRAME_MAX + 1];
    Muster__Roll message = MUSTER__ROLL__INIT;

    held = held_of();
    for (size_t i = 0; i <= MS_HELD_PER_FRAME_MAX; i++) {
        list[i] = &held;
    }
    message.held = list;
    message.n_held = MS_HELD_PER_FRAME_MAX;
    ck_assert_int_eq(read_message(MS_KIND_ROLL, &message), MS_E_OK);
    message.n_held++;
    ck_assert_int_eq(read_message(MS_KIND_ROLL, &message), MS_E_MALFORMED);
}
END_TEST

#define ASSERT_QUERY(field, value, expected)                                                       \
    do {                                                                                           \
        Muster__Query message = MUSTER__QUERY__INIT;                                               \
        message.what = MS_QUERY_STATUS;                                                            \
        message.field = value;                                                                     \
        ck_assert_int_eq(read_message(MS_KIND_QUERY, &message), expected);                         \
    } while (false)

START_TEST(test_query)
{
    ASSERT_QUERY(what, MS_QUERY_COMMANDS, MS_E_OK);
    ASSERT_QUERY(what, 0, MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_COUNT, MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_SHOW, MS_E_MALFORMED); /* show what? */
    ASSERT_QUERY(client, ((ProtobufCBinaryData){16, uuid}), MS_E_OK);
    ASSERT_QUERY(client, ((ProtobufCBinaryData){15, uuid}), MS_E_MALFORMED);
    ASSERT_QUERY(state, (char *)(uintptr_t) "\x01", MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_WHY, MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_RESULT, MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_TAIL, MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_GROUP, MS_E_MALFORMED);
    ASSERT_QUERY(what, MS_QUERY_OPERATE, MS_E_MALFORMED);
    ASSERT_QUERY(operation, MS_OPERATION_COUNT - 1, MS_E_OK);
    ASSERT_QUERY(operation, MS_OPERATION_COUNT, MS_E_MALFORMED);
    ASSERT_QUERY(value, INT64_MIN, MS_E_OK);
    ck_assert(command.body.query->value == INT64_MIN);
    memset(long_where, 'x', sizeof long_where - 1);
    ASSERT_QUERY(where, long_where + 1, MS_E_OK);
    ck_assert_str_eq(command.body.query->where, long_where + 1);
    ASSERT_QUERY(where, long_where, MS_E_MALFORMED);
    ASSERT_QUERY(where, (char *)(uintptr_t) "\xff", MS_E_MALFORMED);
}
END_TEST

START_TEST(test_report)
{
    static Muster__Report__Cell cell = MUSTER__REPORT__CELL__INIT;
    static Muster__Report__Column column = MUSTER__REPORT__COLUMN__INIT;
    static Muster__Report__Cell *cells[2 * MS_REPORT_ROWS_MAX + 2];
    static Muster__Report__Column *columns[MS_REPORT_COLUMNS_MAX + 1];
    static char text[MS_DETAIL_MAX + 2];
    Muster__Report message = MUSTER__REPORT__INIT;

    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        cells[i] = &cell;
    }
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        columns[i] = &column;
    }
    memset(text, 'x', sizeof text - 1);
    cell.number = 1;
    message.cells = cells;
    message.columns = columns;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_OK);
    message.n_cells = 2;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_MALFORMED); /* no column */
    message.n_columns = 2;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_OK);
    message.n_cells = 3;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_MALFORMED); /* half a row */
    message.n_cells = (size_t)2 * MS_REPORT_ROWS_MAX;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_OK);
    message.n_cells += 2;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_MALFORMED);
    message.n_cells = 0;
    message.n_columns = MS_REPORT_COLUMNS_MAX + 1;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_MALFORMED);
    message.n_columns = message.n_cells = 1;
    cell.text = text + 1;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_OK);
    cell.text = text;
    ck_assert_int_eq(read_message(MS_KIND_REPORT, &message), MS_E_MALFORMED);
}
END_TEST

/* Small input that becomes large: refused, whatever the frame allows. */
START_TEST(test_bombs)
{
    static uint8_t body[MS_FRAME_CONTROL_MAX];

    for (size_t i = 0; i < sizeof body; i += 2) {
        body[i] = 0x22; /* an empty cell */
    }
    const enum ms_error error = read_bytes(MS_KIND_REPORT, body, sizeof body);
    ck_assert(error == MS_E_BUDGET || error == MS_E_MALFORMED);
    for (size_t i = 0; i < sizeof body; i += 2) {
        body[i] = 0x78; /* an unknown number */
        body[i + 1] = 1;
    }
    ck_assert_int_eq(read_bytes(MS_KIND_HELLO, body, MS_FRAME_HELLO_MAX), MS_E_MALFORMED);
    for (size_t i = 0; i < sizeof body; i += 2) {
        body[i] = 0x52; /* an empty name, again and again */
        body[i + 1] = 0;
    }
    ck_assert_int_ne(read_bytes(MS_KIND_HELLO, body, MS_FRAME_HELLO_MAX), MS_E_OK);
    ck_assert_uint_le(arena.used, 1u << 20); /* before anybody is known, a MiB at most */
}
END_TEST

START_TEST(test_random_bytes_are_refused)
{
    ck_assert_int_eq(read_bytes(MS_KIND_HELLO, "\xff\xff\xff\xff\xff", 5), MS_E_MALFORMED);
    ck_assert_int_eq(read_bytes(MS_KIND_BYE, "\xff", 1), MS_E_MALFORMED);
    ck_assert_int_eq(read_bytes(MS_KIND_BYE, "", 0), MS_E_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_control");
    TCase *tcase = tcase_create("control");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_hello);
    tcase_add_test(tcase, test_hello_labels);
    tcase_add_test(tcase, test_welcome);
    tcase_add_test(tcase, test_goodbye);
    tcase_add_test(tcase, test_announce);
    tcase_add_test(tcase, test_tokens);
    tcase_add_test(tcase, test_roll);
    tcase_add_test(tcase, test_roll_without_holdings);
    tcase_add_test(tcase, test_roll_is_bounded);
    tcase_add_test(tcase, test_query);
    tcase_add_test(tcase, test_report);
    tcase_add_test(tcase, test_bombs);
    tcase_add_test(tcase, test_random_bytes_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
