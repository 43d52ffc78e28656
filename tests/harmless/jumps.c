/* setjmp, contexts, and stacks that the program switches by itself. */
#include <setjmp.h>
#include <ucontext.h>

#include "harmless.h"

static jmp_buf place;
static sigjmp_buf place_with_mask;
static ucontext_t outer, inner, third;
static char memory[2][1 << 17];

static void deep(int depth)
{
    volatile char frame[256] = {0};
    if (depth > 0)
        deep(depth - 1);
    else if (!frame[7])
        longjmp(place, 7);
}

static void *jump_in_thread(void *unused)
{
    (void)unused;
    int value = setjmp(place);
    if (value == 0)
        deep(100);
    return (void *)(long)value;
}

TEST(jump_in_a_thread)
{
    is("value", (long)run_thread(jump_in_thread, NULL), 7);
    is("and in main", (long)jump_in_thread(NULL), 7);
}

static void *jump_zero(void *unused)
{
    (void)unused;
    volatile int times = 0;
    int value = setjmp(place);
    if (times++ == 0)
        longjmp(place, 0);
    return (void *)(long)value;
}

TEST(jump_with_zero_returns_one)
{
    is("value", (long)run_thread(jump_zero, NULL), 1);
}

static void jump_from_handler(int number)
{
    siglongjmp(place_with_mask, number);
}

static long mask_after_jump(int saves)
{
    sigset_t mask, none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (!sigsetjmp(place_with_mask, saves))
        raise(SIGUSR1);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, SIGUSR1);
}

static void *jump_from_handlers(void *unused)
{
    is("with the mask: blocked", mask_after_jump(1), 0);
    is("without it: blocked", mask_after_jump(0), 1);
    return unused;
}

TEST(jump_out_of_a_handler)
{
    signal(SIGUSR1, jump_from_handler);
    jump_from_handlers(NULL);
    run_thread(jump_from_handlers, NULL);
}

static void on_another_stack(void)
{
    happened('a');
    is("a thread of another stack", (long)run_thread(nothing, (void *)3), 3);
    happened('b');
    swapcontext(&inner, &outer);
    happened('d');
}

static void make(ucontext_t *context, char *stack, void (*function)(void), ucontext_t *next)
{
    getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = sizeof(memory[0]);
    context->uc_link = next;
    makecontext(context, function, 0);
}

static void *use_contexts(void *unused)
{
    make(&inner, memory[0], on_another_stack, &outer);
    is("swapcontext", swapcontext(&outer, &inner), 0);
    happened('c');
    is("swapcontext", swapcontext(&outer, &inner), 0);
    happened('e');
    return unused;
}

TEST(context_creates)
{
    use_contexts(NULL);
    text_is("in order", happenings(), "abcde");
}

TEST(context_in_a_thread)
{
    is("value", (long)run_thread(use_contexts, (void *)9), 9);
    text_is("in order", happenings(), "abcde");
}

static void ping(void)
{
    for (int i = 0; i < 3; i++) {
        happened('i');
        swapcontext(&inner, &third);
    }
}

static void pong(void)
{
    for (int i = 0; i < 3; i++) {
        happened('o');
        is("a thread", (long)run_thread(nothing, (void *)5), 5);
        swapcontext(&third, &inner);
    }
}

TEST(context_to_and_fro)
{
    make(&inner, memory[0], ping, &outer);
    make(&third, memory[1], pong, &outer);
    swapcontext(&outer, &inner);
    text_is("in turn", happenings(), "ioioio");
}

static void exit_here(void)
{
    pthread_exit((void *)4);
}

static void *exit_on_another_stack(void *unused)
{
    make(&inner, memory[0], exit_here, NULL);
    swapcontext(&outer, &inner);
    return unused;
}

TEST(context_ends_its_thread)
{
    is("value", (long)run_thread(exit_on_another_stack, (void *)9), 4);
}

static void fork_here(void)
{
    text_is("a child of another stack", status_of(abort), "signal 6");
    swapcontext(&inner, &outer);
}

TEST(context_forks)
{
    run_thread(nothing, NULL);
    make(&inner, memory[0], fork_here, &outer);
    is("swapcontext", swapcontext(&outer, &inner), 0);
}

static void exits_process(void)
{
    exit(12);
}

TEST_ENDS(context_ends_the_process, "exit 12")
{
    run_thread(nothing, NULL);
    make(&inner, memory[0], exits_process, NULL);
    swapcontext(&outer, &inner);
}
