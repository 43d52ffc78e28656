/* Threads of one place, of which some are joined. Prints "up"; ends with its input, by exit().
 *
 *   joins skip       the loop that joins 20 finished threads leaves out three
 *   joins all        it leaves out none
 *   joins none       there is no such loop
 *   joins turn       it waits for the fourth, so the others wait for their turn
 *   joins table      the same, and the fourth has another start routine
 *   joins running    three that run are not joined yet
 *   joins two        ten each are joined at two places, and one is not
 *   joins helper     one of eleven that a helper creates is of another caller, and is not joined
 *   joins helpers    and one of the other ten is not joined either
 *   joins elsewhere  threads of another place are not joined */
#include <stdbool.h>

#include "target.h"

#define MANY 20

static pthread_t threads[MANY + 1];
static bool running[MANY + 1];
static sem_t go;

static void *work(void *arg)
{
    return *(bool *)arg ? stay_until(&go) : NULL;
}

static void *work_too(void *arg)
{
    return work(arg);
}

static void *(*fourth)(void *) = work;

static NOINLINE void start_all(int count)
{
    for (int i = 0; i < count; i++)
        CHECK(pthread_create(&threads[i], NULL, i == 3 ? fourth : work, &running[i]) == 0);
}

static NOINLINE void join_all(int from, int to)
{
    for (int i = from; i < to; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static NOINLINE void join_others(int from, int to)
{
    for (int i = from; i < to; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void up(void)
{
    CHECK(write(1, "up\n", 3) == 3);
}

/* The others end only when this one is joined: the process is then ended by its input. */
static void *end_with_input(void *arg)
{
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    exit(0);
    return arg;
}

static void other_place(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0);
}

static NOINLINE pthread_t create(void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, arg) == 0);
    return thread;
}

static NOINLINE void start_ticker(void)
{
    static bool forever = true;
    (void)create(&forever);
}

static void start_with_helper(int joined)
{
    start_ticker();
    for (int i = 0; i < MANY / 2; i++)
        threads[i] = create(&running[i]);
    join_all(0, joined);
    up();
    end_with_input(NULL);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "skip";
    if (!strncmp(how, "helper", 6))
        start_with_helper(MANY / 2 - !strcmp(how, "helpers"));
    int left_out = !strcmp(how, "skip") || !strcmp(how, "running") ? 3 : 0;
    bool table = !strcmp(how, "table"), turn = table || !strcmp(how, "turn");
    if (table)
        fourth = work_too;
    for (int i = MANY - 3; i < MANY; i++)
        running[i] = !strcmp(how, "running");
    running[3] = turn;
    start_all(!strcmp(how, "two") ? MANY + 1 : MANY);
    if (turn) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, end_with_input, NULL) == 0);
        join_all(0, 3); /* then it sleeps only in the join of the fourth */
        up();
    }
    if (!strcmp(how, "two"))
        join_others(0, MANY / 2);
    if (strcmp(how, "none") != 0)
        join_all(!strcmp(how, "two") ? MANY / 2 : turn ? 3 : 0, MANY - left_out);
    if (!strcmp(how, "elsewhere"))
        other_place();
    up();
    end_with_input(NULL);
}
