/* Included before each unit test. Check tells its parent of every assertion that holds, so that a crash can be said to have come
 * after it: two system calls each. Some tests have millions of them, and sanitizers say more of a crash. */
#ifndef TESTS_UNIT_CHECK_QUICK_H
#define TESTS_UNIT_CHECK_QUICK_H

#include <check.h>

#define _mark_point(file, line) ((void)0)

#endif
