/*
 * A program with a malloc of its own, which begins in its first call and calls a hook there. It cannot begin
 * twice, as jemalloc cannot, so no hook may call malloc before it has begun.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "target.h"

static _Alignas(16) char arena[4 << 20];
static _Atomic size_t used;
static enum { NOT_BEGUN, BEGINS, HAS_BEGUN, HAS_BEGUN_TWICE } state;

static void begin(void)
{
    struct sigaction action;
    if (state == BEGINS)
        state = HAS_BEGUN_TWICE;
    if (state != NOT_BEGUN)
        return;
    state = BEGINS;
    sigaction(SIGQUIT, NULL, &action);
    state = state == BEGINS ? HAS_BEGUN : state;
}

/* Nothing is used twice, so all of it is 0. */
static void *take(size_t size)
{
    begin();
    size_t at = atomic_fetch_add(&used, (size + 31) & ~(size_t)15);
    CHECK(at + size + 32 < sizeof(arena));
    *(size_t *)(void *)(arena + at) = size;
    return arena + at + 16;
}

void *malloc(size_t size)
{
    return take(size);
}

void *calloc(size_t count, size_t size)
{
    return take(count * size);
}

void *realloc(void *old, size_t size)
{
    void *new = take(size);
    size_t before = old ? *(size_t *)(void *)((char *)old - 16) : 0;
    if (before)
        memcpy(new, old, before < size ? before : size);
    return new;
}

void free(void *old)
{
    (void)old;
}

/* Before every constructor, so that no function has been resolved yet. */
static void first(int argc, char **argv, char **environment)
{
    (void)argc, (void)argv, (void)environment;
    CHECK(malloc(1));
}
__attribute__((section(".preinit_array"), used)) static void (*const early)(int, char **, char **) = first;

int main(void)
{
    pthread_join(start(nothing, NULL), NULL);
    CHECK(state == HAS_BEGUN);
    return 0;
}
