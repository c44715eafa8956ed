/* Descriptors 0, 1 and 2, as a program finds them. */
#ifndef CORE_IO_STANDARD_H
#define CORE_IO_STANDARD_H

#include <stdbool.h>

/* Whoever started us may have closed some of the three; then the next file or socket that is opened gets
 * that number, and what is printed or logged goes into a connection, or into the store. This takes the
 * place of each that is closed: using it still fails. Call it before anything is opened. False when
 * that is not possible, about which nothing can be said anywhere. */
bool ms_standard_hold(void);

#endif
