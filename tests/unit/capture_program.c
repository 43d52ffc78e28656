#include "capture_program.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stacks/signal_capture.h"
#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "symbolize/symbolize.h"

#define NOBODY 65534

/* ---- the captured program ----------------------------------------------------------- */

static char shim[4096], target[4096];
uid_t program_user;
const char *target_name = "/signal_capture";

static void find_files(void)
{
    char exe[2048];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    ck_assert_int_gt(n, 0);
    exe[n] = 0;
    *strrchr(exe, '/') = 0; /* BUILD/tests/unit */
    *strrchr(exe, '/') = 0;
    *strrchr(exe, '/') = 0;
    const char *given = getenv("THREADLEAK_TARGETS");
    snprintf(shim, sizeof(shim), "%s/libthreadleak.so", exe);
    ck_assert_ptr_nonnull(realpath(given ? given : "build/targets", target));
    strcat(target, target_name);
}

char *read_line(const struct program *program)
{
    static char line[256];
    if (!fgets(line, sizeof(line), program->out))
        return "";
    line[strcspn(line, "\n")] = 0;
    return line;
}

struct program start_program(const char *kinds, int count, const char *first)
{
    int to[2], from[2];
    char number[16];
    struct program program;

    find_files();
    ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
    snprintf(number, sizeof(number), "%d", count);
    program.pid = fork();
    if (program.pid == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        setenv("LD_PRELOAD", shim, 1);
        setenv("THREADLEAK_OPTIONS", "report=running:judge=exit", 1);
        if (program_user && setresuid(program_user, program_user, program_user) != 0)
            _exit(126);
        execl(target, target, kinds, number, first, (char *)NULL);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    program.in = fdopen(to[1], "w");
    program.out = fdopen(from[0], "r");
    if (first)
        for (const char *line; strcmp(line = read_line(&program), "done") != 0;)
            ck_assert_msg(*line, "the program ended");
    ck_assert_str_eq(read_line(&program), "ready");
    return program;
}

/* What it answers to a command: its first line. */
const char *program_send(const struct program *program, const char *command)
{
    static char first[256];
    fprintf(program->in, "%s\n", command);
    fflush(program->in);
    strcpy(first, read_line(program));
    for (const char *line = first; *line && strcmp(line, "done") != 0;)
        line = read_line(program);
    return first;
}

void end_program(const struct program *program)
{
    int status;
    fclose(program->in);
    ck_assert_str_eq(read_line(program), "");
    fclose(program->out);
    ck_assert_int_eq(waitpid(program->pid, &status, 0), program->pid);
    ck_assert_msg(status == 0, "the program ended with status %#x", (unsigned)status);
}

/* ---- what was captured --------------------------------------------------------------- */

struct signal_capture *capture_of(pid_t pid)
{
    struct signal_capture *capture;
    struct error error = {""};
    enum signal_capture_status status = signal_capture_take(pid, 1000 * PATIENCE_S, &capture, &error);
    ck_assert_msg(status == SIGNAL_CAPTURE_OK, "%s", error.text);
    return capture;
}

/* "f3 f2 f1 f0 start_thread", with "?" for what has no name. */
const char *captured_stack(const struct signal_capture *capture, const struct ledger_stack *current)
{
    static char text[16384];
    static struct symbolizer *symbolizer;
    size_t length = 0;
    if (!symbolizer)
        symbolizer = symbolizer_new(false);
    text[0] = 0;
    for (uint32_t i = 0; i < current->frame_count && length < sizeof(text) - 256; i++) {
        const struct ledger_module *module =
            ledger_get_module(capture->ledger, ledger_pc_module(current->frames[i]));
        struct code_address address = {.offset = ledger_pc_offset(current->frames[i]),
                                       .is_return_address = i > 0};
        if (module) {
            address.module = ledger_get_string(capture->ledger, module->path);
            address.build_id = module->build_id;
            address.build_id_len = module->build_id_len;
        }
        const struct frame_list *list = symbolize(symbolizer, &address);
        for (size_t f = 0; f < list->count; f++)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s ",
                                       list->frames[f].function ? list->frames[f].function : "?");
    }
    return text;
}

size_t with_reason(const struct signal_capture *capture, enum signal_capture_reason reason)
{
    size_t n = 0;
    for (size_t i = 0; i < capture->count; i++)
        n += capture->threads[i].reason == reason;
    return n;
}

/* How many have these functions in a row, and were captured down to the thread's start. */
size_t with_stack(const struct signal_capture *capture, const char *functions)
{
    size_t n = 0;
    for (size_t i = 0; i < capture->count; i++) {
        const struct ledger_stack *current = capture->threads[i].current;
        n += current && !(current->flags & SITE_TRUNCATED) &&
             strstr(captured_stack(capture, current), functions);
    }
    return n;
}

void print_capture(const struct signal_capture *capture)
{
    char text[64];
    for (size_t i = 0; i < capture->count; i++) {
        const struct signal_capture_thread *thread = &capture->threads[i];
        fprintf(stderr, "%d %s: %s flags %u\n", (int)thread->tid,
                signal_capture_reason_text(capture, thread->reason, text),
                thread->current ? captured_stack(capture, thread->current) : "",
                thread->current ? thread->current->flags : 0);
    }
}

void assert_all_have(const char *kinds, int count, const char *functions)
{
    struct program program = start_program(kinds, count, NULL);
    /* For a running thread it is unknown whether its small stack is large enough. */
    if (strcmp(kinds, "s") == 0)
        ck_assert(wait_for_states(program.pid, "S"));
    struct signal_capture *capture = capture_of(program.pid);
    assert_count(capture, capture->taken, (size_t)count * strlen(kinds) + 1);
    assert_count(capture, with_stack(capture, functions), (size_t)count * strlen(kinds));
    assert_count(capture, with_stack(capture, " main "), 1);
    signal_capture_free(capture);
    end_program(&program);
}
