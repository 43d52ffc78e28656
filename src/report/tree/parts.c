#include "report/tree/parts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/path.h"
#include "base/text.h"
#include "common/ledger.h"
#include "report/common/phrases.h"

/* ---- waits -------------------------------------------------------------------------------- */

#define MIN_IDLE_S 1 /* shorter waits are not printed */

static void put_idle(FILE *out, const struct tree_range *range)
{
    double low = 0, high = -1;
    char text[96];
    for (size_t i = 0; i < range->count; i++) {
        double idle = range->entries[i].member.thread->current->idle_s;
        low = i == 0 || idle < low ? idle : low;
        high = idle > high ? idle : high;
    }
    if (low < MIN_IDLE_S)
        return;
    format_range(text, sizeof(text), low, high);
    fprintf(out, ", for at least %s", text);
}

/* Each sleeps for itself. */
static enum objects awaited(const struct tree_range *range)
{
    const char **whats = calloc(range->count, sizeof(*whats));
    if (!whats || range->entries[0].member.thread->current->wait.on == WAIT_SLEEP) {
        free(whats);
        return OBJECTS_ONE;
    }
    for (size_t i = 0; i < range->count; i++)
        whats[i] = range->entries[i].member.thread->current->wait.what;
    enum objects objects = compare_awaited(whats, range->count);
    free(whats);
    return objects;
}

/* Addresses and the mutex of a condition variable are in the other formats. "condvar wait on 0x5558 on the
 * heap, no timeout (mutex 0x5550 on the heap)" becomes "condvar wait on the heap, no timeout". */
static void leave_out_addresses(char *text)
{
    char *mutex = strstr(text, " (mutex "), *to = text;
    if (mutex)
        *mutex = '\0';
    for (const char *at = text; *at;) {
        size_t digits = text_begins_with(at, "0x") ? strspn(at + 2, "0123456789abcdef") : 0;
        const char *after = at + 2 + digits;
        if (digits && (text_begins_with(after, " on ") || text_begins_with(after, " in "))) {
            to -= to - text > 4 && !memcmp(to - 4, " on ", 4) ? strlen("on ") : 0;
            at = after + 1;
        } else
            *to++ = *at++;
    }
    *to = '\0';
}

static void put_wait(FILE *out, const struct tree_range *range, bool whole)
{
    const struct thread_stack *current = range->entries[0].member.thread->current;
    char *text = strdup(current->wait.text);
    if (text && !whole)
        leave_out_addresses(text);
    put_escaped(out, text ? text : "");
    free(text);
    enum objects objects = awaited(range);
    if (objects != OBJECTS_ONE)
        fputs(objects == OBJECTS_OWN ? ", each its own" : ", not all the same", out);
    put_idle(out, range);
}

char *tree_wait(const struct printer *printer, const struct tree_range *range)
{
    const struct thread_info *thread = range->entries[0].member.thread;
    const struct thread_stack *current = thread->current;
    struct text_buffer text;
    if (!text_open(&text))
        return NULL;
    if (thread->fault)
        fprintf(text.out, "took %s after the end began", thread->fault);
    else if (current && current->wait.on != WAIT_NONE && current->wait.text)
        put_wait(text.out, range, is_verbose(printer));
    else if (current && current->wait.running)
        fputs("now running", text.out);
    else if (current && !current->stack && current->why_none)
        fprintf(text.out, "stack not taken: %s %s", range->count > 1 ? "each" : "it", current->why_none);
    return text_close(&text);
}

/* ---- threads ------------------------------------------------------------------------------ */

#define RUNS_SHOWN 3 /* of numbers: T3-T151, T200, T300 and 4 more; one if these do not fit */

/* The T-number of a thread, or its tid if it has none. */
static uint64_t number_of(const struct tree_range *range, size_t index)
{
    const struct thread_info *thread = range->entries[index].member.thread;
    return thread->id ? thread->id : (uint64_t)thread->tid;
}

static bool is_next(const struct tree_range *range, size_t index)
{
    const struct member *a = &range->entries[index - 1].member, *b = &range->entries[index].member;
    return a->group == b->group && a->kind == b->kind && !a->thread->id == !b->thread->id &&
           number_of(range, index) == number_of(range, index - 1) + 1;
}

/* How many threads from this entry on have numbers that follow each other. */
static size_t run_of_numbers(const struct tree_range *range, size_t from)
{
    size_t end = from + 1;
    while (end < range->count && is_next(range, end))
        end++;
    return end - from;
}

/* "T3", "T1 (main)", "tid 4245" */
static void put_number(FILE *out, const struct tree_range *range, size_t index)
{
    const struct member *member = &range->entries[index].member;
    bool is_main = member->kind == MEMBER_MAIN;
    unsigned long long number = is_main ? LEDGER_MAIN_SERIAL : number_of(range, index);
    fprintf(out, is_main || member->thread->id ? "T%llu" : "tid %llu", number);
    fputs(is_main ? " (main)" : "", out);
}

static void put_numbers(FILE *out, const struct tree_range *range, size_t max)
{
    size_t at = 0, runs = 0;
    for (; at < range->count && runs < max; runs++) {
        size_t length = run_of_numbers(range, at);
        bool is_tid = !range->entries[at].member.thread->id;
        fputs(at ? ", " : "", out);
        put_number(out, range, at);
        if (length > 1)
            fprintf(out,
                    is_tid       ? "-%s%llu"
                    : length > 2 ? "-%s%llu"
                                 : ", %s%llu",
                    is_tid ? "" : "T", (unsigned long long)number_of(range, at + length - 1));
        at += length;
    }
    if (at < range->count)
        fprintf(out, " and %zu more", range->count - at);
}

/* The number of first characters that all names have. */
static size_t common_start(const struct tree_range *range)
{
    const char *first = range->entries[0].member.thread->name;
    size_t length = strlen(first);
    for (size_t i = 1; i < range->count; i++) {
        const char *name = range->entries[i].member.thread->name;
        size_t same = 0;
        while (same < length && name[same] == first[same])
            same++;
        length = same;
    }
    while (length && ((unsigned char)first[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* ` "pool-*"`; nothing for names that the threads did not get from the program. */
static void put_names(FILE *out, const struct printer *printer, const struct tree_range *range)
{
    const char *first = range->entries[0].member.thread->name;
    size_t length = common_start(range);
    bool same = true;
    for (size_t i = 1; i < range->count; i++)
        same &= strcmp(range->entries[i].member.thread->name, first) == 0;
    if (length < 2 || (same && is_process_name(printer, first)))
        return;
    char *name = strndup(first, length);
    fputs(" \"", out);
    put_escaped(out, name ? name : "");
    fputs(same ? "\"" : "*\"", out);
    free(name);
}

/* How much of the creation site there is. */
enum site_text { SITE_FULL, SITE_SHORT, SITE_PLACE, SITE_NONE, SITE_NONE_FEW };

/* "by pool_start (pool.c:42)", "by pool_start:42" */
static void put_site(FILE *out, const struct frame *frame, const char *file, enum site_text how)
{
    char name[TREE_NO_LIMIT], place[PATH_MAX + 16];
    tree_function(name, sizeof(name), frame, how == SITE_FULL ? TREE_NAME : TREE_NAME_SHORT);
    format_place(place, sizeof(place), frame, false);
    bool is_same_file = file && frame->file && !strcmp(file, frame->file) && frame->line > 0;
    const char *shown = how == SITE_FULL ? place : path_basename(place);
    fputs(", by ", out);
    if (how == SITE_PLACE && *shown) {
        put_escaped(out, shown);
        return;
    }
    put_escaped(out, name);
    if (is_same_file)
        fprintf(out, ":%d", frame->line);
    else if (*shown) {
        fputs(" (", out);
        put_escaped(out, shown);
        putc(')', out);
    }
}

static void put_kind(FILE *out, const struct printer *printer, const struct member *member)
{
    bool is_untracked = member->kind == MEMBER_UNTRACKED;
    if (!member->group)
        fputs(is_untracked && printer->process->watched ? ", untracked" : "", out);
    else if (member->group->kind != LEAK_RUNNING)
        fprintf(out, ", %s", leak_kind_name(member->group->kind));
}

/* ", ended 3.2 s ago" */
static void put_ended(FILE *out, const struct tree_range *range)
{
    double low = -1, high = -1;
    char text[96];
    for (size_t i = 0; i < range->count; i++) {
        double ended = range->entries[i].member.thread->ended_s;
        low = i == 0 || ended < low ? ended : low;
        high = ended > high ? ended : high;
    }
    if (low < 0)
        return;
    format_range(text, sizeof(text), low, high);
    fprintf(out, ", ended %s ago", text);
}

static char *threads_with(const struct printer *printer, const struct tree_range *range, const char *file,
                          enum site_text how)
{
    const struct member *member = &range->entries[0].member;
    const struct frame *creator = member->group ? creator_frame(member->group) : NULL;
    struct text_buffer text;
    if (!text_open(&text))
        return NULL;
    put_numbers(text.out, range, is_verbose(printer) ? SIZE_MAX : how == SITE_NONE_FEW ? 1 : RUNS_SHOWN);
    put_names(text.out, printer, range);
    if (range->count == 1 && member->thread->tid > 0 && member->thread->id && how < SITE_PLACE)
        fprintf(text.out, " tid %d", (int)member->thread->tid);
    put_kind(text.out, printer, member);
    put_ended(text.out, range);
    if (creator && how < SITE_NONE && !member_is_by_creation(member, printer->style))
        put_site(text.out, creator, file, how);
    return text_close(&text);
}

char *tree_threads(const struct printer *printer, const struct tree_range *range, const char *file,
                   size_t width)
{
    for (enum site_text how = SITE_FULL;; how++) {
        char *text = threads_with(printer, range, file, how);
        if (!text || how == SITE_NONE_FEW || escaped_width(text) <= width)
            return text;
        free(text);
    }
}

char *tree_first_thread(const struct tree_range *range)
{
    struct text_buffer text;
    if (!text_open(&text))
        return NULL;
    const struct member *member = &range->entries[0].member;
    put_number(text.out, range, 0);
    if (*member->thread->name) {
        fputs(" \"", text.out);
        put_escaped(text.out, member->thread->name);
        putc('"', text.out);
    }
    if (range->count > 1)
        fprintf(text.out, " and %zu more", range->count - 1);
    return text_close(&text);
}
