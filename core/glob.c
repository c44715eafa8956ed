#include "core/glob.h"

#include "core/invariant.h"

/* Where the text does not go on, the last star takes one byte more; no earlier one ever has to. */
bool ms_glob(const char *pattern, const char *end, struct ms_bytes text)
{
    const char *star = NULL;
    size_t at = 0, star_at = 0;

    ms_assert(pattern <= end);
    while (at < text.size) {
        const bool is_escape = pattern < end && *pattern == '\\' && pattern + 1 < end;
        const char *literal = is_escape ? pattern + 1 : pattern;

        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            star_at = at;
        } else if (pattern < end && (uint8_t)*literal == text.data[at]) {
            pattern = literal + 1;
            at++;
        } else if (star != NULL) {
            pattern = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*') {
        pattern++;
    }
    return pattern == end;
}
