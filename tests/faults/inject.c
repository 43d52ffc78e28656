/*
 * Runs a command, and makes system calls of the shim or of threadleak fail in it and in all its children:
 *
 *     inject shim|threadleak|child CALL ERROR NTH LOG COMMAND...
 *
 * shim: calls from the code of libthreadleak.so; child: of those, only calls of forked children; threadleak:
 * those of the program of that name, wherever it is started. NTH 0: all of them; -1: none. CALL is a row of
 * calls.def or "-". LOG gets a line "CALL SEEN FAILED" for each call that was seen. Without arguments it
 * prints calls.def. The exit status is the command's own, 128 + N for signal N, or 77 where the kernel cannot
 * do it.
 *
 * A filter of seccomp asks this program about each such call. No process is traced, so that threadleak can
 * trace. Who calls follows from the instruction pointer, and from the memory map.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1ul << 5) /* Linux 5.19 */
#endif

static const struct row {
    const char *name, *error_name;
    int number, error;
} rows[] = {
#define CALL(call, code) {#call, #code, SYS_##call, code},
#include "calls.def"
#undef CALL
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

static struct options {
    const char *who;
    int call, error;
    long nth;
    const char *log;
    char **command;
} options;

static long seen[ROWS], failed[ROWS]; /* at the first row of a call */

static int first_row(int number)
{
    for (int i = 0; i < ROWS; i++)
        if (rows[i].number == number)
            return i;
    return -1;
}

/* ---- the child ------------------------------------------------------------------------- */

/* ROWS comparisons. Only the call that fails is asked about, or all of them to count. */
static struct sock_fprog *filter(void)
{
    static struct sock_filter code[ROWS + 4];
    static struct sock_fprog program = {.filter = code};
    unsigned short n = 0;
    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (int i = 0; i < ROWS; i++) {
        bool asked = first_row(rows[i].number) == i && (options.call < 0 || options.call == rows[i].number);
        unsigned number = asked ? (unsigned)rows[i].number : ~0u;
        code[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, (unsigned char)(ROWS - i), 0);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
    program.len = n;
    return &program;
}

static volatile int listener = -1; /* -2: not here */

static long install(unsigned long more_flags)
{
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | more_flags,
                   filter());
}

/* It shares memory and descriptors with the parent until its exec. */
static int run_command(void *unused)
{
    (void)unused;
    long fd = install(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    if (fd < 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        fd = install(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    listener = fd < 0 ? -2 : (int)fd;
    if (fd >= 0)
        execvp(options.command[0], options.command);
    _exit(127);
}

/* ---- who calls ------------------------------------------------------------------------- */

static bool is_in_shim(pid_t tid, unsigned long pc)
{
    char path[64], line[1024];
    snprintf(path, sizeof(path), "/proc/%d/maps", tid);
    FILE *maps = fopen(path, "r");
    bool found = false;
    while (maps && !found && fgets(line, sizeof(line), maps)) {
        unsigned long begin, end;
        found = sscanf(line, "%lx-%lx", &begin, &end) == 2 && pc >= begin && pc < end &&
                strstr(line, "/libthreadleak.so");
        if (!found && pc < end)
            break;
    }
    if (maps)
        fclose(maps);
    return found;
}

static bool is_threadleak(pid_t tid)
{
    char path[64], exe[4096];
    snprintf(path, sizeof(path), "/proc/%d/exe", tid);
    ssize_t n = readlink(path, exe, sizeof(exe) - 1);
    exe[n > 0 ? n : 0] = 0;
    return n > 11 && strcmp(exe + n - 11, "/threadleak") == 0;
}

static pid_t process_of(pid_t tid)
{
    char path[64], line[256];
    pid_t pid = 0;
    snprintf(path, sizeof(path), "/proc/%d/status", tid);
    FILE *status = fopen(path, "r");
    while (status && pid == 0 && fgets(line, sizeof(line), status))
        sscanf(line, "Tgid: %d", &pid);
    if (status)
        fclose(status);
    return pid;
}

static bool is_meant(const struct seccomp_notif *call, pid_t first)
{
    pid_t tid = (pid_t)call->pid;
    if (*options.who == 't')
        return is_threadleak(tid);
    return is_in_shim(tid, call->data.instruction_pointer) &&
           (*options.who == 's' || process_of(tid) != first);
}

/* ---- answers ------------------------------------------------------------------------------ */

static bool is_to_fail(const struct seccomp_notif *call, pid_t first)
{
    if (!is_meant(call, first))
        return false;
    int row = first_row(call->data.nr);
    long count = ++seen[row];
    bool fails = options.call == call->data.nr && (options.nth == 0 || options.nth == count);
    failed[row] += fails;
    return fails;
}

static void answer(pid_t first)
{
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
        return;
    struct seccomp_notif_resp reply = {.id = call.id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (is_to_fail(&call, first)) {
        reply.flags = 0;
        reply.error = -options.error;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

/* Until no process has the filter. */
static void serve(pid_t first)
{
    struct pollfd poll_fd = {.fd = listener, .events = POLLIN};
    for (;;) {
        if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
            return;
        if (poll_fd.revents & POLLIN)
            answer(first);
        else if (poll_fd.revents & POLLHUP)
            return;
    }
}

static void write_log(void)
{
    FILE *log = fopen(options.log, "w");
    for (int i = 0; log && i < ROWS; i++)
        if (seen[i])
            fprintf(log, "%s %ld %ld\n", rows[i].name, seen[i], failed[i]);
    if (log)
        fclose(log);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static int list(void)
{
    for (int i = 0; i < ROWS; i++)
        printf("%s %s\n", rows[i].name, rows[i].error_name);
    return 0;
}

static bool parse(int argc, char **argv)
{
    if (argc < 7)
        return false;
    options = (struct options){argv[1], -1, 0, atol(argv[4]), argv[5], argv + 6};
    for (int i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, argv[2]) == 0 && strcmp(rows[i].error_name, argv[3]) == 0) {
            options.call = rows[i].number;
            options.error = rows[i].error;
        }
    return options.call >= 0 || strcmp(argv[2], "-") == 0;
}

int main(int argc, char **argv)
{
    static char stack[65536] __attribute__((aligned(16)));
    if (argc == 1)
        return list();
    if (!parse(argc, argv))
        return 2;
    pid_t first = clone(run_command, stack + sizeof(stack), CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
    while (first > 0 && listener == -1)
        sched_yield();
    if (listener < 0)
        return 77;
    serve(first);
    int status = 0;
    while (waitpid(first, &status, 0) < 0 && errno == EINTR)
        ;
    write_log();
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
