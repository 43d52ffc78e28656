/*
 * Creates threads on another stack than the thread's own, through a function that finds
 * its way back by rbx: from thread stacks that are gone the next time, and from two
 * callers whose frames on the other stack are alike.
 */
#include <sys/mman.h>

#include "target.h"

#ifdef __x86_64__
#define SIZE 65536

void call_on(void *top, void (*function)(void));
__asm__(".text\n"
        ".globl call_on\n"
        ".type call_on,@function\n"
        "call_on:\n"
        ".cfi_startproc\n"
        "push %rbx\n"
        ".cfi_def_cfa_offset 16\n"
        ".cfi_offset rbx,-16\n"
        "mov %rsp,%rbx\n"
        ".cfi_def_cfa_register rbx\n"
        "mov %rdi,%rsp\n"
        "call *%rsi\n"
        "mov %rbx,%rsp\n"
        ".cfi_def_cfa_register rsp\n"
        "pop %rbx\n"
        ".cfi_def_cfa_offset 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size call_on,.-call_on\n");

static char *other;

static NOINLINE void create_and_join(void)
{
    pthread_join(start(nothing, NULL), NULL);
}

static void *use(void *arg)
{
    for (int i = 0; i < 4; i++)
        call_on(other + SIZE - 64, create_and_join);
    return arg;
}

static void from_stacks_that_go(void)
{
    const size_t size = 1 << 20;
    for (unsigned long i = 0; i < 4; i++) {
        char *stack = mmap((void *)(0x300000000 + i * 0x10000000), size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        CHECK(stack != MAP_FAILED);
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        pthread_attr_setstack(&attributes, stack, size);
        CHECK(pthread_create(&thread, &attributes, use, NULL) == 0);
        pthread_join(thread, NULL);
        munmap(stack, size);
    }
}

static NOINLINE void create(void)
{
    start(stay, NULL);
}

static NOINLINE void alpha(void)
{
    call_on(other + SIZE - 64, create);
}

static NOINLINE void beta(void)
{
    char space[4096];
    __asm__ volatile("" : : "r"(space) : "memory");
    call_on(other + SIZE - 64, create);
}

int main(void)
{
    other = mmap((void *)0x200000000, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
                 -1, 0);
    CHECK(other != MAP_FAILED);
    from_stacks_that_go();
    void (*volatile function)(void);
    for (int i = 0; i < 6; i++) {
        function = i < 4 ? alpha : beta;
        function();
    }
    await_ready(6);
    return 0;
}
#else
int main(void)
{
    SKIP("written for x86_64");
}
#endif
