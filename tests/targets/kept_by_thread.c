/* The reference to a gate is kept by a thread or another process, or the wait has another way to end: see
 * kept.h. */
#include "kept.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <ucontext.h>

static void *stay_with(void *arg)
{
    void *volatile kept = arg;
    sem_post(&ready);
    for (;;)
        pause();
    return kept;
}

static void *wait_with(void *arg)
{
    void *volatile kept = arg;
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec later = {.tv_sec = time(NULL) + 3600};
    sem_post(&ready);
    pthread_mutex_lock(&mutex);
    while (pthread_cond_timedwait(&never, &mutex, &later) == 0)
        ;
    return kept;
}

static void *return_it(void *arg)
{
    sem_post(&ready);
    return arg;
}

static void *stay_in_heap(void *arg)
{
    void **box = malloc(sizeof(*box));
    *box = arg;
    return stay_with(box);
}

static char signal_stack[65536];

static void stay_in_handler(int number)
{
    (void)number;
    sem_post(&ready);
    for (;;)
        pause();
}

/* The reference is on the interrupted stack. */
static void *stay_on_signal_stack(void *arg)
{
    void *volatile kept = arg;
    const stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};
    struct sigaction action = {.sa_handler = stay_in_handler, .sa_flags = SA_ONSTACK};
    CHECK(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    raise(SIGUSR1);
    return kept;
}

#if defined(__x86_64__)
/* In a register that a call does not keep, and in no memory. */
static void *stay_in_register(void *arg)
{
    uintptr_t value = (uintptr_t)arg;
    arg = NULL;
    sem_post(&ready);
    __asm__ volatile("mov %0, %%r12; movq $0, %0; 1: pause; jmp 1b" : "+m"(value) : : "r12", "memory");
    return NULL;
}

static int unseen_end; /* of a pipe */

/* In %r12 during read(), which a report does not interrupt, so that it does not see the register. Older words
 * of the stack are cleared, which may contain the argument. */
__attribute__((naked)) static void *stay_in_unseen_register(__attribute__((unused)) void *arg)
{
    __asm__(
        "mov %rdi, %r12; sub $8, %rsp; .cfi_adjust_cfa_offset 8; lea ready(%rip), %rdi; call sem_post@PLT;"
        "lea -2048(%rsp), %rdi; mov $257, %ecx; xor %eax, %eax; cld; rep stosq;"
        "mov unseen_end(%rip), %edi; mov %rsp, %rsi; mov $1, %edx; xor %eax, %eax; syscall; hlt");
}

static void *stay_in_vector(void *arg)
{
    uintptr_t value = (uintptr_t)arg;
    arg = NULL;
    sem_post(&ready);
    __asm__ volatile("movq %0, %%xmm7; movq $0, %0; 1: pause; jmp 1b" : "+m"(value) : : "xmm7", "memory");
    return NULL;
}
#endif

static void *kept;

static void keep_by(void *(*routine)(void *), void *gate)
{
    pthread_t *thread = malloc(sizeof(*thread));
    *thread = start(routine, gate);
    await_ready(1);
    kept = thread;
}

static void keep_on_stack(void *gate)
{
    keep_by(stay_with, gate);
}

static void keep_in_heap_of_thread(void *gate)
{
    keep_by(stay_in_heap, gate);
}

static void keep_in_timed_wait(void *gate)
{
    keep_by(wait_with, gate);
}

static void keep_as_result(void *gate)
{
    keep_by(return_it, gate);
}

static void keep_on_interrupted_stack(void *gate)
{
    keep_by(stay_on_signal_stack, gate);
}

#if defined(__x86_64__)
static void keep_in_register(void *gate)
{
    keep_by(stay_in_register, gate);
}

static void keep_in_unseen_register(void *gate)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    unseen_end = ends[0];
    keep_by(stay_in_unseen_register, gate);
}

static void keep_in_vector(void *gate)
{
    keep_by(stay_in_vector, gate);
}
#endif

static ucontext_t coroutine, back;

static void run_coroutine(unsigned high, unsigned low)
{
    void *volatile gate = (void *)((uintptr_t)high << 32 | low);
    swapcontext(&coroutine, &back);
    kept = gate;
}

static void keep_in_coroutine(void *gate)
{
    getcontext(&coroutine);
    coroutine.uc_stack.ss_size = 65536;
    coroutine.uc_stack.ss_sp = malloc(coroutine.uc_stack.ss_size);
    makecontext(&coroutine, (void (*)(void))run_coroutine, 2, (unsigned)((uintptr_t)gate >> 32),
                (unsigned)(uintptr_t)gate);
    swapcontext(&back, &coroutine);
}

static int stay_in_process(void *arg)
{
    void *volatile gate = arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
    return gate != NULL;
}

static void keep_in_process(void *gate)
{
    enum { SIZE = 65536 };
    char *stack = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(stack != MAP_FAILED && clone(stay_in_process, stack + SIZE, CLONE_VM | SIGCHLD, gate) > 0);
}

/* ---- waits of another kind: keep() gets no gate ---- */

static int moved_to, tid_of_waiter;

static void *wait_in_own_futex(void *arg)
{
    tid_of_waiter = (int)syscall(SYS_gettid);
    sem_post(&ready);
    syscall(SYS_futex, arg, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

/* Whoever knows the second futex can wake it. */
static void keep_requeued(void *none)
{
    int *futex = calloc(1, 64);
    (void)none;
    pthread_detach(start(wait_in_own_futex, futex));
    await_ready(1);
    await_asleep(tid_of_waiter);
    CHECK(syscall(SYS_futex, futex, FUTEX_REQUEUE_PRIVATE, 0, (void *)1L, &moved_to, 0) == 1);
}

static void do_nothing(int number)
{
    (void)number;
}

static void *wait_until_interrupted(void *arg)
{
    tid_of_waiter = (int)syscall(SYS_gettid);
    sem_post(&ready);
    sem_wait(arg);
    return NULL;
}

/* pthread_kill() ends the wait. */
static void keep_interruptible(void *none)
{
    static pthread_t waiter;
    sem_t *semaphore = calloc(1, sizeof(*semaphore));
    const struct sigaction action = {.sa_handler = do_nothing};
    (void)none;
    CHECK(sem_init(semaphore, 0, 0) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    waiter = start(wait_until_interrupted, semaphore);
    await_ready(1);
    await_asleep(tid_of_waiter);
    CHECK(pthread_kill(waiter, 0) == 0);
}

static const struct place places[] = {
    PLACE(stack, keep_on_stack),
    PLACE(heap_of_thread, keep_in_heap_of_thread),
    PLACE(timed_wait, keep_in_timed_wait),
    PLACE(result, keep_as_result),
    PLACE(interrupted_stack, keep_on_interrupted_stack),
    PLACE(coroutine, keep_in_coroutine),
    PLACE(process, keep_in_process),
    {.name = "requeued", .keep = keep_requeued, .has_own_wait = true},
    {.name = "interruptible", .keep = keep_interruptible, .has_own_wait = true},
#if defined(__x86_64__)
    PLACE(register, keep_in_register),
    PLACE(vector, keep_in_vector),
    PLACE(unseen_register, keep_in_unseen_register),
#endif
};

int main(int argc, char **argv)
{
    return keep(places, sizeof(places) / sizeof(*places), argc, argv);
}
