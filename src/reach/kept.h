/* Where handles are stored, found while memory is scanned for references. */
#ifndef THREADLEAK_REACH_KEPT_H
#define THREADLEAK_REACH_KEPT_H

#include "reach/reach.h"
#include "reach/spans.h"

/* What is being scanned. */
struct reach_holder {
    enum reach_keeper keeper;
    size_t thread;              /* index, of STACK, TLS, DESCRIPTOR and REGISTER */
    size_t dead;                /* index, of what a thread that has ended left; SIZE_MAX: none */
    uint64_t at;                /* address of the bytes */
    const unsigned char *bytes; /* NULL: not in memory */
    size_t size;
};
#define HOLDER_BYTES ((size_t)1 << 16)

/* Which of the image's handles are of threads that exist or are not joined. */
void reach_handles_find(struct reach_image *image, const struct reach_spans *spans);

/* Sets what depends on the span that its memory is in; NULL: in none. */
void reach_holder_of_memory(struct reach_holder *holder, const struct reach_span *span);

/* The holder has a word with this address, which is in the span. */
void reach_keep(struct reach_image *image, const struct reach_span *span, uint64_t address,
                const struct reach_holder *holder);

/* Is the word at this address, a handle, the owner of a lock of libc that is held (lock_owner.c)? The thread
 * stored it there itself, and nobody gets at the thread through it. */
bool reach_is_lock_owner(const struct reach_image *image, uint64_t at);

#endif
