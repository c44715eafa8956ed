#include "master/answers.h"

#include <stdlib.h>

#include "core/invariant.h"

#define SIZE_MIN 256

void ms_answers_finish(struct ms_answers *answers)
{
    if (answers == NULL) {
        return;
    }
    free(answers->items);
    *answers = (struct ms_answers){0};
}

static bool grow(struct ms_answers *answers)
{
    const size_t size = answers->items == NULL ? SIZE_MIN : (answers->mask + 1) * 2;
    struct ms_answer *items = calloc(size, sizeof *items);

    if (items == NULL) {
        return false;
    }
    for (size_t i = 0; i < answers->count; i++) {
        items[i] = answers->items[(answers->head + i) & answers->mask];
    }
    free(answers->items);
    answers->items = items;
    answers->mask = size - 1;
    answers->head = 0;
    return true;
}

/* True when the answer only makes the last one's run longer. */
static bool extend(struct ms_answers *answers, const struct ms_answer *answer)
{
    struct ms_answer *last;

    if (answers->count == 0 ||
        (answer->kind != MS_KIND_SUBMIT_ACK && answer->kind != MS_KIND_RESULT_ACK)) {
        return false;
    }
    last = &answers->items[(answers->head + answers->count - 1) & answers->mask];
    if (last->kind != answer->kind || last->peer != answer->peer ||
        last->made_at != answer->made_at || last->epoch != answer->epoch ||
        last->durability != answer->durability || last->first + last->count != answer->first ||
        last->count > UINT32_MAX - answer->count) {
        return false;
    }
    last->count += answer->count;
    last->seq = answer->seq > last->seq ? answer->seq : last->seq;
    return true;
}

bool ms_answers_push(struct ms_answers *answers, const struct ms_answer *answer)
{
    ms_assert(answer->peer != MS_PEER_NONE);
    if (extend(answers, answer)) {
        return true;
    }
    if ((answers->items == NULL || answers->count > answers->mask) && !grow(answers)) {
        return false;
    }
    answers->items[(answers->head + answers->count++) & answers->mask] = *answer;
    return true;
}

struct ms_answer *ms_answers_first(const struct ms_answers *answers)
{
    return answers->count == 0 ? NULL : &answers->items[answers->head & answers->mask];
}

void ms_answers_pop(struct ms_answers *answers)
{
    ms_assert(answers->count > 0);
    answers->head++;
    answers->count--;
}

bool ms_answers_move(struct ms_answers *to, struct ms_answers *from, ms_seq seq)
{
    struct ms_answer *first;

    ms_assert(to != from);
    while ((first = ms_answers_first(from)) != NULL) {
        first->seq = seq;
        if (!ms_answers_push(to, first)) {
            return false;
        }
        ms_answers_pop(from);
    }
    return true;
}
