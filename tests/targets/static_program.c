/* Statically linked: no shim can be loaded into it. */
#include "target.h"

int main(void)
{
    start(stay, NULL);
    await_ready(1);
    puts("static");
    fflush(stdout);
    return 14;
}
