#include "core/io/store_half.h"

#include <errno.h>
#include <sys/stat.h>

#include "core/io/store_file.h"
#include "core/io/voter_file.h"
#include "proto/pair_record.h"

/* False when that is no path. */
static bool find_path(char path_out[static MS_VOTER_FILE_PATH_MAX], const char *directory,
                      const char *name)
{
    struct ms_text text;

    ms_text_init(&text, path_out, MS_VOTER_FILE_PATH_MAX);
    ms_text_add(&text, "%s/%s", directory, name);
    return !ms_text_is_cut(&text);
}

enum ms_error ms_store_half_look(const char *directory, struct ms_council_record *record_out,
                                 struct ms_complaint *complaint)
{
    uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX];
    char path[MS_VOTER_FILE_PATH_MAX];
    size_t size = 0;
    enum ms_error error;

    if (!find_path(path, directory, MS_STORE_HALF_RECORD_NAME)) {
        ms_complain(complaint, "%s: the path is too long", directory);
        return MS_E_NOT_FOUND;
    }
    error = ms_voter_file_look(path, bytes, sizeof bytes, &size, complaint);
    if (error != MS_E_OK) {
        return error;
    }
    error = ms_pair_record_read((struct ms_bytes){bytes, size}, record_out);
    if (error != MS_E_OK) {
        ms_complain(complaint, "%s is damaged, or of another version (%s)", path,
                    ms_error_name(error));
    }
    return error;
}

bool ms_store_half_has_entries(const struct ms_council_record *record)
{
    return !record->is_fresh && record->is_complete &&
           record->voter.accepted.kind != MS_DECISION_BOOTSTRAP;
}

/* What cannot be seen is for whoever opens it to explain. */
static bool is_there(const char *directory, const char *name)
{
    char path[MS_VOTER_FILE_PATH_MAX];
    struct stat found;

    if (!find_path(path, directory, name)) {
        return true;
    }
    return stat(path, &found) == 0 ? found.st_size > 0 : errno != ENOENT;
}

static bool complain_of_nothing(const char *directory, struct ms_complaint *complaint)
{
    return ms_complain(complaint,
                       "the store in %s is empty, and its " MS_STORE_HALF_RECORD_NAME
                       " says that it was complete: bring it back, or empty the directory, so that "
                       "it is copied to as a new one",
                       directory);
}

bool ms_store_half_check(const char *directory, const struct ms_council_record *record,
                         struct ms_complaint *complaint)
{
    return !ms_store_half_has_entries(record) || is_there(directory, MS_STORE_FILE_NAME) ||
           is_there(directory, MS_STORE_LOG_NAME) || is_there(directory, MS_STORE_END_NAME) ||
           complain_of_nothing(directory, complaint);
}

bool ms_store_half_may_leave(const char *directory, const struct ms_council_record *record,
                             struct ms_complaint *complaint)
{
    if (!record->is_fresh && record->is_complete && record->lead == record->place &&
        record->served == record->voter.accepted.epoch && /* else it is proposed only */
        ms_decision_has(&record->voter.accepted, record->place, &record->incarnation)) {
        return ms_store_half_check(directory, record, complaint);
    }
    return ms_complain(complaint,
                       "the half of a pair in %s was not active last, as far as it knows, and may "
                       "lack something: take the other one; if that is lost, start this one as "
                       "before, and make it active first (muster promote)",
                       directory);
}

bool ms_store_half_fits(const char *directory, const struct ms_council_record *record,
                        bool has_entries, ms_epoch epoch, struct ms_complaint *complaint)
{
    if (!has_entries && ms_store_half_has_entries(record)) {
        return complain_of_nothing(directory, complaint);
    }
    if (!record->is_fresh && epoch > record->voter.promised) {
        return ms_complain(complaint,
                           "the store in %s is of epoch %llu, and its " MS_STORE_HALF_RECORD_NAME
                           " is older, of epoch %llu: one of both was put back; empty the "
                           "directory, so that it is copied to as a new one",
                           directory, (unsigned long long)epoch,
                           (unsigned long long)record->voter.promised);
    }
    return true;
}
