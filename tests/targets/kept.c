/* The reference to a gate is kept in memory, or nowhere: see kept.h. */
#include "kept.h"

#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>

static void *kept;
static __thread void *kept_by_thread;
static jmp_buf jump;
static pthread_key_t key;

struct hop {
    struct hop *next;
    void *gate;
};

static void keep_in_static(void *gate)
{
    kept = gate;
}

static void keep_in_tls(void *gate)
{
    kept_by_thread = gate;
}

static void keep_in_key(void *gate)
{
    CHECK(pthread_key_create(&key, NULL) == 0 && pthread_setspecific(key, gate) == 0);
}

static void keep_tagged_low(void *gate)
{
    kept = (char *)gate + 7;
}

static void keep_tagged_high(void *gate)
{
    kept = (void *)((uintptr_t)gate | UINT64_C(0xbeef) << 48);
}

static void keep_interior(void *gate)
{
    kept = (char *)gate + sizeof(struct gate) - 1;
}

static void keep_packed(void *gate)
{
    struct message *message = malloc(sizeof(*message));
    message->gate = gate;
    kept = message;
}

static void keep_three_hops(void *gate)
{
    struct hop *last = calloc(1, sizeof(*last)), *middle = calloc(1, sizeof(*middle));
    struct hop *first = calloc(1, sizeof(*first));
    last->gate = gate;
    middle->next = last;
    first->next = middle;
    kept = first;
}

#if defined(__x86_64__)
/* setjmp(3) mangles the frame pointer. */
static void keep_mangled(void *gate)
{
    uintptr_t guard;
    __asm__("mov %%fs:0x30, %0" : "=r"(guard));
    uintptr_t word = (uintptr_t)gate ^ guard;
    memcpy(jump, &(uintptr_t){word << 17 | word >> 47}, sizeof(word));
}
#endif

static void keep_in_mapping(void *gate)
{
    void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[100] = gate;
    kept = page;
}

static void keep_in_read_only(void *gate)
{
    keep_in_mapping(gate);
    CHECK(mprotect(kept, 4096, PROT_READ) == 0);
}

static void keep_in_no_access(void *gate)
{
    keep_in_mapping(gate);
    CHECK(mprotect(kept, 4096, PROT_NONE) == 0);
}

static void keep_in_shared(void *gate)
{
    void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    page[100] = gate;
}

static void keep_in_large(void *gate)
{
    void **large = calloc(1, 1 << 20);
    large[1 << 16] = gate;
    kept = large;
}

/* Where objects are below 4 GiB, 32 bits are enough. Their neighbours are not zero. */
static void keep_in_half(void *gate)
{
    static uint32_t halves[4];
    static uint64_t word;
    if ((uintptr_t)gate >> 32)
        word = (uintptr_t)gate;
    else
        memcpy(halves, (uint32_t[4]){~0u, ~0u, (uint32_t)(uintptr_t)gate, ~0u}, sizeof(halves));
    (void)word;
}

static void keep_in_half_on_heap(void *gate)
{
    uint32_t *halves = malloc(4 * sizeof(*halves));
    memset(halves, 0xff, 4 * sizeof(*halves));
    if ((uintptr_t)gate >> 32)
        memcpy(halves, &gate, sizeof(gate));
    else
        halves[1] = (uint32_t)(uintptr_t)gate;
    kept = halves;
}

static void keep_at_exit(int status, void *gate)
{
    (void)status;
    (void)gate;
}

static void keep_on_exit(void *gate)
{
    CHECK(on_exit(keep_at_exit, gate) == 0);
}

static void forget(void *gate)
{
    (void)gate;
}

static void forget_freed(void *gate)
{
    void **box = malloc(64);
    box[3] = gate;
    free(box);
}

static void *hold_and_end(void *arg)
{
    void *volatile old = arg;
    (void)old;
    sem_post(&ready);
    return NULL;
}

/* libc keeps the stacks of threads that have ended. */
static void forget_joined(void *gate)
{
    pthread_join(start(hold_and_end, gate), NULL);
    await_ready(1);
}

/* In an arena whose only thread has ended. */
static void *make_and_end(void *arg)
{
    make_gate();
    return arg;
}

static void forget_in_arena(void *gate)
{
    (void)gate;
    pthread_join(start(make_and_end, NULL), NULL);
}

/* As Rust's library does. */
static void *show_errno_and_wait(void *gate)
{
    kept = &errno;
    kept_by_thread = gate;
    return wait_at(gate);
}

static void keep_errno(void *gate)
{
    (void)gate;
    make_gate_for(show_errno_and_wait);
}

/* More zeros than a report of a live process reads. */
static void keep_only_zeros(void *gate)
{
    enum { SIZE = 320 << 20, PAGE = 4096 };
    volatile char *zeros = calloc(1, SIZE);
    for (size_t i = 0; i < SIZE; i += PAGE)
        (void)zeros[i];
    kept = (void *)zeros;
    forget(gate);
}

static const struct place places[] = {
    PLACE(forgotten, forget),
    PLACE(freed, forget_freed),
    PLACE(joined, forget_joined),
    PLACE(zeros, keep_only_zeros),
    {.name = "arena", .keep = forget_in_arena, .has_own_wait = true},
    {.name = "errno", .keep = keep_errno, .has_own_wait = true},
    PLACE(static, keep_in_static),
    PLACE(tls, keep_in_tls),
    PLACE(key, keep_in_key),
    PLACE(tagged_low, keep_tagged_low),
    PLACE(tagged_high, keep_tagged_high),
    PLACE(interior, keep_interior),
    PLACE(packed, keep_packed),
    PLACE(three_hops, keep_three_hops),
    PLACE(mapping, keep_in_mapping),
    PLACE(read_only, keep_in_read_only),
    PLACE(no_access, keep_in_no_access),
    PLACE(shared, keep_in_shared),
    PLACE(large, keep_in_large),
    PLACE(on_exit, keep_on_exit),
    PLACE(half, keep_in_half),
    PLACE(half_on_heap, keep_in_half_on_heap),
#if defined(__x86_64__)
    PLACE(mangled, keep_mangled),
#endif
};

int main(int argc, char **argv)
{
    return keep(places, sizeof(places) / sizeof(*places), argc, argv);
}
