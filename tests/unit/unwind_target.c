#include "unwind_target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc/process.h"
#include "snapshot_child.h"
#include "unwind/unwind.h"

enum { MAX_NAMES = 1 << 20 };

/* ---- a target ----------------------------------------------------------------------- */

struct snapshot *target_snapshot;
struct unwinder *target_unwinder;
struct symbolizer *target_symbolizer;

const char *target_path(const char *name)
{
    static char path[4096];
    char directory[4096];
    const char *given = getenv("THREADLEAK_TARGETS");
    ck_assert_ptr_nonnull(realpath(given ? given : "build/targets", directory));
    snprintf(path, sizeof(path), "%.3000s/%s", directory, name);
    return path;
}

/* Returns when it has said that it is ready. */
pid_t run_target(const char *path)
{
    int out[2];
    char line[8];
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        execl(path, path, (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    ck_assert_msg(read(out[0], line, sizeof(line)) > 0, "%s does not start", path);
    return pid;
}

pid_t start_target(const char *name)
{
    pid_t pid = run_target(target_path(name));
    ck_assert(wait_for_states(pid, "S"));
    return pid;
}

void open_target(pid_t pid)
{
    struct error error = {""};
    ck_assert_msg(snapshot_take(pid, NULL, &target_snapshot, &error) == SNAPSHOT_OK, "%s", error.text);
    target_unwinder = unwinder_new(target_snapshot, &error);
    ck_assert_msg(target_unwinder, "%s", error.text);
    if (!target_symbolizer)
        target_symbolizer = symbolizer_new(false);
}

void close_target(void)
{
    unwinder_free(target_unwinder);
    snapshot_free(target_snapshot);
    target_unwinder = NULL;
    target_snapshot = NULL;
}

void end_target(pid_t pid)
{
    close_target();
    symbolizer_free(target_symbolizer);
    target_symbolizer = NULL;
    child_end(pid);
}

const struct stack *target_stack(pid_t tid)
{
    for (size_t i = 0; i < target_snapshot->count; i++)
        if (target_snapshot->threads[i].tid == tid)
            return unwind_thread(target_unwinder, i);
    return NULL;
}

/* The one thread beside the main thread. */
const struct stack *target_stack_of_other(pid_t pid)
{
    for (size_t i = 0; i < target_snapshot->count; i++)
        if (target_snapshot->threads[i].tid != pid)
            return unwind_thread(target_unwinder, i);
    return NULL;
}

/* ---- names ----------------------------------------------------------------------------- */

/* libc has several names for one function, and each reader chooses another. */
const char *target_plain_name(const char *name)
{
    static const char *const aliases[][2] = {
        {"__libc_pause", "pause"},
        {"__libc_start_main_impl", "__libc_start_main"},
        {"__libc_start_main@@GLIBC_2.34", "__libc_start_main"},
        {"__clone3", "clone3"},
    };
    for (size_t i = 0; name && i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(name, aliases[i][0]) == 0)
            return aliases[i][1];
    return name ? name : "?";
}

/* The function that was called, not what the compiler put into it. */
const char *target_name_of(const struct code_address *address)
{
    const struct frame_list *list = symbolize(target_symbolizer, address);
    return target_plain_name(list->frames[list->count - 1].function);
}

/* "pause f3 f2 f1 f0 main", to the frame named last; from module, when that is given. */
const char *target_names(const struct stack *stack, const char *last, const char *module)
{
    static char text[MAX_NAMES];
    size_t length = 0;
    text[0] = 0;
    for (size_t i = 0; i < stack->count && length < sizeof(text) - 300; i++) {
        struct code_address address = stack->frames[i];
        if (module && address.module && strstr(address.module, "/unwind_"))
            address.module = module;
        const char *name = target_name_of(&address);
        length += (size_t)snprintf(text + length, 300, "%s%s", i ? " " : "", name);
        if (strcmp(name, last) == 0)
            break;
    }
    return text;
}

void assert_begins(const struct stack *stack, const char *first_function)
{
    ck_assert_msg(!stack->incomplete, "%s after %s (%s + %#lx)", stack->incomplete,
                  target_names(stack, "", NULL), stack->frames[stack->count - 1].module,
                  (unsigned long)stack->frames[stack->count - 1].offset);
    const char *name = target_name_of(&stack->frames[stack->count - 1]);
    ck_assert_msg(strncmp(name, first_function, strlen(first_function)) == 0, "the stack begins in %s", name);
}

/* It blocks all signals that can be blocked but libc's own two. */
static void assert_deaf(pid_t pid)
{
    char path[64], line[256];
    unsigned long long blocked = 0;
    for (size_t i = 0; i < target_snapshot->count; i++) {
        if (target_snapshot->threads[i].tid == pid)
            continue;
        snprintf(path, sizeof(path), "/proc/%d/status", (int)target_snapshot->threads[i].tid);
        FILE *file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
            if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
                break;
        if (file)
            fclose(file);
    }
    ck_assert_msg(blocked == 0xfffffffe7ffbfeffull, "%#llx", blocked);
}

void assert_chain(const char *name, const char *names_from)
{
    pid_t pid = start_target(name);
    open_target(pid);
    char *module = names_from ? strdup(target_path(names_from)) : NULL;
    const struct stack *main_stack = target_stack(pid), *other = target_stack_of_other(pid);
    ck_assert_ptr_nonnull(main_stack);
    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(target_names(main_stack, "main", module), "pause f3 f2 f1 f0 main");
    ck_assert_str_eq(target_names(other, "start_thread", module), "pause f3 f2 f1 f0 deaf start_thread");
    ck_assert_msg(!main_stack->incomplete && !other->incomplete, "incomplete");
    if (!module)
        assert_begins(main_stack, "_start");
    assert_begins(other, "clone");
    assert_deaf(pid);
    ck_assert(!main_stack->frames[0].is_return_address);
    ck_assert(main_stack->frames[1].is_return_address);
    free(module);
    end_target(pid);
}
