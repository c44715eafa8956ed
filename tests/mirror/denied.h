/* Included before the code under test: its memory may be out. */
#ifndef MIRROR_DENIED_H
#define MIRROR_DENIED_H

#include <stdlib.h>

#include "limits.h"

void *mirror_malloc(size_t size);
void *mirror_realloc(void *memory, size_t size);

#define malloc  mirror_malloc
#define realloc mirror_realloc

#endif
