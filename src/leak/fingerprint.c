#include "leak/fingerprint.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "leak/hash.h"

/* ---- modules and functions ------------------------------------------------------------- */

/* "libfoo.so.1.2.3" as libfoo.so, because the next release has another version. */
static uint64_t add_module(uint64_t hash, const char *path)
{
    const char *name = path ? path_basename(path) : "";
    const char *version = strstr(name, ".so.");
    return hash_add(hash, name, version ? (size_t)(version - name) + 3 : strlen(name));
}

static bool begins_suffix_of_clone(const char *at)
{
    static const char *const clones[] = {".isra.",     ".part.", ".constprop.", ".cold",
                                         ".lto_priv.", ".llvm.", ".localalias", " [clone "};
    for (size_t i = 0; i < sizeof(clones) / sizeof(*clones); i++)
        if (strncmp(at, clones[i], strlen(clones[i])) == 0)
            return true;
    return false;
}

/* Without ".isra.0", ".part.1.cold" and the like, which depend on the optimiser. */
static uint64_t add_function(uint64_t hash, const char *function)
{
    size_t length = strlen(function);
    for (size_t at = 1; at < length; at++)
        if ((function[at] == '.' || function[at] == ' ') && begins_suffix_of_clone(function + at))
            length = at;
    return hash_add(hash, function, length);
}

uint64_t fingerprint_add_frame(uint64_t hash, const struct frame *frame)
{
    char offset[32];
    hash = add_module(hash, frame->module);
    if (frame->function)
        return add_function(hash, frame->function);
    int length =
        snprintf(offset, sizeof(offset), "%llx", frame->module ? (unsigned long long)frame->offset : 0ull);
    return hash_add(hash, offset, (size_t)length);
}

static bool is_same_function(const struct frame *a, const struct frame *b)
{
    return a->function && b->function && !strcmp(a->function, b->function) &&
           !strcmp(a->module ? a->module : "", b->module ? b->module : "");
}

/* ---- the stack ----------------------------------------------------------------------------- */

static uint64_t add_kind(uint64_t hash, enum leak_kind kind)
{
    const char *name = kind == LEAK_DETACHED ? "detached" : "joinable";
    return hash_add(hash, name, strlen(name));
}

static bool is_skipped(const struct frame *frame, bool old)
{
    return frame->runtime && !(old && frame->framework);
}

static bool has_user_frame(const struct leak_group *group, bool old)
{
    for (size_t i = 0; i < group->stack_count; i++)
        if (!is_skipped(&group->stack[i], old))
            return true;
    return false;
}

/* old: as version 0.1 did. */
static uint64_t add_stack(uint64_t hash, const struct leak_group *group, bool old)
{
    bool skips = has_user_frame(group, old);
    const struct frame *last = NULL;
    for (size_t i = 0; i < group->stack_count; i++) {
        const struct frame *frame = &group->stack[i];
        bool again = last && is_same_function(last, frame);
        last = frame;
        if (!again && !(skips && is_skipped(frame, old)))
            hash = fingerprint_add_frame(hash, frame);
    }
    return hash;
}

/* ---- template arguments ---------------------------------------------------------------------- */

/* libstdc++ adds ", , void" to the arguments of std::thread::thread, and libc++ ", , 0". */
static size_t without_defaults(const char *arguments, size_t length)
{
    static const char *const endings[] = {" ", ",", ", void", ", 0"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        size_t ending = strlen(endings[i]);
        if (length < ending || memcmp(arguments + length - ending, endings[i], ending) != 0)
            continue;
        length -= ending;
        i = (size_t)-1;
    }
    return length;
}

/* The end of the bracket that opens at `open`; NULL: none. */
static const char *closing(const char *open)
{
    int depth = 0;
    for (const char *at = open; *at; at++) {
        bool arrow = *at == '>' && at > open && at[-1] == '-';
        depth += (*at == '<') - (*at == '>' && !arrow);
        if (depth == 0)
            return at;
    }
    return NULL;
}

/* Each list of template arguments in the name, but not in the types of its arguments. */
static uint64_t add_template_arguments(uint64_t hash, const char *function)
{
    const char *end = function_arguments(function);
    const char *at = end ? function_past_type(function, end) : function;
    for (end = end ? end : at + strlen(at); at < end; at++) {
        const char *close = *at == '<' ? closing(at) : NULL;
        if (!close)
            continue;
        hash = hash_add(hash, at + 1, without_defaults(at + 1, (size_t)(close - at) - 1));
        at = close;
    }
    return hash;
}

/* The user called a function of the runtime, as std::thread::thread<app::Job>: the frame before the first
 * user frame. */
static uint64_t add_called(uint64_t hash, const struct leak_group *group)
{
    if (!group->user_frame || group->user_frame == group->stack)
        return hash;
    const struct frame *called = group->user_frame - 1;
    return called->runtime && called->function ? add_template_arguments(hash, called->function) : hash;
}

/* The start routine of a runtime is the same for all threads. */
static uint64_t add_start(uint64_t hash, const struct frame *start)
{
    return start && !start->runtime ? fingerprint_add_frame(hash, start) : hash;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Recursion counts once: its depth depends on data. */
static uint64_t add_lines(uint64_t hash, const struct leak_group *group)
{
    const struct frame *last = NULL;
    for (size_t i = 0; i < group->stack_count; i++) {
        const struct frame *frame = &group->stack[i];
        bool again = last && is_same_function(last, frame);
        last = frame;
        if (again || frame->runtime || !frame->file || frame->line <= 0)
            continue;
        hash = hash_add(hash, frame->file, strlen(frame->file));
        hash = hash_add(hash, (const char *)&frame->line, sizeof(frame->line));
    }
    return hash;
}

void group_set_fingerprints(struct leak_group *group)
{
    uint64_t kind = add_kind(HASH_EMPTY, group->kind), hash = add_stack(kind, group, true);
    snprintf(group->old_fingerprint, sizeof(group->old_fingerprint), "%016llx", (unsigned long long)hash);
    hash = add_start(add_called(add_stack(kind, group, false), group), group->start_routine);
    snprintf(group->fingerprint, sizeof(group->fingerprint), "%016llx", (unsigned long long)hash);
    group->place = add_lines(hash, group);
}
