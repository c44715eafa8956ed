/* The witness of a slave program: its engine on a driver of its own, and the file with its word. */
#ifndef SLAVE_MAIN_WITNESS_H
#define SLAVE_MAIN_WITNESS_H

#include "core/io/driver.h"
#include "core/io/program.h"
#include "core/io/voter_writer.h"
#include "slave/witness.h"

struct ms_main_witness {
    struct ms_program *program;
    struct ms_witness *witness; /* NULL = there is none */
    struct ms_driver *driver;
    bool ends_program;         /* there is no slave beside it */
    struct ms_voter_file file; /* the writer's, once there is one */
    struct ms_voter_writer *writer;
};

/* Reads the record in directory, or makes a new witness, and starts it. OK, or the error with a sentence. A record that is damaged
 * is set aside: a witness that does not know its word is another one. */
enum ms_error ms_main_witness_start(struct ms_main_witness *self, const char *directory,
                                    const char *masters, const char *name,
                                    struct ms_complaint *complaint);
void ms_main_witness_dump(const struct ms_main_witness *self);
/* A vote that is being written may be lost, or not; nobody was told of it, and nobody will be. */
void ms_main_witness_stop(struct ms_main_witness *self);

#endif
