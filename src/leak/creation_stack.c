#include "leak/creation_stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "stacks/stacks.h"

bool stack_build(const struct ledger *ledger, struct symbolizer *symbolizer, const ledger_pc *frames,
                 uint32_t count, struct leak_group *group)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct frame_list *list = stack_frames(ledger, symbolizer, frames[i], true);
        if (!frames_append(&group->stack, &group->stack_count, list))
            return false;
    }
    stack_mark_start_up(group->stack, group->stack_count);
    group->user_frame = innermost_user_frame(group->stack, group->stack_count);
    return true;
}

/* ---- the fingerprint ------------------------------------------------------------------ */

uint64_t stack_hash(uint64_t hash, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ull; /* FNV-1a */
    return (hash ^ 0xff) * 0x100000001b3ull;
}

/* "libfoo.so.1.2.3" as libfoo.so, because the next release has another version. */
static uint64_t hash_module(uint64_t hash, const char *path)
{
    const char *name = path ? path_basename(path) : "";
    const char *version = strstr(name, ".so.");
    return stack_hash(hash, name, version ? (size_t)(version - name) + 3 : strlen(name));
}

/* Without ".isra.0", ".part.1.cold" and the like, which depend on the optimiser. */
static uint64_t hash_function(uint64_t hash, const char *function)
{
    static const char *const clones[] = {".isra.",     ".part.", ".constprop.", ".cold",
                                         ".lto_priv.", ".llvm.", ".localalias", " [clone "};
    size_t length = strlen(function);
    for (size_t i = 0; i < sizeof(clones) / sizeof(*clones); i++) {
        const char *clone = strstr(function, clones[i]);
        if (clone && clone > function && (size_t)(clone - function) < length)
            length = (size_t)(clone - function);
    }
    return stack_hash(hash, function, length);
}

static bool is_same_function(const struct frame *a, const struct frame *b)
{
    return a->function && b->function && !strcmp(a->function, b->function) &&
           !strcmp(a->module ? a->module : "", b->module ? b->module : "");
}

/*
 * Hashes only what the project's sources decide: modules and functions. Lines and addresses change with every
 * build. Frames of libc and of language runtimes differ between machines. Recursion counts once. Without
 * symbols it hashes offsets, which are valid until the next build. Running and unjoined threads get equal
 * fingerprints, because timing decides which of the two a thread is.
 */
void stack_fingerprint(struct leak_group *group)
{
    const char *joinable = group->kind == LEAK_DETACHED ? "detached" : "joinable";
    uint64_t hash = stack_hash(STACK_HASH_EMPTY, joinable, strlen(joinable));
    const struct frame *last = NULL;
    for (size_t i = 0; i < group->stack_count; i++) {
        const struct frame *frame = &group->stack[i];
        bool again = last && is_same_function(last, frame);
        last = frame;
        if (again || (group->user_frame && frame->runtime))
            continue;
        hash = hash_module(hash, frame->module);
        if (frame->function) {
            hash = hash_function(hash, frame->function);
            continue;
        }
        char offset[32];
        int length = snprintf(offset, sizeof(offset), "%llx",
                              frame->module ? (unsigned long long)frame->offset : 0ull);
        hash = stack_hash(hash, offset, (size_t)length);
    }
    snprintf(group->fingerprint, sizeof(group->fingerprint), "%016llx", (unsigned long long)hash);
}
