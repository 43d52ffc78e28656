/*
 * Creations from one place of the stack: the backtraces differ only far from the
 * call, or in where a frame of changing size ends.  None may be taken for another.
 */
#include "target.h"

static NOINLINE void create(void)
{
    start(stay, NULL);
}

static NOINLINE void first(void)
{
    create();
}

static NOINLINE void second(void)
{
    create();
}

/* Ends where `first` does or elsewhere, as `size` will have it. */
static NOINLINE void of_any_size(size_t size, void (*next)(void))
{
    volatile char space[size];
    space[0] = 1;
    next();
    (void)space[size - 1];
}

static NOINLINE void shallow(size_t size)
{
    of_any_size(size, create);
}

static NOINLINE void deep(size_t size)
{
    volatile char space[64];
    space[0] = 1;
    of_any_size(size, create);
    (void)space[63];
}

/* A frame that is realigned at run time, called from stacks aligned in two ways. */
static NOINLINE __attribute__((force_align_arg_pointer)) void realigned(void)
{
    _Alignas(64) volatile char space[64];
    space[0] = 1;
    create();
    (void)space[63];
}

static NOINLINE void aligned_one_way(void)
{
    realigned();
}

static NOINLINE void aligned_another(void)
{
    volatile char space[16];
    space[0] = 1;
    realigned();
    (void)space[15];
}

static void on_signal(int number)
{
    (void)number;
    create();
}

int main(void)
{
    int threads = 0;
    signal(SIGUSR1, on_signal);
    for (int round = 0; round < 3; round++) {
        for (int again = 0; again < 4; again++, threads += 2) {
            first();
            second();
        }
        for (int again = 0; again < 4; again++, threads++)
            first();
        for (int again = 0; again < 4; again++, threads++)
            second();
        for (size_t size = 16; size <= 256; size += 16, threads += 2) {
            shallow(size);
            deep(512 - size);
        }
        for (int again = 0; again < 4; again++, threads += 2) {
            aligned_one_way();
            aligned_another();
        }
        for (int again = 0; again < 4; again++, threads++)
            aligned_one_way();
        for (int again = 0; again < 3; again++, threads++)
            aligned_another();
        for (int again = 0; again < 3; again++, threads++)
            raise(SIGUSR1);
    }
    await_ready(threads);
    return 0;
}
