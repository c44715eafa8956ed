/* A disk below SQLite, and below what the store does with names by itself, that fails at the n-th operation, or loses its power there. */
#ifndef TESTS_INTEGRATION_STORE_FAULTS_H
#define TESTS_INTEGRATION_STORE_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_NONE,
    FAULT_WRITE, /* the n-th write fails; the disk works again afterwards */
    FAULT_FULL,  /* the n-th write finds no space; later ones do */
    FAULT_SYNC,  /* the n-th sync fails once, and lies afterwards */
    FAULT_POWER, /* at the n-th write or sync the power goes; a subset of what was not synced stays */
    FAULT_HANG,       /* the n-th write never comes back */
    FAULT_ALLOCATION, /* the n-th allocation of SQLite fails, and every later one of the run */
};

/* Once, before anything opens a database. */
void faults_install(void);

/* From here on; n counts from 1. seed decides what a power cut leaves. */
void faults_arm(enum fault fault, uint64_t n, uint32_t seed);

/* Disarms. After a power cut: what was lost is lost now. Returns whether the fault was reached. */
bool faults_settle(void);

#endif
