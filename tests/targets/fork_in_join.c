/* One thread, joined. libfork_in_join.so forks in the join. */
#include "target.h"

int main(void)
{
    CHECK(pthread_join(start(nothing, NULL), NULL) == 0);
    return 0;
}
