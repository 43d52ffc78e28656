#include "snapshot/regs.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "snapshot/call.h"

#if defined(__x86_64__)

/* include/linux/errno.h of the kernel: the result register of an interrupted system call,
 * until the kernel returns to user mode and either restarts the call or sets EINTR. */
enum {
    ERESTARTSYS = 512,
    ERESTARTNOINTR = 513,
    ERESTARTNOHAND = 514, /* restarts unless a handler runs, else EINTR */
    ERESTART_RESTARTBLOCK = 516
};

static bool is_restarting(long result)
{
    return result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND ||
           result == -ERESTART_RESTARTBLOCK;
}

static bool would_fail(const struct user_regs_struct *regs)
{
    const uint64_t args[6] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
    return (long)regs->orig_rax >= 0 && (long)regs->rax == -EINTR &&
           call_can_be_reissued((long)regs->orig_rax, args);
}

void snapshot_set_regs(struct snapshot_thread *thread, const void *all)
{
    const struct user_regs_struct *from = all;
    const uint64_t regs[SNAPSHOT_REGS] = {
        from->rax, from->rdx, from->rcx, from->rbx, from->rsi, from->rdi, from->rbp, from->rsp, from->r8,
        from->r9,  from->r10, from->r11, from->r12, from->r13, from->r14, from->r15, from->rip,
    };
    const uint64_t args[6] = {from->rdi, from->rsi, from->rdx, from->r10, from->r8, from->r9};
    memcpy(thread->regs, regs, sizeof(regs));
    memcpy(thread->syscall_args, args, sizeof(args));
    thread->pc = from->rip;
    thread->sp = from->rsp;
    thread->thread_pointer = from->fs_base;
    thread->state = SNAPSHOT_STOPPED;
    bool waits = (long)from->orig_rax >= 0 && is_restarting((long)from->rax);
    thread->syscall_nr = waits || would_fail(from) ? (long)from->orig_rax : -1;
}

/* False: the registers need no change. */
static bool make_restart(struct user_regs_struct *regs)
{
    if (!would_fail(regs))
        return false;
    regs->rax = (unsigned long)-ERESTARTNOHAND;
    return true;
}

static void jump(struct user_regs_struct *regs, uint64_t address)
{
    regs->rip = address;
    regs->orig_rax = ~0ull; /* in no system call: nothing to restart */
}

void regs_of_call(struct snapshot_thread *thread)
{
    static const unsigned char order[] = {5, 4, 1, 10, 8, 9}; /* rdi, rsi, rdx, r10, r8, r9 */
    thread->unknown_regs = (UINT64_C(1) << SNAPSHOT_REGS) - 1;
    for (size_t i = 0; i < sizeof(order); i++) {
        thread->regs[order[i]] = thread->syscall_args[i];
        thread->unknown_regs &= ~(UINT64_C(1) << order[i]);
    }
    thread->regs[SNAPSHOT_REG_PC] = thread->pc;
    thread->regs[SNAPSHOT_REG_SP] = thread->sp;
    thread->unknown_regs &= ~(UINT64_C(1) << SNAPSHOT_REG_PC | UINT64_C(1) << SNAPSHOT_REG_SP);
}

/* mov $NR,%eax; syscall: code of libc's wrappers */
long regs_call_in_code(const unsigned char code[7])
{
    uint32_t nr;
    memcpy(&nr, code + 1, sizeof(nr));
    return code[0] == 0xb8 && code[5] == 0x0f && code[6] == 0x05 ? (long)nr : -1;
}

void snapshot_resolve_restarted(const struct snapshot *snapshot, struct snapshot_thread *thread)
{
    unsigned char code[7];
    long nr;
    if (thread->state != SNAPSHOT_STOPPED || thread->syscall_nr != SYS_restart_syscall)
        return;
    if (snapshot_read_memory(snapshot, thread, thread->pc - sizeof(code), code, sizeof(code)) &&
        (nr = regs_call_in_code(code)) >= 0)
        thread->syscall_nr = nr;
}

void snapshot_check_syscall(const struct snapshot *snapshot, struct snapshot_thread *thread)
{
    unsigned char code[2];
    if (thread->syscall_nr >= 0 &&
        snapshot_read_memory(snapshot, thread, thread->pc - sizeof(code), code, sizeof(code)) &&
        (code[0] != 0x0f || code[1] != 0x05))
        thread->syscall_nr = -1;
}

#elif defined(__aarch64__)

/* The result overwrites the first argument, which only the kernel keeps.  So that argument
 * cannot be read here, and calls that fail with EINTR cannot be restarted. */
static bool make_restart(struct user_regs_struct *regs)
{
    (void)regs;
    return false;
}

void snapshot_set_regs(struct snapshot_thread *thread, const void *all)
{
    const struct user_regs_struct *from = all;
    thread->state = SNAPSHOT_STOPPED;
    memcpy(thread->regs, from->regs, sizeof(from->regs));
    thread->pc = thread->regs[SNAPSHOT_REG_PC] = from->pc;
    thread->sp = thread->regs[SNAPSHOT_REG_SP] = from->sp;
    thread->syscall_nr = -1;
}

/* x0 to x5; the kernel changes x0 only when the call returns. */
void regs_of_call(struct snapshot_thread *thread)
{
    thread->unknown_regs = ~UINT64_C(0x3f) & ((UINT64_C(1) << SNAPSHOT_REGS) - 1);
    memcpy(thread->regs, thread->syscall_args, sizeof(thread->syscall_args));
    thread->regs[SNAPSHOT_REG_PC] = thread->pc;
    thread->regs[SNAPSHOT_REG_SP] = thread->sp;
    thread->unknown_regs &= ~(UINT64_C(1) << SNAPSHOT_REG_PC | UINT64_C(1) << SNAPSHOT_REG_SP);
}

long regs_call_in_code(const unsigned char code[7])
{
    (void)code;
    return -1;
}

/* snapshot_resolve_restarted has already checked the instruction. */
void snapshot_check_syscall(const struct snapshot *snapshot, struct snapshot_thread *thread)
{
    (void)snapshot;
    (void)thread;
}

/* The kernel restarts a call only if the pc is still where it was when the thread stopped. */
static void jump(struct user_regs_struct *regs, uint64_t address)
{
    regs->pc = address;
}

/* For a call that will be restarted, the kernel has moved the pc back to the svc instruction
 * and restored the first argument. */
void snapshot_resolve_restarted(const struct snapshot *snapshot, struct snapshot_thread *thread)
{
    uint32_t code;
    if (thread->state != SNAPSHOT_STOPPED || thread->unstopped ||
        !snapshot_read_memory(snapshot, thread, thread->pc, &code, 4) || code != 0xd4000001)
        return;
    thread->syscall_nr = (long)thread->regs[8];
    memcpy(thread->syscall_args, thread->regs, sizeof(thread->syscall_args));
}

#endif

bool snapshot_set_pc(pid_t tid, uint64_t address)
{
    struct user_regs_struct regs;
    struct iovec iov = {&regs, sizeof(regs)};
    if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov) != 0 || iov.iov_len != sizeof(regs))
        return false;
    jump(&regs, address);
    return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &iov) == 0;
}

void snapshot_read_regs(struct snapshot_thread *thread, bool by_us)
{
    struct user_regs_struct regs;
    struct iovec iov = {&regs, sizeof(regs)};
    thread->state = SNAPSHOT_UNSTOPPABLE; /* SIGKILL ends stopped threads, too */
    if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov) != 0)
        return;
    thread->state = SNAPSHOT_FOREIGN;
    if (iov.iov_len != sizeof(regs))
        return;
    snapshot_set_regs(thread, &regs);
    if (!thread->pc && !thread->sp)
        thread->state = SNAPSHOT_KERNEL;
    if (by_us && make_restart(&regs))
        ptrace(PTRACE_SETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov);
}
