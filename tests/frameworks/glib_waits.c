/* Threads of the real GLib: `glib_waits HOW`. Prints "up"; ends with its input.
 *
 *   join    the main thread joins a thread that wants a GRecMutex of the main thread
 *   near    the main thread joins a thread that waits for input
 *   queue   the main thread joins a thread that waits at a GAsyncQueue, which another one fills */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static GRecMutex lock;
static GAsyncQueue *queue;

static gpointer read_input(gpointer data)
{
    char byte;
    while (read(0, &byte, 1) > 0)
        ;
    _exit(data != NULL);
}

static gpointer want_lock(gpointer data)
{
    g_rec_mutex_lock(&lock);
    return data;
}

static gpointer take(gpointer data)
{
    (void)data;
    return g_async_queue_pop(queue);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "join";
    gpointer (*routine)(gpointer) = !strcmp(how, "near")    ? read_input
                                    : !strcmp(how, "queue") ? take
                                                            : want_lock;
    queue = g_async_queue_new();
    g_rec_mutex_lock(&lock);
    GThread *thread = g_thread_new("worker", routine, NULL);
    if (strcmp(how, "near"))
        g_thread_new("reader", read_input, NULL);
    puts("up");
    fflush(stdout);
    g_thread_join(thread);
    return 0;
}
