/* What is said when an invariant breaks, an assertion of an engine fails, or a sanitizer stops us. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

struct sim_world;

/* The program's own arguments. Called once. */
void sim_report_install(char **arguments);

/* The world that a report would be about. */
void sim_report_begin(struct sim_world *world);
void sim_report_end(void);

#endif
