/*
 * A thread waits for a gate, and the only reference to the gate is kept in the place that the argument names.
 * With "forgotten" it is kept nowhere. A second argument, "end": the program ends, else it stays.
 */
#include "target.h"

#include <alloca.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <ucontext.h>

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    int is_open;
    pid_t tid;
    char more[40];
};

static void *wait_at(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->mutex);
    gate->tid = (pid_t)syscall(SYS_gettid);
    sem_post(&ready);
    while (!gate->is_open)
        pthread_cond_wait(&gate->opened, &gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    return NULL;
}

static void await_asleep(pid_t tid)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    while (!strstr(text, ") S ")) {
        FILE *file = fopen(path, "r");
        CHECK(file && fgets(text, sizeof(text), file));
        fclose(file);
    }
}

static struct gate *make_gate(void)
{
    struct gate *gate = calloc(1, sizeof(*gate));
    CHECK(gate);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_cond_init(&gate->opened, NULL);
    pthread_detach(start(wait_at, gate));
    await_ready(1);
    pthread_mutex_lock(&gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    await_asleep(gate->tid);
    return gate;
}

/* ---- threads that keep it ---- */

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

static void *stay_in_vector(void *arg)
{
    uintptr_t value = (uintptr_t)arg;
    arg = NULL;
    sem_post(&ready);
    __asm__ volatile("movq %0, %%xmm7; movq $0, %0; 1: pause; jmp 1b" : "+m"(value) : : "xmm7", "memory");
    return NULL;
}
#endif

/* ---- places ---- */

static void *kept;
static __thread void *kept_by_thread;
static jmp_buf jump;
static pthread_key_t key;

struct __attribute__((packed)) message {
    char type;
    void *gate;
};

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

static void keep_in_pipe(void *gate)
{
    int ends[2];
    const struct message message = {'a', gate};
    CHECK(pipe(ends) == 0 && write(ends[1], &message, sizeof(message)) == sizeof(message));
}

static void keep_in_socketpair(void *gate)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    CHECK(write(ends[1], "first", 5) == 5 && write(ends[1], &gate, sizeof(gate)) == sizeof(gate));
}

static void keep_in_datagrams(void *gate)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    CHECK(write(ends[1], "first", 5) == 5 && write(ends[1], &gate, sizeof(gate)) == sizeof(gate));
}

static int bind_to_loopback(int type, struct sockaddr_in *address)
{
    int receiver = socket(AF_INET, type, 0);
    socklen_t size = sizeof(*address);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(receiver >= 0 && bind(receiver, (struct sockaddr *)address, size) == 0);
    CHECK(getsockname(receiver, (struct sockaddr *)address, &size) == 0);
    return receiver;
}

static void send_to(int type, const struct sockaddr_in *address, void *gate)
{
    int sender = socket(AF_INET, type, 0);
    CHECK(sender >= 0 && connect(sender, (const struct sockaddr *)address, sizeof(*address)) == 0);
    CHECK(write(sender, &gate, sizeof(gate)) == sizeof(gate) && close(sender) == 0);
}

static void keep_in_udp(void *gate)
{
    struct sockaddr_in address;
    bind_to_loopback(SOCK_DGRAM, &address);
    send_to(SOCK_DGRAM, &address, gate);
}

/* Nobody accepts the connection. */
static void keep_in_connection(void *gate)
{
    struct sockaddr_in address;
    CHECK(listen(bind_to_loopback(SOCK_STREAM, &address), 1) == 0);
    send_to(SOCK_STREAM, &address, gate);
}

/* In a pipe whose descriptors are in a socket. */
static void keep_under_way(void *gate)
{
    int ends[2], sockets[2];
    char control[CMSG_SPACE(sizeof(ends))] = {0}, byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    CHECK(write(ends[1], &gate, sizeof(gate)) == sizeof(gate));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(ends));
    memcpy(CMSG_DATA(header), ends, sizeof(ends));
    CHECK(sendmsg(sockets[0], &message, 0) == 1 && close(ends[0]) == 0 && close(ends[1]) == 0);
}

static void keep_in_notification(void *gate)
{
    char name[32];
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 8};
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = gate};
    snprintf(name, sizeof(name), "/kept%d", (int)getpid());
    mqd_t queue = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
    CHECK(queue >= 0 && mq_unlink(name) == 0 && mq_notify(queue, &event) == 0);
}

static void keep_in_epoll(void *gate)
{
    int ends[2], poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = gate};
    CHECK(poll >= 0 && pipe(ends) == 0 && epoll_ctl(poll, EPOLL_CTL_ADD, ends[0], &event) == 0);
}

static void keep_in_timer(void *gate)
{
    timer_t timer;
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_ptr = gate};
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
}

static void keep_in_signal(void *gate)
{
    CHECK(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_ptr = gate}) == 0);
}

static void keep_in_queue(void *gate)
{
    struct {
        long type;
        void *gate;
    } message = {1, gate};
    int queue = msgget(IPC_PRIVATE, 0600);
    CHECK(queue >= 0 && msgsnd(queue, &message, sizeof(message.gate), 0) == 0);
    printf("queue %d\n", queue);
}

static void keep_in_mapping(void *gate)
{
    void **page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[100] = gate;
    kept = page;
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

static void keep_in_memfd(void *gate)
{
    int file = memfd_create("kept", 0);
    CHECK(file >= 0 && write(file, &gate, sizeof(gate)) == sizeof(gate));
}

static void keep_in_file(void *gate)
{
    char path[] = "/tmp/kept.XXXXXX";
    int file = mkstemp(path);
    CHECK(file >= 0 && unlink(path) == 0 && write(file, &gate, sizeof(gate)) == sizeof(gate));
}

/* What was written to the terminal is not read yet from the other end. */
static void keep_in_terminal(void *gate)
{
    struct termios modes;
    int leader = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(leader >= 0 && grantpt(leader) == 0 && unlockpt(leader) == 0);
    int terminal = open(ptsname(leader), O_RDWR | O_NOCTTY);
    CHECK(terminal >= 0 && tcgetattr(terminal, &modes) == 0);
    cfmakeraw(&modes);
    CHECK(tcsetattr(terminal, TCSANOW, &modes) == 0);
    CHECK(write(terminal, &gate, sizeof(gate)) == sizeof(gate));
}

static void *keep_in_own_pipe(void *arg)
{
    int ends[2];
    CHECK(unshare(CLONE_FILES) == 0 && pipe(ends) == 0 && write(ends[1], &arg, sizeof(arg)) == sizeof(arg));
    arg = NULL;
    sem_post(&ready);
    for (;;)
        pause();
    return arg;
}

static void keep_in_own_files(void *gate)
{
    pthread_detach(start(keep_in_own_pipe, gate));
    await_ready(1);
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

static const struct place {
    const char *name;
    void (*keep)(void *);
} places[] = {
    {"forgotten", forget},
    {"freed", forget_freed},
    {"joined", forget_joined},
    {"zeros", keep_only_zeros},
    {"static", keep_in_static},
    {"tls", keep_in_tls},
    {"key", keep_in_key},
    {"tagged_low", keep_tagged_low},
    {"tagged_high", keep_tagged_high},
    {"interior", keep_interior},
    {"packed", keep_packed},
    {"three_hops", keep_three_hops},
    {"pipe", keep_in_pipe},
    {"socketpair", keep_in_socketpair},
    {"datagrams", keep_in_datagrams},
    {"udp", keep_in_udp},
    {"connection", keep_in_connection},
    {"under_way", keep_under_way},
    {"notification", keep_in_notification},
    {"epoll", keep_in_epoll},
    {"timer", keep_in_timer},
    {"signal", keep_in_signal},
    {"queue", keep_in_queue},
    {"mapping", keep_in_mapping},
    {"read_only", keep_in_read_only},
    {"no_access", keep_in_no_access},
    {"shared", keep_in_shared},
    {"large", keep_in_large},
    {"stack", keep_on_stack},
    {"heap_of_thread", keep_in_heap_of_thread},
    {"timed_wait", keep_in_timed_wait},
    {"result", keep_as_result},
    {"interrupted_stack", keep_on_interrupted_stack},
    {"coroutine", keep_in_coroutine},
    {"on_exit", keep_on_exit},
    {"half", keep_in_half},
    {"half_on_heap", keep_in_half_on_heap},
    {"memfd", keep_in_memfd},
    {"file", keep_in_file},
    {"terminal", keep_in_terminal},
    {"own_files", keep_in_own_files},
    {"process", keep_in_process},
    {"requeued", keep_requeued},
    {"interruptible", keep_interruptible},
#if defined(__x86_64__)
    {"mangled", keep_mangled},
    {"register", keep_in_register},
    {"vector", keep_in_vector},
#endif
};

/* No old copy of the reference remains on the stack. */
static NOINLINE void clean_stack(void)
{
    memset(alloca(65536), 0, 65536);
    __asm__ volatile("" : : : "memory");
}

static NOINLINE void make_and_keep(const struct place *place)
{
    bool has_own_wait = place->keep == keep_requeued || place->keep == keep_interruptible;
    place->keep(has_own_wait ? NULL : make_gate());
}

/* For all threads, so that such a signal stays pending. */
static void block_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int main(int argc, char **argv)
{
    block_signal();
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (argc > 1 && strcmp(argv[1], places[i].name) == 0)
            make_and_keep(&places[i]);
        else if (argc == 1)
            puts(places[i].name);
    if (argc == 1)
        return 0;
    clean_stack();
    puts("ready");
    fflush(stdout);
    if (argc == 2)
        stay(NULL);
    return 0;
}
