/* The chat service by its ABI. */
#include <stdio.h>
#include <stdlib.h>

#include "services/ms_service.h"
#include "tests/support/suite.h"

struct out {
    struct ms_service_writer writer;
    char text[1 << 20];
    size_t size;
};

static struct out out, record, image;
static void *chat;
static uint64_t version;
static const struct ms_service *const service = &ms_service_v1;
static const uint8_t client[16] = {1};

static int take(struct ms_service_writer *writer, const void *data, size_t size)
{
    struct out *to = (struct out *)(void *)writer;

    ck_assert_uint_lt(to->size + size, sizeof to->text);
    memcpy(to->text + to->size, data, size);
    to->size += size;
    to->text[to->size] = '\0';
    return 0;
}

static struct ms_service_writer *begin(struct out *to)
{
    to->writer = (struct ms_service_writer){MS_SERVICE_ABI, sizeof to->writer, take};
    to->size = 0;
    to->text[0] = '\0';
    return &to->writer;
}

static int ask(const char *parameters, const char *payload, int is_last)
{
    const struct ms_service_url url = {MS_SERVICE_ABI, sizeof url, "", "chat", parameters};
    const struct ms_service_call call = {.abi = MS_SERVICE_ABI,
                                         .size = sizeof call,
                                         .url = &url,
                                         .payload = payload,
                                         .payload_size = strlen(payload),
                                         .client = client,
                                         .number = 1,
                                         .is_last = is_last};

    return service->handle(chat, &call, begin(&record));
}

static int call(const char *parameters, const char *payload)
{
    const int verdict = ask(parameters, payload, 0);

    if (verdict != MS_SERVICE_PROPOSE) {
        memcpy(out.text, record.text, record.size + 1);
        return verdict;
    }
    version++;
    return service->apply(chat,
                          &(struct ms_service_change){.abi = MS_SERVICE_ABI,
                                                      .size = sizeof(struct ms_service_change),
                                                      .data = record.text,
                                                      .data_size = record.size,
                                                      .client = client,
                                                      .version = version,
                                                      .wall_us = (int64_t)version * 1000000},
                          begin(&out));
}

static void setup(void)
{
    static const struct ms_service_host host = {.abi = MS_SERVICE_ABI, .size = sizeof host};

    version = 0;
    chat = service->create(&host);
    ck_assert_ptr_nonnull(chat);
}

static void teardown(void)
{
    service->destroy(chat);
}

static void want(int verdict, int wanted, const char *text)
{
    ck_assert_msg(verdict == wanted, "%d, not %d: %s", verdict, wanted, out.text);
    ck_assert_str_eq(out.text, text);
}

START_TEST(what_is_said_is_read)
{
    want(call("post?room=hall&from=ann", "hello"), MS_SERVICE_REPLY, "1");
    want(call("post?room=hall&from=bob", "good day, ann"), MS_SERVICE_REPLY, "2");
    want(call("post?room=attic&from=bob", "nobody here"), MS_SERVICE_REPLY, "1");
    want(call("read?room=hall", ""), MS_SERVICE_REPLY, "1 1 ann hello\n2 2 bob good day, ann\n");
    want(call("read?room=hall&since=1", ""), MS_SERVICE_REPLY, "2 2 bob good day, ann\n");
    want(call("read?room=hall&limit=1", ""), MS_SERVICE_REPLY, "1 1 ann hello\n");
    want(call("rooms", ""), MS_SERVICE_REPLY, "2 hall\n1 attic\n");
}
END_TEST

START_TEST(who_has_read_all_waits)
{
    ck_assert_int_eq(call("read?room=hall&since=0", ""), MS_SERVICE_WAIT);
    call("post?room=hall&from=ann", "hello");
    ck_assert_int_eq(call("read?room=hall&since=0", ""), MS_SERVICE_REPLY);
    ck_assert_int_eq(call("read?room=hall&since=1", ""), MS_SERVICE_WAIT);
    ck_assert_int_eq(ask("read?room=hall&since=1", "", 1), MS_SERVICE_REPLY);
    ck_assert_uint_eq(record.size, 0);
}
END_TEST

START_TEST(a_room_keeps_the_last_messages)
{
    char text[32];

    ck_assert_int_eq(service->configured(chat, "messages_max=3&rooms_max=1", 26), 0);
    for (int i = 1; i <= 5; i++) {
        snprintf(text, sizeof text, "%d", i);
        call("post?room=hall&from=a", text);
    }
    want(call("read?room=hall", ""), MS_SERVICE_REPLY, "3 3 a 3\n4 4 a 4\n5 5 a 5\n");
    ck_assert_int_eq(call("post?room=attic&from=a", "x"), MS_SERVICE_FULL);
    ck_assert_int_eq(service->configured(chat, "messages_max=0", 14), -1);
}
END_TEST

START_TEST(nonsense_is_refused)
{
    ck_assert_int_eq(call("shout", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("post?room=hall", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("post?room=a b&from=c", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("post?room=hall&from=a", ""), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("post?room=hall&from=a", "two\nlines"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("read?room=hall&since=x", ""), MS_SERVICE_BAD_ARGUMENT);
}
END_TEST

START_TEST(a_snapshot_is_all_of_it)
{
    ck_assert_int_eq(service->configured(chat, "messages_max=3", 14), 0);
    for (int i = 1; i <= 5; i++) {
        call("post?room=hall&from=ann", "hello");
    }
    call("post?room=attic&from=bob", "x");
    ck_assert_int_eq(service->snapshot(chat, begin(&image)), 0);
    for (size_t size = 1; size < image.size; size += 7) {
        teardown();
        setup();
        if (size < 40) {
            ck_assert_int_ne(service->restore(chat, image.text, size), 0);
        }
    }
    teardown();
    setup();
    ck_assert_int_eq(service->restore(chat, image.text, image.size), 0);
    want(call("rooms", ""), MS_SERVICE_REPLY, "5 hall\n1 attic\n");
    want(call("read?room=hall&since=4", ""), MS_SERVICE_REPLY, "5 5 ann hello\n");
    ck_assert_int_eq(service->snapshot(chat, begin(&record)), 0);
    ck_assert_uint_eq(record.size, image.size);
    ck_assert_mem_eq(record.text, image.text, image.size);
    service->heartbeat(chat, begin(&out));
    ck_assert_str_eq(out.text, "2 rooms");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("services_chat");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_said_is_read);
    tcase_add_test(tests, who_has_read_all_waits);
    tcase_add_test(tests, a_room_keeps_the_last_messages);
    tcase_add_test(tests, nonsense_is_refused);
    tcase_add_test(tests, a_snapshot_is_all_of_it);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
