/* One of each kind, and a status of the program's own. */
#include "target.h"

int main(void)
{
    start(stay, NULL);
    CHECK(pthread_detach(start(stay, NULL)) == 0);
    await_ready(2);
    start_and_see_finish();
    return 5;
}
