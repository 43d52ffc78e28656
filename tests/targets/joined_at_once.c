/* Has 1,300 threads at once, and joins them all. */
#include "target.h"

enum { THREADS = 1300 };

int main(void)
{
    static pthread_t threads[THREADS];
    static sem_t go;
    pthread_attr_t small;
    sem_init(&go, 0, 0);
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 65536);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], &small, stay_until, &go) == 0);
    for (int i = 0; i < THREADS; i++)
        sem_post(&go);
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    return 0;
}
