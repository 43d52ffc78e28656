/*
 * An initialisation ends with a call that blocks, so that its own frame is gone.
 *
 *   once_tail join     it joins a thread that waits for it
 *   once_tail self     it begins itself again
 *   once_tail free     it waits for another initialisation, which waits for input
 */
#include "target.h"

static pthread_once_t once = PTHREAD_ONCE_INIT, other_once = PTHREAD_ONCE_INIT;
static pthread_t other;
static sem_t begun;

__attribute__((used)) static pthread_t say_begun(void)
{
    sem_post(&begun);
    return other;
}

static void wait_for_input(void)
{
    int ends[2];
    char byte;
    CHECK(pipe(ends) == 0);
    sem_post(&begun);
    CHECK(read(ends[0], &byte, 1) == 1);
}

#if defined(__x86_64__)
__attribute__((naked)) static void join_other(void)
{
    __asm__(
        "sub $8, %rsp; call say_begun; add $8, %rsp; mov %rax, %rdi; xor %esi, %esi; jmp pthread_join@PLT");
}

__attribute__((naked)) static void begin_again(void)
{
    __asm__("lea once(%rip), %rdi; lea begin_again(%rip), %rsi; jmp pthread_once@PLT");
}

__attribute__((naked)) static void begin_other(void)
{
    __asm__("sub $8, %rsp; call say_begun; add $8, %rsp; lea other_once(%rip), %rdi;"
            "lea wait_for_input(%rip), %rsi; jmp pthread_once@PLT");
}
#else
static void join_other(void)
{
    pthread_join(say_begun(), NULL);
}

static void begin_again(void)
{
    pthread_once(&once, begin_again);
}

static void begin_other(void)
{
    say_begun();
    pthread_once(&other_once, wait_for_input);
}
#endif

static void *begin(void *routine)
{
    pthread_once(&once, *(void (**)(void))routine);
    return NULL;
}

static void *begin_slow(void *arg)
{
    void *volatile on_stack = arg;
    pthread_once(&other_once, wait_for_input);
    return on_stack;
}

static void *wait_until_begun(void *routine)
{
    sem_wait(&begun);
    return begin(routine);
}

static void start_circle(void)
{
    static void (*routine)(void) = join_other;
    other = start(wait_until_begun, &routine);
    start(begin, &routine);
}

static void start_chain(void)
{
    static void (*routine)(void) = begin_other;
    start(begin_slow, NULL);
    sem_wait(&begun);
    start(begin_slow, &once); /* it does not wait for `once`, though its stack has the address */
    start(begin, &routine);
    sem_wait(&begun);
    start(begin, &routine);
}

int main(int argc, char **argv)
{
    static void (*routine)(void) = begin_again;
    sem_init(&begun, 0, 0);
    const char *how = argc > 1 ? argv[1] : "";
    if (strcmp(how, "join") == 0)
        start_circle();
    else if (strcmp(how, "self") == 0)
        start(begin, &routine);
    else
        start_chain();
    puts("up");
    fflush(stdout);
    stay(NULL);
}
