/* A library whose constructor makes a thread: before ours, where a program is linked with it. */
#include <stddef.h>

#include "target.h"

__attribute__((constructor)) static void create_early(void)
{
    start(stay, NULL);
    await_ready(1);
}

void lib_constructor(void);
void lib_constructor(void)
{
}
