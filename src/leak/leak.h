/*
 * The model of a report: what is left of each process, by kind and creation
 * site, with the verdict.  Built from ledgers and /proc; printed by report_*.c.
 *
 * Everything a report points to (frames, strings, rules) is owned by the report, by
 * the symbolizer or by the rules it was built with, which must outlive it.
 */
#ifndef THREADLEAK_LEAK_LEAK_H
#define THREADLEAK_LEAK_LEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ledger/ledger.h"
#include "stacks/stacks.h"
#include "symbolize/symbolize.h"

struct suppressions; /* ignore.h */
struct suppression_rule;

enum leak_kind { LEAK_RUNNING, LEAK_DETACHED, LEAK_UNJOINED, LEAK_KINDS };
const char *leak_kind_name(enum leak_kind kind); /* "running" … */
unsigned leak_kind_bit(enum leak_kind kind);     /* KIND_* of options.h */

enum end_how { END_EXIT, END__EXIT, END_QUICK_EXIT, END_EXEC, END_SIGNAL, END_ALIVE };
const char *end_how_name(enum end_how how);

struct thread_info {
    uint64_t id;                        /* the T-number: serial in its process */
    pid_t tid;                          /* 0: unknown */
    char name[16];                      /* "" unknown */
    uint64_t created_by;                /* 0: unknown */
    double age_s;                       /* since creation; < 0: unknown */
    double ended_s;                     /* unjoined: since its end; < 0: unknown or alive */
    double cpu_s;                       /* < 0: unknown */
    char state;                         /* 0: unknown */
    bool being_joined;                  /* somebody was inside a join of it */
    const struct thread_stack *current; /* where it is now; NULL: not looked at */
};

struct leak_group {
    enum leak_kind kind;
    size_t site;                         /* number in its process: groups of one site have the same */
    bool first_of_site;                  /* no group of the same site stands before it */
    bool counted;                        /* in summary.leaked_threads */
    const char *suppressed_by;           /* the rule's label, what the program said, or NULL */
    const struct suppression_rule *rule; /* that rule; the verdict's, or the process's own; NULL: by none */
    char *ignored;                       /* "program: REASON", where the program said so; else NULL */
    bool in_baseline;                    /* suppressed, since a baseline holds it */
    uint64_t known;                      /* threads of this fingerprint that a baseline has; 0: none */
    char fingerprint[17];                /* hex; the same for the same code, across runs and rebuilds */
    const struct frame *start_routine;   /* NULL: unknown, or not the same for all */
    struct frame *stack;                 /* creation stack, leaf first, inlined frames included */
    size_t stack_count;
    bool truncated;                /* the stack is known to be incomplete */
    bool rule_deeper;              /* and a rule that did not match may match what is not known of it */
    const struct frame *own;       /* first frame that is the user's own; NULL: none */
    char *test;                    /* that it was created in, by its stack: test_of.h; NULL: not known */
    const struct frame *joined_at; /* where threads of this site get joined; NULL: never or unknown */
    uint64_t site_joined, site_created;
    struct thread_info *threads; /* by id */
    size_t thread_count;
};

struct process_report {
    pid_t pid, parent_pid;
    char *exe;        /* NULL unknown */
    char **argv;      /* NULL unknown */
    char *test;       /* the test that it ran, as its framework names it; NULL: not known */
    unsigned kinds;   /* KIND_* that count, and */
    unsigned judges;  /* JUDGE_* of ends that do */
    bool own_options; /* which are not those that the whole was asked for */
    enum end_how how;
    bool judged;
    bool status_known;
    int status;   /* exit status, when it exited */
    int signal;   /* 0: none or unknown */
    bool live;    /* was alive when looked at */
    bool core;    /* that was when its core was written */
    bool watched; /* false: nothing is known of creations; all threads but the main one are untracked */
    uint64_t started_wall_ns;
    struct {
        uint64_t created, joined, detached, alive, unjoined, peak, untracked, lost;
    } counts;                  /* alive: tracked threads alive now, joinable or detached */
    struct leak_group *groups; /* counted first, then by kind, then by thread count */
    size_t group_count;
    struct thread_info *main;      /* of a live process; NULL: not known */
    struct thread_info *untracked; /* id 0 */
    size_t untracked_count;
    struct stacks *current;         /* what the threads' `present` are part of; NULL: not looked at */
    struct suppressions *own_rules; /* what the program brings in its memory; NULL: none */
    char *own_rules_wrong; /* why they were not read, as suppressions_load_text tells; NULL: they were */
    bool checked;          /* by the program itself, while it runs */
    uint64_t since;        /* checked: created after this one; 0: from the beginning */
};

/* The command as its user knows it: argv[0], else the executable; "?" unknown. */
const char *command_name(const struct process_report *process);

/* A rule that matched, with the threads that it is the reason for. */
struct used_rule {
    const struct suppression_rule *rule;
    uint64_t threads;
};

/* A child of a run that no ledger came of. */
struct unwatched {
    pid_t pid;
    char *name;      /* as exec was given it */
    char *exe;       /* absolute where that could be found out */
    const char *why; /* one of those of watchable_why_not(), or "environment": without LD_PRELOAD; static */
};
void unwatched_free(struct unwatched *items, size_t count);

struct counted_process {
    pid_t pid;
    bool ended; /* so that what comes of this pid is another process, and not the next program of this one */
};

struct report {
    char **argv;                      /* the command that was run; NULL: unknown */
    struct process_report *processes; /* in the order they began; those that created a thread, or of which
                                         something is to be said */
    size_t process_count;
    struct counted_process *counted; /* those of summary.processes, a pid again after it has ended */
    double timed_out_s;              /* of a run that was ended after that long; 0: it was not */
    struct unwatched *unwatched;
    size_t unwatched_count;
    struct used_rule *used_rules; /* in the order of their first thread; by report_finish */
    size_t used_rule_count;
    struct {
        uint64_t processes; /* all that were watched, and those that were looked at without that */
        uint64_t leaked_threads, leak_sites, suppressed_threads;
    } summary;
};

/* How ledgers become verdicts. */
struct verdict_rules {
    unsigned kinds;                          /* KIND_* that count */
    bool judge_live;                         /* treat a live process as if it ended now (report --check) */
    unsigned judge;                          /* JUDGE_* for ends without the shim's own word (signal) */
    unsigned judge_seen;                     /* and those that it went by for the others: told of, no more */
    bool own_options;                        /* these are the process's own, and others were asked for */
    const struct suppressions *suppressions; /* NULL: none */
    struct symbolizer *symbolizer;
    /* A check that the program itself asked for: */
    bool check;
    uint64_t since;  /* threads up to this one are left out */
    uint64_t caller; /* and this one; 0: none */
};

struct report *report_new(void);
void report_free(struct report *report);
/* What one process holds, not the struct itself. */
void process_report_release(struct process_report *process);

/* What the caller knows of the end of a process when its ledger does not. */
struct known_end {
    bool alive;             /* its writer still runs: look at /proc as well */
    pid_t pid;              /* as we see it; 0: as the ledger says */
    bool known;             /* how it ended is known from wait(2) */
    int wait_status;        /* of waitpid, valid when known */
    bool wanted;            /* part of the report even if it created no thread */
    bool core;              /* all is from a core file: nothing of /proc is true of it */
    struct stacks *current; /* where its threads are, given over to the report; or NULL */
};

/* Adds one process.  A process that created no thread is only counted.  False
 * and an error when out of memory. */
bool report_add_ledger(struct report *report, const struct ledger *ledger, const struct known_end *end,
                       const struct verdict_rules *rules, struct error *error);

/* Adds a live process that is not watched: its threads, and where they are (given
 * over to the report; may be NULL).  False and an error when it has gone, or out of memory. */
bool report_add_unwatched(struct report *report, pid_t pid, struct stacks *current, struct error *error);

struct core_file; /* core_file.h */
/* The same of a core file. */
bool report_add_core(struct report *report, const struct core_file *core, struct stacks *current,
                     struct error *error);

/* In the order that struct process_report tells, after `counted` was changed. */
void process_report_sort(struct process_report *process);

/* Sums up; call once after the last report_add_*.  Without memory used_rules is empty. */
void report_finish(struct report *report);

#endif
