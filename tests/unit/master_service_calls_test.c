/* Calls: whose they are, those that are answered later, and those that make no sense. */
#include "master/service_calls.h"

#include "master_services.h"

static struct script s;
static struct shelf shelf;

static void wait_for(ms_peer peer, uint64_t number, const char *what, ms_time wait)
{
    call_as(
        &s, peer,
        &(struct ms_command){
            .kind = MS_KIND_CALL, .id.seq = number, .timeout = wait, .detail = ms_bytes_of(what)});
}

START_TEST(the_chain_finds_whose_it_is)
{
    begin_services(&s, &shelf);
    call(&s, 2, 1, "nothing/get", "");
    want_no(&s, MS_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(reply_of(&s)->detail, "count plain"));
    call(&s, 2, 2, "acme//count/get", "");
    want_reply(&s, 2, "0");
    call(&s, 2, 3, "count/what", "");
    want_no(&s, MS_E_BAD_ARGUMENT);
    call(&s, 2, 4, "/", "");
    want_no(&s, MS_E_NOT_FOUND);
    call(&s, 2, 5, "//", "");
    want_no(&s, MS_E_NOT_FOUND);
    teardown_durable(&s);
}
END_TEST

static int claims_acme(const char *name, const struct ms_service_url *url)
{
    ck_assert_str_eq(name, "count");
    return strcmp(url->company, "acme") == 0;
}

START_TEST(a_service_may_claim_by_anything_in_the_url)
{
    struct ms_service choosy = counter_service;
    struct ms_service_entry two[] = {{&choosy, "count", ""}, {&plain_service, "other", ""}};
    const struct ms_service_list chain = {two, 2};

    choosy.claims = claims_acme;
    begin_services(&s, &shelf);
    shelf.config.services = &chain;
    again(&s);
    call(&s, 2, 1, "acme//other/get", "");
    want_reply(&s, 1, "0");
    call(&s, 2, 2, "other/get", "3"); /* the next one in the chain */
    commit(&s);
    want_reply(&s, 2, "3");
    teardown_durable(&s);
}
END_TEST

START_TEST(a_call_waits_for_a_change)
{
    begin_services(&s, &shelf);
    client(&s, 3, 3);
    wait_for(3, 1, "count/wait/2", 10 * MS_SEC);
    ck_assert_ptr_null(reply_of(&s));
    call(&s, 2, 1, "count/add", "1");
    commit(&s);
    settle_down(&s);
    tick_at(&s, s.now);
    ck_assert_uint_eq(s.master->services.calls.used, 1);
    call(&s, 2, 2, "count/add", "1");
    settle_down(&s);
    ck_assert_ptr_null(reply_of(&s)); /* what it would be told is not durable */
    commit(&s);
    ck_assert_ptr_nonnull(reply_of(&s));
    settle_down(&s);
    tick_at(&s, s.now + MS_SEC);
    ck_assert_uint_eq(s.master->services.calls.used, 0);
    ck_assert_uint_eq(s.master->services.bytes, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_call_waits_no_longer_than_it_likes)
{
    begin_services(&s, &shelf);
    wait_for(2, 1, "count/wait/2", MS_SEC);
    ck_assert_ptr_null(reply_of(&s));
    run_until(&s, s.now + 2 * MS_SEC);
    want_no(&s, MS_E_TIMEOUT);
    wait_for(2, 2, "count/wait/2", 0);
    want_no(&s, MS_E_TIMEOUT);
    teardown_durable(&s);
}
END_TEST

START_TEST(who_is_gone_is_not_answered)
{
    begin_services(&s, &shelf);
    wait_for(2, 1, "count/wait/2", MS_SEC);
    close_peer(&s, 2);
    run_until(&s, s.now + 2 * MS_SEC);
    ck_assert_ptr_null(reply_of(&s));
    ck_assert_uint_eq(s.master->services.calls.used, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(replies_have_bounds)
{
    char long_payload[64];

    memset(long_payload, 'x', sizeof long_payload - 1);
    long_payload[sizeof long_payload - 1] = '\0';
    begin_services(&s, &shelf);
    call(&s, 2, 1, "count/long", long_payload);
    commit(&s);
    want_no(&s, MS_E_RESULT_SIZE);
    again(&s);
    call(&s, 2, 1, "count/long", long_payload); /* the same comes of it */
    want_no(&s, MS_E_RESULT_SIZE);
    teardown_durable(&s);
}
END_TEST

START_TEST(one_client_has_so_many_calls_at_a_time)
{
    begin_services(&s, &shelf);
    for (uint64_t i = 1; i <= MS_CALLS_MAX; i++) {
        call_as(&s, 2,
                &(struct ms_command){.kind = MS_KIND_CALL,
                                     .id.seq = i,
                                     .detail = ms_bytes_of("count/add"),
                                     .payload = ms_bytes_of("1")});
    }
    call_as(&s, 2,
            &(struct ms_command){.kind = MS_KIND_CALL,
                                 .id.seq = 99,
                                 .detail = ms_bytes_of("count/add"),
                                 .payload = ms_bytes_of("1")});
    want_no(&s, MS_E_RETRY_LATER);
    call_as(&s, 2,
            &(struct ms_command){.kind = MS_KIND_CALL,
                                 .id.seq = 100,
                                 .count = 1,
                                 .detail = ms_bytes_of("count/add"),
                                 .payload = ms_bytes_of("1")});
    commit(&s);
    want_reply(&s, 100, "17");
    teardown_durable(&s);
}
END_TEST

TESTS(the_chain_finds_whose_it_is, a_service_may_claim_by_anything_in_the_url,
      a_call_waits_for_a_change, a_call_waits_no_longer_than_it_likes, who_is_gone_is_not_answered,
      replies_have_bounds, one_client_has_so_many_calls_at_a_time)
