/* Creation below 100 frames of recursion: the backtrace is cut at `depth`. */
#include "target.h"

static NOINLINE int descend(int levels)
{
    if (levels == 0) {
        start(stay, NULL);
        return 0;
    }
    return descend(levels - 1) + 1;
}

int main(void)
{
    CHECK(descend(100) == 100);
    await_ready(1);
    return 0;
}
