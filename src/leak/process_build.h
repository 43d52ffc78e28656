/* A process that is being added to a report. Private to the files that build it. */
#ifndef THREADLEAK_LEAK_PROCESS_BUILD_H
#define THREADLEAK_LEAK_PROCESS_BUILD_H

#include "leak/build.h"
#include "leak/sites.h"

struct build {
    const struct evidence *evidence;
    const struct ledger_header *header; /* NULL: not watched */
    const struct verdict_rules *rules;
    struct process_report process;
};

/* Sets how the process ended, and whether that end is judged. */
void build_end(struct build *build);
/* Sets who called abort(), where, if that ended the process. Needs the header. */
void build_abort(struct build *build);
void build_crash(struct build *build);
/* Is it a death test, and do the rules not judge those? argv: of the process, or NULL. */
bool is_spared_death_test(const struct build *build, char *const *argv);

/* Counts the process in the summary of the report. */
void report_count_process(struct report *report, const struct build *build);

/* Facts about a live thread from /proc and the current stacks. */
void build_add_task(const struct build *build, const struct task *task, struct thread_info *thread);
/* Groups the threads that are alive or unjoined, and judges the groups. False: out of memory. */
bool build_groups(struct build *build);
/* Adds the lives of the threads that the ledger has records of. False: out of memory. */
bool build_lives(struct build *build);
/* The name that the ledger has of the thread; unchanged if it has none. */
void build_copy_name(char name[16], const struct ledger_slot *slot);
/* Adds the creations that failed. False: out of memory. */
bool build_failures(struct build *build);
/* Adds the threads whose creation the shim did not see. False: out of memory. */
bool build_untracked(struct build *build);

/* Sets the fingerprints of the findings, and which are suppressed. Call it after build_groups. False: out of
 * memory. */
bool build_findings(struct build *build);

/* Suppresses findings of lost handles whose threads are all suppressed. False: out of memory; then not all
 * are. */
bool process_suppress_lost_handles(struct process_report *process);

/* Sets `finding` of the groups, and `in_group` of the findings. Without memory none is set. */
void process_relate_findings(struct process_report *process);

/* A thread that is alive or unjoined, so that it may be a leak. */
struct candidate {
    enum leak_kind kind;
    const struct ledger_slot *slot;
    size_t record;               /* of its site */
    struct creation_stack stack; /* of that record */
    stack_key key;               /* of its site: of that stack and the start routine; set once it is known */
    struct thread_info thread;
    const struct suppression_rule *rule; /* NULL: none */
    bool rule_deeper; /* no rule matched, but one may match the missing part of its stack */
};

/* Sets the rule of each thread that is suppressed, and sorts them. False: out of memory. */
bool apply_rules(const struct build *build, struct candidate *list, size_t count);

/* The threads of all findings, by id. */
struct finding_index {
    struct finding_index_item {
        uint64_t id;
        struct finding *finding;
    } * items;
    size_t count;
};
/* False: out of memory. Free `items` in both cases. */
bool finding_index_make(struct finding_index *index, const struct findings *findings);
/* The first item of this thread; index->count if there is none. */
size_t finding_index_first(const struct finding_index *index, uint64_t id);

#endif
