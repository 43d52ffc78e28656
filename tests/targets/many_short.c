/* 10,000 short lives, at most 8 at once: joined but for one. */
#include "target.h"

int main(void)
{
    pthread_t threads[8];
    for (int i = 0; i < 10000; i += 8) {
        for (int k = 0; k < 8; k++)
            threads[k] = start(nothing, NULL);
        for (int k = 0; k < 8; k++)
            CHECK(pthread_join(threads[k], NULL) == 0);
    }
    start_and_see_finish();
    return 0;
}
