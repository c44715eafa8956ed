/* Live commands by number: rising numbers in a ring, odd ones in the map. */
#include "master/clients.h"
#include "master/index.h"
#include "master/work.h"
#include "master_script.h"

static struct ms_work *look(const struct ms_index *index, const struct ms_map *spill, uint64_t seq)
{
    if (index->slots != NULL) {
        struct ms_work *work = index->slots[seq & index->mask];

        if (work != NULL && work->seq == seq) {
            return work;
        }
    }
    return ms_index_find_spilled(spill, 1, seq);
}

START_TEST(rising_numbers_stay_in_the_ring)
{
    enum { COUNT = 50000 };
    struct ms_client client = {.number = 1};
    struct ms_work *works = calloc(COUNT, sizeof *works);
    struct ms_map spill;

    ms_map_init(&spill, 1u << 20, 3);
    for (size_t i = 0; i < COUNT; i++) {
        works[i].seq = i + 1;
        works[i].client = &client;
        ck_assert(ms_index_add(&client.index, &spill, &works[i]));
    }
    ck_assert_uint_le(client.index.spilled, COUNT / 2);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_ptr_eq(look(&client.index, &spill, i + 1), &works[i]);
        ms_index_remove(&client.index, &spill, &works[i]);
        ck_assert_ptr_null(look(&client.index, &spill, i + 1));
    }
    ck_assert_uint_eq(client.index.count + client.index.spilled, 0);
    ck_assert_uint_eq(ms_map_count(&spill), 0);
    ms_index_finish(&client.index);
    ms_map_finish(&spill);
    free(works);
}
END_TEST

START_TEST(numbers_that_collide_are_found)
{
    struct ms_client client = {.number = 1};
    struct ms_work works[3] = {0};
    struct ms_map spill;

    ms_map_init(&spill, 100, 3);
    for (size_t i = 0; i < 3; i++) {
        works[i].seq = 5 + i * ((uint64_t)1 << 40);
        works[i].client = &client;
        ck_assert(ms_index_add(&client.index, &spill, &works[i]));
    }
    ck_assert_uint_eq(client.index.count, 1);
    ck_assert_uint_eq(client.index.spilled, 2);
    ms_index_remove(&client.index, &spill, &works[0]);
    ck_assert_ptr_null(look(&client.index, &spill, 5));
    ck_assert_ptr_eq(look(&client.index, &spill, works[1].seq), &works[1]);
    ck_assert_ptr_eq(look(&client.index, &spill, works[2].seq), &works[2]);
    ms_index_remove(&client.index, &spill, &works[1]);
    ms_index_remove(&client.index, &spill, &works[2]);
    ck_assert_uint_eq(client.index.spilled, 0);
    ms_index_finish(&client.index);
    ms_index_finish(NULL);
    ms_map_finish(&spill);
}
END_TEST

TESTS(rising_numbers_stay_in_the_ring, numbers_that_collide_are_found)
