/* Programmer errors: checked in every build, answered by abort. Input from outside never comes here. */
#ifndef CORE_INVARIANT_H
#define CORE_INVARIANT_H

/* Stays on in release builds. One condition each, without side effect. */
#define ms_assert(condition)                                                                       \
    (__builtin_expect(!(condition), 0) ? ms_invariant_failed(__FILE__, __LINE__, #condition)       \
                                       : (void)0)

/* Marks a point that no execution reaches. */
#define ms_unreachable() ms_invariant_failed(__FILE__, __LINE__, "unreachable")

/* Prints "FILE:LINE: invariant broken: EXPRESSION" as one line to stderr and aborts. */
_Noreturn void ms_invariant_failed(const char *file, int line, const char *expression)
    __attribute__((cold));

#endif
