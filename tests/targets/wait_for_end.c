/* Makes a thread, says so on standard output, and stays until standard input ends. */
#include "target.h"

int main(void)
{
    char byte;
    pthread_setname_np(start(stay, NULL), "worker");
    await_ready(1);
    CHECK(write(1, "up\n", 3) == 3);
    while (read(0, &byte, 1) > 0)
        ;
    return 0;
}
