#include "cli/common/progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"
#include "cli/common/terminal.h"

#define REST_MS 1000

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t over;
    pthread_t thread;
    bool begun, ends, shown, fresh; /* fresh: the text was not shown yet */
    char text[200];
} line = {.mutex = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};

/* Holds the mutex. */
static void clear(void)
{
    if (line.shown)
        fputs("\r\033[K", stderr);
    line.shown = false;
}

/* Holds the mutex. Cut, because a line that wraps cannot be removed. */
static void show(void)
{
    unsigned width = terminal_width(STDERR_FILENO);
    clear();
    fprintf(stderr, "%.*s", width > 1 ? (int)width - 1 : 0, line.text);
    line.shown = true;
    line.fresh = false;
}

static void take(const char *text)
{
    pthread_mutex_lock(&line.mutex);
    snprintf(line.text, sizeof(line.text), "threadleak: %s ...", text);
    line.fresh = true;
    pthread_mutex_unlock(&line.mutex);
}

static void *run(void *arg)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    pthread_mutex_lock(&line.mutex);
    while (!line.ends) {
        until.tv_sec += REST_MS / 1000;
        while (!line.ends && pthread_cond_timedwait(&line.over, &line.mutex, &until) != ETIMEDOUT)
            ;
        if (!line.ends && line.fresh)
            show();
    }
    pthread_mutex_unlock(&line.mutex);
    return arg;
}

void progress_begin(void)
{
    sigset_t all, before;
    if (line.begun || terminal_width(STDERR_FILENO) == 0)
        return;
    line.ends = line.fresh = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    line.begun = pthread_create(&line.thread, NULL, run, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (line.begun)
        progress_listen(take);
}

void progress_hide(void)
{
    pthread_mutex_lock(&line.mutex);
    clear();
    pthread_mutex_unlock(&line.mutex);
}

void progress_end(void)
{
    if (!line.begun)
        return;
    progress_listen(NULL);
    pthread_mutex_lock(&line.mutex);
    clear();
    line.ends = true;
    pthread_cond_signal(&line.over);
    pthread_mutex_unlock(&line.mutex);
    pthread_join(line.thread, NULL);
    line.begun = false;
}
