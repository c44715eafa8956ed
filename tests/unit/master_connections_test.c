/* Connections by slot: stale names find nothing, silent ones are known in their order. */
#include "master/connections.h"
#include "master_script.h"

static const struct ms_uuid nonce = {{1}};

START_TEST(a_name_with_an_old_generation_is_nobody)
{
    struct ms_connections connections;
    const ms_peer first = ((ms_peer)1 << 32) | 7;
    const ms_peer second = ((ms_peer)2 << 32) | 7;

    ck_assert(ms_connections_init(&connections));
    struct ms_connection *connection = ms_connections_open(&connections, 5, first, &nonce);
    ck_assert_ptr_eq(ms_connections_find(&connections, first), connection);
    ck_assert_ptr_null(ms_connections_find(&connections, second));
    ms_connections_close(&connections, connection);
    ck_assert_ptr_null(ms_connections_find(&connections, first));
    ck_assert_ptr_nonnull(ms_connections_open(&connections, 6, second, &nonce));
    ck_assert_ptr_null(ms_connections_find(&connections, first));
    ck_assert_ptr_null(ms_connections_find(&connections, MS_PEER_NONE));
    ck_assert_ptr_null(ms_connections_find(&connections, UINT64_MAX));
    ck_assert_uint_eq(connections.count, 1);
    ms_connections_finish(&connections);
}
END_TEST

START_TEST(silent_ones_are_known_oldest_first)
{
    struct ms_connections connections;
    struct ms_session session = {.state = MS_SESSION_ALIVE};

    ck_assert(ms_connections_init(&connections));
    ck_assert_ptr_null(ms_connections_oldest(&connections));
    struct ms_connection *a = ms_connections_open(&connections, 1, 1, &nonce);
    struct ms_connection *b = ms_connections_open(&connections, 2, 2, &nonce);
    ck_assert_ptr_eq(ms_connections_oldest(&connections), a);
    ms_connections_greet(&connections, a, &session);
    ck_assert_ptr_eq(ms_connections_oldest(&connections), b);
    ck_assert_uint_eq(connections.pending_count, 1);
    ms_connections_close(&connections, b);
    ms_connections_close(&connections, a);
    ck_assert_uint_eq(connections.count + connections.pending_count, 0);
    ms_connections_finish(&connections);
    ms_connections_finish(NULL);
}
END_TEST

START_TEST(slots_have_an_end)
{
    struct ms_connections connections;

    ck_assert(ms_connections_init(&connections));
    ck_assert_ptr_nonnull(ms_connections_open(&connections, 1, MS_PEERS_MAX, &nonce));
    ck_assert_ptr_null(ms_connections_open(&connections, 1, (ms_peer)MS_PEERS_MAX + 1, &nonce));
    ms_connections_finish(&connections);
}
END_TEST

TESTS(a_name_with_an_old_generation_is_nobody, silent_ones_are_known_oldest_first,
      slots_have_an_end)
