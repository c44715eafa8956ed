#include "core/fsm.h"

#include <string.h>

#include "core/invariant.h"

#define STATES_MAX 64 /* of one machine, for the reachability check */

/* Joins the events that lead from one state to another into one arrow. */
static void print_arrow(const struct ms_fsm *fsm, size_t index, struct ms_text *text)
{
    const struct ms_fsm_row *row = &fsm->rows[index];

    for (size_t i = 0; i < index; i++) {
        if (strcmp(fsm->rows[i].from, row->from) == 0 && strcmp(fsm->rows[i].to, row->to) == 0) {
            return;
        }
    }
    ms_text_add(text, "    %s --> %s: %s", row->from, row->to, row->event);
    for (size_t i = index + 1; i < fsm->count; i++) {
        if (strcmp(fsm->rows[i].from, row->from) == 0 && strcmp(fsm->rows[i].to, row->to) == 0) {
            ms_text_add(text, ", %s", fsm->rows[i].event);
        }
    }
    ms_text_add(text, "\n");
}

void ms_fsm_print(const struct ms_fsm *fsm, struct ms_text *text)
{
    ms_assert(fsm->count > 0);
    ms_text_add(text, "## %s\n\n%s\n\n```mermaid\nstateDiagram-v2\n    [*] --> %s\n", fsm->title,
                fsm->about, fsm->initial);
    for (size_t i = 0; i < fsm->count; i++) {
        if (strcmp(fsm->rows[i].from, fsm->rows[i].to) != 0) {
            print_arrow(fsm, i, text);
        }
    }
    ms_text_add(text, "```\n\n| state | event | next state | why |\n|---|---|---|---|\n");
    for (size_t i = 0; i < fsm->count; i++) {
        const struct ms_fsm_row *row = &fsm->rows[i];

        ms_text_add(text, "| %s | %s | %s | %s |\n", row->from, row->event, row->to, row->why);
    }
}

static bool is_word(const char *word)
{
    return word != NULL && word[0] != '\0' && strpbrk(word, "|\n") == NULL;
}

static bool lint_row(const struct ms_fsm *fsm, size_t index, struct ms_complaint *complaint)
{
    const struct ms_fsm_row *row = &fsm->rows[index];

    if (!is_word(row->from) || !is_word(row->event) || !is_word(row->to) || !is_word(row->why)) {
        return ms_complain(complaint, "row %zu lacks a word, or has a line feed or bar", index);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(fsm->rows[i].from, row->from) == 0 &&
            strcmp(fsm->rows[i].event, row->event) == 0) {
            return ms_complain(complaint, "rows %zu and %zu are both for %s in %s", i, index,
                               row->event, row->from);
        }
    }
    return true;
}

static bool has_state(const char *const *states, size_t count, const char *state)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(states[i], state) == 0) {
            return true;
        }
    }
    return false;
}

/* Collects what the initial state leads to; false when there are more than STATES_MAX. */
static bool reach(const struct ms_fsm *fsm, const char **states, size_t *count)
{
    states[0] = fsm->initial;
    *count = 1;
    for (size_t done = 0; done < *count; done++) {
        for (size_t i = 0; i < fsm->count; i++) {
            const struct ms_fsm_row *row = &fsm->rows[i];

            if (strcmp(row->from, states[done]) != 0 || has_state(states, *count, row->to)) {
                continue;
            }
            if (*count == STATES_MAX) {
                return false;
            }
            states[(*count)++] = row->to;
        }
    }
    return true;
}

bool ms_fsm_lint(const struct ms_fsm *fsm, struct ms_complaint *complaint)
{
    const char *states[STATES_MAX];
    size_t count = 0;

    if (!is_word(fsm->title) || !is_word(fsm->initial) || fsm->about == NULL || fsm->count == 0) {
        return ms_complain(complaint, "title, about, initial state or rows are missing");
    }
    for (size_t i = 0; i < fsm->count; i++) {
        if (!lint_row(fsm, i, complaint)) {
            return false;
        }
    }
    if (!reach(fsm, states, &count)) {
        return ms_complain(complaint, "more than %d states", STATES_MAX);
    }
    for (size_t i = 0; i < fsm->count; i++) {
        if (!has_state(states, count, fsm->rows[i].from)) {
            return ms_complain(complaint, "nothing leads to %s", fsm->rows[i].from);
        }
    }
    return true;
}
