/* The kv service by its ABI: what a call gives, what a change makes, and snapshots. */
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
static void *kv;
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

static int ask(const char *parameters, const char *payload)
{
    const struct ms_service_url url = {MS_SERVICE_ABI, sizeof url, "", "kv", parameters};
    const struct ms_service_call call = {.abi = MS_SERVICE_ABI,
                                         .size = sizeof call,
                                         .url = &url,
                                         .payload = payload,
                                         .payload_size = strlen(payload),
                                         .client = client,
                                         .number = 1};

    return service->handle(kv, &call, begin(&record));
}

/* A call, and the change that it may propose. */
static int call(const char *parameters, const char *payload)
{
    const int verdict = ask(parameters, payload);

    if (verdict != MS_SERVICE_PROPOSE) {
        memcpy(out.text, record.text, record.size + 1);
        return verdict;
    }
    return service->apply(kv,
                          &(struct ms_service_change){.abi = MS_SERVICE_ABI,
                                                      .size = sizeof(struct ms_service_change),
                                                      .data = record.text,
                                                      .data_size = record.size,
                                                      .client = client,
                                                      .version = ++version},
                          begin(&out));
}

static void setup(void)
{
    static const struct ms_service_host host = {.abi = MS_SERVICE_ABI, .size = sizeof host};

    version = 0;
    kv = service->create(&host);
    ck_assert_ptr_nonnull(kv);
}

static void teardown(void)
{
    service->destroy(kv);
}

static void want(int verdict, int wanted, const char *text)
{
    ck_assert_msg(verdict == wanted, "%d, not %d: %s", verdict, wanted, out.text);
    ck_assert_str_eq(out.text, text);
}

START_TEST(what_is_put_is_got)
{
    want(call("put?key=a", "one"), MS_SERVICE_REPLY, "1");
    want(call("get?key=a", ""), MS_SERVICE_REPLY, "one");
    want(call("put?key=a", "two"), MS_SERVICE_REPLY, "2");
    want(call("get?key=a", ""), MS_SERVICE_REPLY, "two");
    want(call("put?key=%20%2F", ""), MS_SERVICE_REPLY, "3");
    want(call("get?key=%20%2F", ""), MS_SERVICE_REPLY, "");
    ck_assert_int_eq(call("get?key=b", ""), MS_SERVICE_NOT_FOUND);
    want(call("delete?key=a", ""), MS_SERVICE_REPLY, "4");
    ck_assert_int_eq(call("get?key=a", ""), MS_SERVICE_NOT_FOUND);
    ck_assert_int_eq(call("delete?key=a", ""), MS_SERVICE_NOT_FOUND);
}
END_TEST

START_TEST(cas_compares_versions)
{
    want(call("cas?key=a&version=0", "one"), MS_SERVICE_REPLY, "1");
    want(call("cas?key=a&version=0", "two"), MS_SERVICE_CONFLICT, "1 is the version of that key");
    want(call("cas?version=1&key=a", "two"), MS_SERVICE_REPLY, "3");
    want(call("get?key=a", ""), MS_SERVICE_REPLY, "two");
    ck_assert_int_eq(call("delete?key=a&version=1", ""), MS_SERVICE_CONFLICT);
    ck_assert_int_eq(call("delete?key=a&version=3", ""), MS_SERVICE_REPLY);
    ck_assert_int_eq(call("cas?key=a", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("cas?key=a&version=x", "x"), MS_SERVICE_BAD_ARGUMENT);
}
END_TEST

START_TEST(list_is_sorted)
{
    call("put?key=user/b", "22");
    call("put?key=user/a", "1");
    call("put?key=group", "");
    want(call("list", ""), MS_SERVICE_REPLY, "3 0 group\n2 1 user/a\n1 2 user/b\n");
    want(call("list?prefix=user/", ""), MS_SERVICE_REPLY, "2 1 user/a\n1 2 user/b\n");
    want(call("list?limit=1", ""), MS_SERVICE_REPLY, "3 0 group\n");
    want(call("list?prefix=x", ""), MS_SERVICE_REPLY, "");
}
END_TEST

START_TEST(nonsense_is_refused)
{
    char text[600];

    ck_assert_int_eq(call("", ""), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("what?key=a", ""), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("put", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("put?key=", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("put?key=%2", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("put?key=%00", "x"), MS_SERVICE_BAD_ARGUMENT);
    ck_assert_int_eq(call("get?kez=a", ""), MS_SERVICE_BAD_ARGUMENT);
    snprintf(text, sizeof text, "put?key=%0300d", 1);
    ck_assert_int_eq(call(text, "x"), MS_SERVICE_BAD_ARGUMENT);
}
END_TEST

START_TEST(it_is_bounded_by_its_configuration)
{
    ck_assert_int_eq(service->configured(kv, "value_max=3&bytes_max=200", 25), 0);
    ck_assert_int_eq(call("put?key=a", "four"), MS_SERVICE_FULL);
    ck_assert_int_eq(call("put?key=a", "one"), MS_SERVICE_REPLY);
    ck_assert_int_eq(call("put?key=b", "two"), MS_SERVICE_REPLY);
    ck_assert_int_eq(call("put?key=c", "3"), MS_SERVICE_FULL);
    ck_assert_int_eq(call("put?key=b", "2"), MS_SERVICE_REPLY);
    ck_assert_int_eq(call("delete?key=a", ""), MS_SERVICE_REPLY);
    ck_assert_int_eq(call("put?key=c", "3"), MS_SERVICE_REPLY);
    ck_assert_int_eq(service->configured(kv, "value_max=x", 11), -1);
}
END_TEST

START_TEST(a_snapshot_is_all_of_it)
{
    char key[64];

    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "put?key=%d", i * 7919 % 200);
        call(key, key);
    }
    ck_assert_int_eq(service->snapshot(kv, begin(&image)), 0);
    call("list", "");
    memcpy(record.text, out.text, sizeof out.text);
    teardown();
    for (size_t size = 1; size < 34; size++) {
        setup();
        ck_assert_int_ne(service->restore(kv, image.text, size), 0);
        teardown();
    }
    setup();
    ck_assert_int_eq(service->restore(kv, image.text, image.size), 0);
    ck_assert_int_eq(call("get?key=7", ""), MS_SERVICE_REPLY);
    ck_assert_str_eq(out.text, "put?key=7");
    service->heartbeat(kv, begin(&out));
    ck_assert_ptr_nonnull(strstr(out.text, "200 keys"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("services_kv");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_put_is_got);
    tcase_add_test(tests, cas_compares_versions);
    tcase_add_test(tests, list_is_sorted);
    tcase_add_test(tests, nonsense_is_refused);
    tcase_add_test(tests, it_is_bounded_by_its_configuration);
    tcase_add_test(tests, a_snapshot_is_all_of_it);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
