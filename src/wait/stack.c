#include "wait/stack.h"
#include "wait/describe.h"
#include "wait/libc_name.h"

#include <string.h>

#include "base/path.h"

/* ---- the function that a call called --------------------------------------------------- */

/*
 * called_function() finds which function the call before a return address called. A function that ended with
 * a jump is not on the stack. The target of the jump may have no name in a stripped library.
 * 0: the call is indirect, or its code could not be read.
 */

static uint64_t pointer_at(const struct snapshot *snapshot, uint64_t address)
{
    uint64_t pointer;
    return snapshot_read_live(snapshot, address, &pointer, sizeof(pointer)) ? pointer : 0;
}

#if defined(__x86_64__)

static uint64_t relative(uint64_t end, const unsigned char *bytes)
{
    int32_t distance;
    memcpy(&distance, bytes, sizeof(distance));
    return end + (uint64_t)(int64_t)distance;
}

/* [endbr64] [bnd] jmp *SLOT(%rip) */
static uint64_t behind_stub(const struct snapshot *snapshot, uint64_t stub)
{
    static const unsigned char endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    unsigned char code[11];
    size_t at = 0;
    if (!snapshot_read_memory(snapshot, NULL, stub, code, sizeof(code)))
        return stub;
    if (memcmp(code, endbr64, sizeof(endbr64)) == 0)
        at = sizeof(endbr64);
    if (code[at] == 0xf2)
        at++;
    if (code[at] != 0xff || code[at + 1] != 0x25)
        return stub;
    return pointer_at(snapshot, relative(stub + at + 6, code + at + 2));
}

static uint64_t called_function(const struct snapshot *snapshot, uint64_t return_pc)
{
    unsigned char code[6];
    if (!snapshot_read_memory(snapshot, NULL, return_pc - sizeof(code), code, sizeof(code)))
        return 0;
    if (code[1] == 0xe8)
        return behind_stub(snapshot, relative(return_pc, code + 2));
    if (code[0] == 0xff && code[1] == 0x15)
        return pointer_at(snapshot, relative(return_pc, code + 2));
    return 0;
}

#elif defined(__aarch64__)

/* [bti c] adrp x16, PAGE; ldr x17, [x16, OFFSET] */
static uint64_t behind_stub(const struct snapshot *snapshot, uint64_t stub)
{
    uint32_t code[3];
    size_t at;
    if (!snapshot_read_memory(snapshot, NULL, stub, code, sizeof(code)))
        return stub;
    at = code[0] == 0xd503245f;
    if ((code[at] & 0x9f00001f) != 0x90000010 || (code[at + 1] & 0xffc003ff) != 0xf9400211)
        return stub;
    uint64_t pages = (uint64_t)(code[at] >> 5 & 0x7ffff) << 2 | (code[at] >> 29 & 3);
    int64_t distance = (int64_t)(pages << 43) >> 43;
    uint64_t page = ((stub + 4 * at) & ~UINT64_C(0xfff)) + (uint64_t)distance * 4096;
    return pointer_at(snapshot, page + 8 * (code[at + 1] >> 10 & 0xfff));
}

static uint64_t called_function(const struct snapshot *snapshot, uint64_t return_pc)
{
    uint32_t code;
    if (!snapshot_read_memory(snapshot, NULL, return_pc - 4, &code, sizeof(code)) || code >> 26 != 0x25)
        return 0;
    int64_t distance = (int64_t)((uint64_t)code << 38) >> 36;
    return behind_stub(snapshot, return_pc - 4 + (uint64_t)distance);
}

#endif

/* ---- the stack --------------------------------------------------------------------------- */

enum { MAX_FRAMES = 32 /* maximum frames of libc around a system call */ };

static bool is_libc(const struct code_address *address)
{
    return path_is_libc(address->module);
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
