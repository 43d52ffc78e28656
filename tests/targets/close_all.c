/* Closes every descriptor above standard error, before and after it makes threads. */
#include "target.h"

int main(void)
{
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    start(stay, NULL);
    await_ready(1);
    syscall(436, 3, ~0u, 0); /* close_range */
    start_and_see_finish();
    /* A descriptor of the program's gets the lowest number, as ever. */
    CHECK(dup(1) == 3);
    return 0;
}
