/*
 * The threads of a process that a report of stacks contains: of every group, the main thread, and untracked
 * ones. Formats that merge or count threads use it; text and json go through the groups.
 */
#ifndef THREADLEAK_REPORT_COMMON_MEMBERS_H
#define THREADLEAK_REPORT_COMMON_MEMBERS_H

#include "leak/model.h"
#include "report/common/format.h"

enum member_kind { MEMBER_OF_GROUP, MEMBER_MAIN, MEMBER_UNTRACKED };

struct member {
    const struct thread_info *thread;
    const struct leak_group *group; /* NULL: not MEMBER_OF_GROUP */
    enum member_kind kind;
};
/* "running", "detached", "unjoined", "main", "untracked" */
const char *member_kind_name(const struct member *member);

struct members {
    struct member *items; /* in the order of the groups, then main, then untracked threads */
    size_t count;
    size_t hidden; /* threads of suppressed groups that are left out */
};

/*
 * Where leaks are judged, groups that do not count are left out unless style->all. The main thread and
 * untracked ones are there if style->others or style->all. False: out of memory. Free `items` in both cases.
 */
bool members_find(struct members *members, const struct process_report *process,
                  const struct report_style *style);

/* The most serious finding that names the thread, is not suppressed, and is no note; NULL: none. */
const struct finding *member_finding(const struct member *member, const struct findings *findings);

/* All frames of its current stack, leaf first; or of its creation with style->by_creation, or if it has no
 * current stack, as an ended thread. *count 0: not known. */
const struct frame *member_stack(const struct member *member, const struct report_style *style,
                                 size_t *count);
/* Are these the frames of its creation? */
bool member_is_by_creation(const struct member *member, const struct report_style *style);

/*
 * Those by which a report shows where the thread is, the outermost first: frames of the user, and the
 * function that the user called, unless the wait says it; with style->verbose > 0 those of runtimes too.
 * NULL: out of memory. The caller frees the array.
 */
const struct frame **member_frames(const struct member *member, const struct report_style *style,
                                   size_t *count);
/* A new stack below the same callers: do both have the same function, or without one the same address? */
int compare_functions(const struct frame *a, const struct frame *b);
/* Do threads with the same innermost frame do the same? Their waits, and what is known instead of these. */
int compare_waits(const struct thread_info *a, const struct thread_info *b);
/* Do threads whose waits are equal wait for one object, each for its own, or several for some? By their texts
 * `wait.what`, any of which may be NULL. Sorts them. */
enum objects { OBJECTS_ONE, OBJECTS_OWN, OBJECTS_SEVERAL };
enum objects compare_awaited(const char **whats, size_t count);

#endif
