/*
 * Threads with every kind of life: joined, ended and never joined, detached, alive. Some have names that are
 * HTML, SVG or scripts. The last file name below is one, too.
 */
#include "target.h"

static sem_t named;

static void *name_self(void *name)
{
    CHECK(pthread_setname_np(pthread_self(), name) == 0);
    sem_post(&named);
    return stay(name);
}

static void join_some(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = start(nothing, NULL);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static void name_some(void)
{
    static char names[][16] = {"</script><svg>", "<img src=x>", "\"onload=\"x()", "'-alert(1)-'",
                               "<!--<script>",   "&lt;b&gt;",   "\033[31m\a"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        start(name_self, names[i]);
        await(&named);
    }
}

#line 1 "/tmp/<img src=x onerror=\"document.title='taken'\">.c"
static NOINLINE void start_in_hostile_file(void)
{
    start(stay, NULL);
}

int main(void)
{
    CHECK(sem_init(&named, 0, 0) == 0);
    start_and_see_finish();
    name_some();
    CHECK(pthread_detach(start(stay, NULL)) == 0);
    start_in_hostile_file();
    await_ready(9);
    join_some();
    return 0;
}
