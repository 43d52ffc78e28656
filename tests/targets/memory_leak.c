/* Leaks memory and a thread. LeakSanitizer finds the first in the middle of exit(), and ends the process.
 *
 *   memory_leak [own]    own: with a death callback of the program */
#include "target.h"

#include <sanitizer/common_interface_defs.h>

static void *volatile kept;

static void on_death(void)
{
    dprintf(2, "own callback\n");
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        __sanitizer_set_death_callback(on_death);
    start(stay, NULL);
    await_ready(1);
    kept = malloc(1234);
    kept = NULL;
    return 0;
}
