/* The parts of the hall among themselves. */
#ifndef TESTS_COUNCIL_PARTS_H
#define TESTS_COUNCIL_PARTS_H

#include "tests/council/hall.h"

/* net.c */
void hall_send(struct hall *hall, uint8_t from, uint8_t to, const struct hall_note *note);
void hall_dial(struct hall *hall, uint8_t node, uint8_t other);
void hall_dial_later(struct hall *hall, uint8_t a, uint8_t b);
void hall_break(struct hall *hall, uint8_t a, uint8_t b);
void hall_cut(struct hall *hall, uint8_t from, uint8_t to);
void hall_heal(struct hall *hall, uint8_t a, uint8_t b);
void hall_arrive(struct hall *hall, const struct hall_event *event);
void hall_closed(struct hall *hall, const struct hall_event *event);
bool hall_is_up(const struct hall *hall, uint8_t node);
bool hall_is_connected(const struct hall *hall, uint8_t from, uint8_t to);

/* masters.c */
void hall_master_start(struct hall *hall, uint8_t place);
void hall_master_crash(struct hall *hall, uint8_t place);
void hall_master_wipe(struct hall *hall, uint8_t place);
void hall_master_blank(struct hall *hall, uint8_t place);
/* Starts are counted, and told. */
bool hall_counts_starts(const struct hall *hall);
/* Its directory is as it was when the copy was made. */
void hall_master_put_back(struct hall *hall, uint8_t place);
/* It is an old copy that lacks more than a start, and has not begun anew. */
bool hall_master_is_old(const struct hall_master *self);
void hall_master_act(struct hall *hall, uint8_t place); /* carries out what the council wants */
/* The life of a council is over. */
void hall_end(struct hall_master *self);
void hall_master_hello(struct hall *hall, uint8_t place, struct hall_note *note);
void hall_master_met(struct hall *hall, uint8_t place, uint8_t other, const struct hall_note *note);
void hall_master_lost(struct hall *hall, uint8_t place, uint8_t other, bool is_dead);
void hall_master_hear(struct hall *hall, uint8_t place, uint8_t other,
                      const struct hall_note *note);
void hall_master_stored(struct hall *hall, uint8_t place);
struct ms_council_party hall_party(uint8_t node);

/* log.c */
void hall_log_hear(struct hall *hall, uint8_t place, const struct hall_note *note);
void hall_log_follow(struct hall *hall, uint8_t place);
void hall_log_submit(struct hall *hall, uint8_t place);
void hall_log_compare(struct hall *hall,
                      uint8_t place); /* tells the council how far both logs are */
void hall_log_serve(struct hall *hall, uint8_t place, const struct ms_decision *decision);
void hall_log_stop(struct hall *hall, uint8_t place, const struct ms_decision *decision);

/* witnesses.c */
void hall_witness_start(struct hall *hall, uint8_t node);
void hall_witness_crash(struct hall *hall, uint8_t node);
void hall_witness_hello(struct hall *hall, uint8_t node, struct hall_note *note);
void hall_witness_met(struct hall *hall, uint8_t node, uint8_t other, const struct hall_note *note);
void hall_witness_hear(struct hall *hall, uint8_t node, uint8_t other,
                       const struct hall_note *note);
void hall_witness_lost(struct hall *hall, uint8_t node, uint8_t other, bool is_dead);
void hall_witness_stored(struct hall *hall, uint8_t node);

/* faults.c */
void hall_faults_draw(struct hall *hall);
void hall_fault(struct hall *hall);
void hall_split(struct hall *hall);
void hall_copy(struct hall *hall);
void hall_lose(struct hall *hall, uint8_t place);
void hall_order(struct hall *hall, uint8_t place, enum ms_order what);

/* plans.c, plans_rows.c */
/* That seed has one of those for rows of the council's table. number: of the seed among them. */
void hall_plan_for_rows(struct hall *hall, uint64_t number);
void hall_plan_prepare(struct hall *hall); /* how many witnesses there are, and are enrolled */
void hall_plan_step(struct hall *hall);    /* something has happened */
/* A proposal to the peer is about to leave, and has left. */
void hall_plan_sending(struct hall *hall, uint8_t place, const struct ms_council_act *act);
void hall_plan_sent(struct hall *hall, uint8_t place, const struct ms_council_act *act);
void hall_plan_listed(struct hall *hall, uint8_t place); /* its disk has another list */

/* observer.c: every invariant of docs/decisions/0010-pair-model.md that a council can break */
void hall_observe_store(struct hall *hall, uint8_t place, const struct ms_council_record *record);
void hall_observe_left(struct hall *hall, uint8_t place); /* a record, by a crash in its writing */
void hall_observe_vote(struct hall *hall, uint8_t node, const struct ms_voter *before,
                       const struct ms_voter *after);
void hall_observe_send(struct hall *hall, uint8_t place, const struct ms_council_act *act);
/* After a tick of one that was passive before it, or not. */
void hall_observe_tick(struct hall *hall, uint8_t place, bool was_passive);
void hall_observe_serve(struct hall *hall, uint8_t place, const struct ms_decision *decision);
void hall_observe_ack(struct hall *hall, uint8_t place, uint64_t bit);
void hall_observe_wipe(struct hall *hall, uint8_t place);
void hall_observe_logs(struct hall *hall);

#endif
