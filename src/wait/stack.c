#include "wait/stack.h"

#include <string.h>

#include "base/path.h"
#include "wait/called.h"

enum { MAX_FRAMES = 32 /* maximum frames maximum frames of libc around a system call */ };

static bool is_libc(const struct code_address *address)
{
    return address->module && strcmp(path_basename(address->module), "libc.so.6") == 0;
}

static const char *name_of(const struct stack_reader *reader, const struct code_address *address)
{
    const struct frame_list *list = symbolize(reader->symbolizer, address);
    const char *name = list->frames[list->count - 1].function;
    return name ? name : "";
}

/* Searches for the name of libc's caller, or of the function that it called. */
static const struct futex_user *user_of_caller(const struct stack_reader *reader,
                                               const struct code_address *caller)
{
    /* A function with a row may be outside of libc: in a sanitizer's runtime or libstdc++. */
    const struct futex_user *user = futex_user_find(name_of(reader, caller), false);
    uint64_t called = user ? 0 : called_function(reader->snapshot, caller->pc);
    const struct module *module = called ? modules_find(reader->modules, called) : NULL;
    if (!module)
        return user;
    const struct code_address address = module_address(module, called);
    return futex_user_find(name_of(reader, &address), false);
}

static const struct futex_user *find_user(const struct stack_reader *reader, const struct stack *stack)
{
    size_t i = 0;
    for (; i < stack->count && i < MAX_FRAMES && is_libc(&stack->frames[i]); i++) {
        const struct futex_user *user = futex_user_find(name_of(reader, &stack->frames[i]), true);
        if (user)
            return user;
    }
    return i > 0 && i < stack->count ? user_of_caller(reader, &stack->frames[i]) : NULL;
}

/* Start routines are called through a pointer. */
static bool follows_direct_call(const struct snapshot *snapshot, uint64_t pc)
{
#if defined(__x86_64__)
    unsigned char code;
    return snapshot_read_memory(snapshot, NULL, pc - 5, &code, 1) && code == 0xe8;
#else
    uint32_t code;
    return snapshot_read_memory(snapshot, NULL, pc - 4, &code, 4) && code >> 26 == 0x25;
#endif
}

/*
 * At the bottom of a thread's stack are clone3 and start_thread.  start_thread calls the
 * start routine, then __call_tls_dtors and __nptl_deallocate_tsd.  The last one has no name
 * in a stripped libc.  No other function that start_thread calls directly calls user code.
 */
static const char *find_destructor(const struct stack_reader *reader, const struct stack *stack)
{
    size_t n = stack->count;
    if (n < 4 || stack->incomplete || !is_libc(&stack->frames[n - 1]) || !is_libc(&stack->frames[n - 2]) ||
        !is_libc(&stack->frames[n - 3]) || is_libc(&stack->frames[n - 4]))
        return NULL;
    const char *name = bare_name(name_of(reader, &stack->frames[n - 3]));
    if (strcmp(name, "call_tls_dtors") == 0)
        return "a thread_local object's destructor";
    if (strcmp(name, "nptl_deallocate_tsd") == 0)
        return "a thread-specific destructor";
    const char *caller = bare_name(name_of(reader, &stack->frames[n - 2]));
    if (!*name && (!*caller || strcmp(caller, "start_thread") == 0) &&
        follows_direct_call(reader->snapshot, stack->frames[n - 2].pc))
        return "a thread-specific destructor";
    return NULL;
}

void stack_facts_set(struct stack_facts *facts, const struct stack_reader *reader, const struct stack *stack)
{
    facts->known = true;
    facts->user = find_user(reader, stack);
    facts->destructor = find_destructor(reader, stack);
}
