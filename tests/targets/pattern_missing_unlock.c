/*
 * Missing unlock.  An early return on an error leaves the mutex locked, and the thread
 * ends.  The next one that wants the lock waits for ever.  Right: one way out of the
 * function, which unlocks.
 */
#include "pattern.h"

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static int table;

static int add_row(int row)
{
    int status = 0;
    pthread_mutex_lock(&table_lock);
    if (row < 0) {
        status = -1;
        if (!right)
            return status;
    } else {
        table += row;
    }
    pthread_mutex_unlock(&table_lock);
    return status;
}

static void *load_rows(void *arg)
{
    add_row(1);
    add_row(-1);
    return arg;
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    CHECK(pthread_join(start(load_rows, NULL), NULL) == 0);
    add_row(2);
    return end_example();
}
