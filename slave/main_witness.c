#include "slave/main_witness.h"

#include <stdio.h>

#include "core/io/clock.h"
#include "proto/pair_record.h"

#define RECORD_NAME "witness.meta"

/* One that is damaged is set aside: a witness that does not know its word is another one. */
static enum ms_error read_record(struct ms_main_witness *self, struct ms_council_record *record,
                                 struct ms_complaint *complaint)
{
    uint8_t bytes[MS_PAIR_RECORD_SIZE_MAX];
    struct ms_entropy entropy = {0};
    enum ms_error error;
    size_t size = 0;

    error = ms_voter_file_read(&self->file, bytes, sizeof bytes, &size, complaint);
    if (error == MS_E_OK) {
        error = ms_pair_record_read((struct ms_bytes){bytes, size}, record);
    }
    if (error == MS_E_OK) {
        return MS_E_OK;
    }
    if (error == MS_E_MALFORMED) {
        ms_log(self->program->log, MS_LEVEL_WARN,
               "the witness does not know its word, and is a new one",
               MS_LOG_TEXT("damaged", self->file.path));
        error = ms_voter_file_set_aside(&self->file, complaint);
    } else if (error == MS_E_VERSION) {
        ms_complain(complaint, "%s is of a newer program", self->file.path);
    } else if (error == MS_E_NOT_FOUND) {
        error = MS_E_OK;
    }
    *record = (struct ms_council_record){.incarnation = ms_entropy_uuid(&entropy)};
    return error;
}

static void on_written(void *context, enum ms_error error, const char *why)
{
    struct ms_main_witness *self = context;

    if (error != MS_E_OK) {
        ms_log(self->program->log, MS_LEVEL_ERROR, "the witness votes no more",
               MS_LOG_TEXT("error", why));
    }
    ms_driver_post(self->driver, &(struct ms_event){.type = MS_EVENT_STORED, .error = error});
}

static void on_effect(void *context, const struct ms_effect *effect)
{
    struct ms_main_witness *self = context;

    switch (effect->type) {
    case MS_EFFECT_STORE:
        ms_voter_writer_write(self->writer, effect->command.payload);
        break;
    case MS_EFFECT_STOPPED:
        if (self->ends_program) {
            ms_program_end(self->program, ms_program_exit_code(effect->error));
        }
        break;
    default:
        break;
    }
}

/* What a witness is called by masters, and by operators who pin it. */
static void log_id(const struct ms_main_witness *self, const struct ms_uuid *id)
{
    char text[2 * sizeof id->bytes + 1];

    for (size_t i = 0; i < sizeof id->bytes; i++) {
        snprintf(text + 2 * i, 3, "%02x", id->bytes[i]);
    }
    ms_log(self->program->log, MS_LEVEL_INFO, "witness", MS_LOG_TEXT("id", text));
}

enum ms_error ms_main_witness_start(struct ms_main_witness *self, const char *directory,
                                    const char *masters, const char *name,
                                    struct ms_complaint *complaint)
{
    struct ms_council_record record;
    struct ms_witness_config config = {
        .masters = masters, .name = name, .build = MS_VERSION, .seed = ms_entropy_seed()};
    enum ms_error error = ms_voter_file_open(&self->file, directory, RECORD_NAME, complaint);

    if (error != MS_E_OK) {
        return error;
    }
    error = read_record(self, &record, complaint);
    if (error != MS_E_OK) {
        return error;
    }
    config.voter = record.voter;
    memcpy(config.known, record.known, sizeof config.known);
    config.id = record.incarnation;
    self->witness = ms_witness_create(&config);
    if (self->witness != NULL) {
        ms_witness_engine(self->witness)->trace = ms_log_trace(self->program->log);
        self->driver = ms_driver_create(&(struct ms_driver_options){
            .size = sizeof(struct ms_driver_options),
            .loop = self->program->loop,
            .engine = ms_witness_engine(self->witness),
            .payload_max = MS_PAYLOAD_MAX_DEFAULT,
            .peers_max = 2 * MS_ADDRESSES_MAX,
            .effect = on_effect,
            .context = self,
        });
    }
    if (self->driver != NULL) {
        self->writer = ms_voter_writer_create(self->program->loop, &self->file, on_written, self);
    }
    if (self->writer == NULL) {
        ms_complain(complaint, "out of memory");
        return MS_E_NO_MEMORY;
    }
    log_id(self, &config.id);
    ms_driver_post(self->driver, &(struct ms_event){.type = MS_EVENT_TICK});
    return MS_E_OK;
}

void ms_main_witness_dump(const struct ms_main_witness *self)
{
    struct ms_witness_stats stats;

    if (self->witness == NULL) {
        return;
    }
    ms_witness_stats(self->witness, &stats);
    ms_log(self->program->log, MS_LEVEL_INFO, "witness",
           MS_LOG_NUMBER("masters", stats.masters_connected),
           MS_LOG_NUMBER("promised", stats.promised), MS_LOG_NUMBER("votes", stats.votes_total),
           MS_LOG_NUMBER("refusals", stats.refusals_total));
}

void ms_main_witness_stop(struct ms_main_witness *self)
{
    ms_voter_writer_destroy(self->writer); /* first: it tells the driver */
    ms_driver_destroy(self->driver);
    ms_witness_destroy(self->witness);
    if (self->witness != NULL) {
        ms_voter_file_close(&self->file);
    }
    self->writer = NULL;
    self->driver = NULL;
    self->witness = NULL;
}
