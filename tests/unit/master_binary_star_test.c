/* The table of Binary Star (the ZeroMQ guide, chapter 4), row by row: two masters without witnesses that take over by evidence. Where
 * it gives up ("fatal"), ours goes on; docs/ancestors.md has both side by side. */
#include "master/council.h"

#include "master_assembly_people.h"
#include "master_script.h"

enum { PRIMARY, BACKUP };

static struct assembly *two_masters(void)
{
    struct assembly *room = assemble(0);

    room->masters[PRIMARY].config.is_bootstrap = true;
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        room->masters[place].config.failover = MS_FAILOVER_EVIDENCE;
    }
    return room;
}

static struct assembly *primary_is_active(void)
{
    struct assembly *room = two_masters();

    start(room, PRIMARY);
    start(room, BACKUP);
    pass(room, 20 * MS_SEC);
    ck_assert_state(room, PRIMARY, PAIR);
    return room;
}

static void client_request(struct assembly *room, uint8_t place)
{
    ms_council_asked(room->masters[place].council, room->now);
    act(room);
}

static struct assembly *backup_is_active(void)
{
    struct assembly *room = primary_is_active();

    stop(room, PRIMARY, false);
    pass(room, 3 * MS_SEC);
    client_request(room, BACKUP);
    ck_assert_state(room, BACKUP, SOLO);
    return room;
}

START_TEST(primary_peer_backup_is_active)
{
    struct assembly *room = primary_is_active();

    ck_assert(room->masters[PRIMARY].serves);
    dismiss(room);
}
END_TEST

START_TEST(primary_peer_active_is_passive)
{
    struct assembly *room = backup_is_active();

    start(room, PRIMARY);
    pass(room, 10 * MS_SEC);
    ck_assert_state(room, BACKUP, PAIR);
    ck_assert_state(room, PRIMARY, SYNC);
    dismiss(room);
}
END_TEST

START_TEST(primary_client_request_is_accepted)
{
    struct assembly *room = primary_is_active();

    stop(room, BACKUP, true);
    restart(room, PRIMARY);
    pass(room, 10 * MS_SEC);
    client_request(room, PRIMARY);
    ck_assert(room->masters[PRIMARY].serves);
    dismiss(room);
}
END_TEST

START_TEST(backup_peer_active_is_passive)
{
    struct assembly *room = primary_is_active();

    restart(room, BACKUP);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, BACKUP, SYNC);
    dismiss(room);
}
END_TEST

/* One that was never in sync: what it would serve is nothing. */
START_TEST(backup_client_request_is_refused)
{
    struct assembly *room = two_masters();

    start(room, BACKUP);
    client_request(room, BACKUP);
    pass(room, 60 * MS_SEC);
    client_request(room, BACKUP);
    ck_assert_state(room, BACKUP, PENDING);
    ck_assert(!room->masters[BACKUP].serves);
    dismiss(room);
}
END_TEST

/* Fatal there. Here the higher epoch stays. */
START_TEST(active_peer_active_is_one)
{
    struct assembly *room = primary_is_active();

    part(room, PRIMARY, BACKUP, false);
    pass(room, 3 * MS_SEC);
    client_request(room, BACKUP);
    pass(room, 1 * MS_SEC);
    ck_assert_state(room, BACKUP, SOLO);
    meet(room, PRIMARY, BACKUP);
    pass(room, 10 * MS_SEC);
    ck_assert(room->masters[PRIMARY].serves != room->masters[BACKUP].serves);
    dismiss(room);
}
END_TEST

START_TEST(active_client_request_is_accepted)
{
    struct assembly *room = primary_is_active();

    client_request(room, PRIMARY);
    ck_assert_state(room, PRIMARY, PAIR);
    ck_assert(room->masters[PRIMARY].serves);
    dismiss(room);
}
END_TEST

/* PEER_PRIMARY and PEER_BACKUP: the active one was restarted, and has not found out yet who it is. */
START_TEST(passive_peer_restarting_one_is_active)
{
    struct assembly *room = primary_is_active();

    restart(room, PRIMARY);
    pass(room, 5 * MS_SEC);
    ck_assert(room->masters[PRIMARY].serves != room->masters[BACKUP].serves);
    dismiss(room);
    room = backup_is_active();
    start(room, PRIMARY);
    pass(room, 10 * MS_SEC);
    restart(room, BACKUP);
    pass(room, 5 * MS_SEC);
    ck_assert(room->masters[PRIMARY].serves != room->masters[BACKUP].serves);
    dismiss(room);
}
END_TEST

/* Fatal there. Here the one that served last goes on. */
START_TEST(passive_peer_passive_is_one)
{
    struct assembly *room = primary_is_active();

    stop(room, PRIMARY, false);
    stop(room, BACKUP, false);
    start(room, BACKUP);
    start(room, PRIMARY);
    pass(room, 10 * MS_SEC);
    ck_assert(room->masters[PRIMARY].serves != room->masters[BACKUP].serves);
    dismiss(room);
}
END_TEST

START_TEST(passive_client_request_fails_over_once_the_peer_is_silent)
{
    struct assembly *room = backup_is_active();

    ck_assert(room->masters[BACKUP].serves);
    dismiss(room);
}
END_TEST

START_TEST(passive_client_request_is_refused_while_the_peer_lives)
{
    struct assembly *room = primary_is_active();

    client_request(room, BACKUP);
    pass(room, 5 * MS_SEC);
    ck_assert_state(room, BACKUP, SYNC);
    ck_assert(!room->masters[BACKUP].serves);
    dismiss(room);
}
END_TEST

TESTS(primary_peer_backup_is_active, primary_peer_active_is_passive,
      primary_client_request_is_accepted, backup_peer_active_is_passive,
      backup_client_request_is_refused, active_peer_active_is_one,
      active_client_request_is_accepted, passive_peer_restarting_one_is_active,
      passive_peer_passive_is_one, passive_client_request_fails_over_once_the_peer_is_silent,
      passive_client_request_is_refused_while_the_peer_lives)
