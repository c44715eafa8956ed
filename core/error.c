#include "core/error.h"

#include <stddef.h>

static const struct row {
    enum ms_error error;
    bool fatal;
    const char *name;
    const char *text;
} rows[] = {
#define MS_ERROR_ROW(id, number, is_fatal, words) {MS_E_##id, is_fatal, #id, words},
    MS_ERRORS(MS_ERROR_ROW)
#undef MS_ERROR_ROW
};

static const struct row *find(enum ms_error error)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].error == error) {
            return &rows[i];
        }
    }
    return NULL;
}

const char *ms_error_name(enum ms_error error)
{
    const struct row *row = find(error);

    return row != NULL ? row->name : "UNKNOWN";
}

const char *ms_error_text(enum ms_error error)
{
    const struct row *row = find(error);

    return row != NULL ? row->text : "an error this version does not know";
}

bool ms_error_is_fatal(enum ms_error error)
{
    const struct row *row = find(error);

    return row != NULL && row->fatal;
}
