/*
 * A worker loop without a way out.  Each log has a writer thread.  log_close() forgets
 * the log, but its writer has no condition to leave its loop.  Right: log_close() sets
 * a flag that the loop checks, wakes the writer, joins it, and frees the log.
 */
#include "pattern.h"

struct log {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t writer;
    int lines;
    bool closing;
};

static void *write_lines(void *arg)
{
    struct log *log = arg;
    pthread_mutex_lock(&log->lock);
    while (!log->closing) {
        log->lines = 0; /* all are written */
        pthread_cond_wait(&log->changed, &log->lock);
    }
    pthread_mutex_unlock(&log->lock);
    return NULL;
}

static NOINLINE struct log *log_open(void)
{
    struct log *log = calloc(1, sizeof(*log));
    CHECK(log);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->changed, NULL);
    log->writer = start(write_lines, log);
    return log;
}

static NOINLINE void log_close(struct log *log)
{
    if (!right)
        return;
    pthread_mutex_lock(&log->lock);
    log->closing = true;
    pthread_cond_signal(&log->changed);
    pthread_mutex_unlock(&log->lock);
    pthread_join(log->writer, NULL);
    free(log);
}

static NOINLINE void use_log(void)
{
    struct log *log = log_open();
    log_close(log);
}

int main(int argc, char **argv)
{
    choose(argc, argv);
    use_log();
    return end_example();
}
