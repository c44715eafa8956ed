/* Real masters and slaves for a test written in C: started in a directory of their own, on ports the
 * system picks, ended with it. Everything aborts the test when it fails. */
#ifndef TESTS_INTEGRATION_CLUSTER_H
#define TESTS_INTEGRATION_CLUSTER_H

#include <stdbool.h>
#include <sys/types.h>

#define CLUSTER_PROCESSES_MAX 16
#define CLUSTER_ADDRESS_MAX   256

struct cluster {
    char directory[64];
    char address[CLUSTER_ADDRESS_MAX]; /* of the master */
    pid_t master;
    pid_t processes[CLUSTER_PROCESSES_MAX]; /* all that were started and not waited for; 0 = free */
};

/* Makes the directory. */
void cluster_init(struct cluster *cluster);

/* Kills and collects what still runs, removes the directory. */
void cluster_finish(struct cluster *cluster);

/* A master on a free port, or again on the port it had; returns when it serves. */
void cluster_start_master(struct cluster *cluster);

/* A slave with so many slots and the handlers that were built. */
pid_t cluster_start_slave(struct cluster *cluster, unsigned slots);

/* Sends the signal and waits for the end; returns the wait status. */
int cluster_end(struct cluster *cluster, pid_t process, int signal_number);

#endif
