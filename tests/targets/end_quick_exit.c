/* Ends by quick_exit(0), whose handler runs. */
#include "target.h"

static void on_quick_exit(void)
{
    dprintf(1, "handler\n");
}

int main(void)
{
    CHECK(at_quick_exit(on_quick_exit) == 0);
    start(stay, NULL);
    await_ready(1);
    quick_exit(0);
}
