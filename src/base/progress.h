/*
 * What a long operation is about to do, for people who wait for it. Nothing is printed here: a listener shows
 * it if the operation takes long (cli/common/progress.h).
 */
#ifndef THREADLEAK_BASE_PROGRESS_H
#define THREADLEAK_BASE_PROGRESS_H

/* Gets the text, which is valid during the call. */
typedef void progress_listener(const char *text);
/* NULL: nobody listens, as at the beginning. Call it while no operation is under way. */
void progress_listen(progress_listener *listener);

/* "reading symbols of libx.so". Costs nothing if nobody listens. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
