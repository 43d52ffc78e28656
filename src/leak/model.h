/*
 * The model of a report: the processes, their threads grouped by kind and creation site, and what counts as
 * a leak.  leak/build.h fills it in; report/ prints it.
 *
 * The report does not own all that it points to (frames, strings, rules). The symbolizer and the rules must
 * outlive it.
 */
#ifndef THREADLEAK_LEAK_MODEL_H
#define THREADLEAK_LEAK_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/ledger.h"
#include "find/find.h"
#include "leak/site_counts.h"
#include "stacks/stacks.h"
#include "symbolize/symbolize.h"

struct suppressions; /* suppress.h */
struct suppression_rule;

enum leak_kind { LEAK_RUNNING, LEAK_DETACHED, LEAK_UNJOINED, LEAK_KINDS }; /* the order of KIND_* */
const char *leak_kind_name(enum leak_kind kind);                           /* "running" … */
unsigned leak_kind_bit(enum leak_kind kind);                               /* KIND_* of ledger.h */

enum end_how { END_EXIT, END__EXIT, END_QUICK_EXIT, END_EXEC, END_SIGNAL, END_ALIVE, END_HOWS };
const char *end_how_name(enum end_how how); /* "exit" … */

struct thread_info {
    uint64_t id;                        /* the T-number: serial in its process */
    pid_t tid;                          /* 0: unknown */
    char name[16];                      /* "": unknown */
    uint64_t created_by;                /* 0: unknown */
    double age_s;                       /* since creation; < 0: unknown */
    double ended_s;                     /* unjoined: since its end; < 0: unknown or alive */
    double cpu_s;                       /* < 0: unknown */
    char state;                         /* 0: unknown */
    bool being_joined;                  /* another thread was inside a join of it */
    const struct thread_stack *current; /* its current stack; NULL: not taken */
    const char *fault;                  /* "SIGSEGV": taken after the end of the process began; NULL: none */
    const struct frame *fault_at;       /* NULL: unknown */
    const struct kept_handle *handle;   /* whether a thread can join it; NULL: unknown, or it is detached */
    char *test;                         /* test in which it was created; NULL: not known */
};

struct leak_group {
    enum leak_kind kind;
    size_t site;               /* number in its process: groups of one creation site have the same */
    bool first_of_site;        /* no group of the same site precedes it */
    bool counted;              /* counted in summary.leaked_threads */
    const char *suppressed_by; /* the rule's label, the program's reason, or NULL */
    const struct suppression_rule *rule; /* that rule, from the user or the program; NULL: none */
    char *ignored;                       /* "program: REASON" if the program ignores it; else NULL */
    bool listed;                         /* a check of the program has listed all its threads */
    bool in_baseline;                    /* suppressed by a baseline */
    uint64_t known;                      /* number of threads in a baseline with this fingerprint; 0: none */
    uint64_t known_sites;                /* number of their sites there; 0: not known */
    const char *reason;                  /* of the entry in the baseline, which owns it; NULL: none */
    char fingerprint[17];                /* hex; equal across runs and rebuilds (fingerprint.h) */
    char old_fingerprint[17];            /* as baselines of version 0.1 have it */
    uint64_t place;                      /* equal for one fingerprint and the same lines of its callers */
    const struct frame *start_routine;   /* NULL: unknown */
    struct frame *stack;                 /* creation stack, leaf first, inlined frames included */
    size_t stack_count;
    bool truncated;                 /* the stack is known to be incomplete */
    bool rule_deeper;               /* a rule that did not match may match missing frames */
    const struct frame *user_frame; /* first user frame; NULL: none */
    const char *test;               /* of all its threads; NULL: not known, or they differ */
    /* The most serious one that names a thread of it, unless it is a note or suppressed; NULL: none. Set by
     * report_finish. */
    const struct finding *finding;
    const struct frame *joined_at; /* where most threads of this site were joined; NULL: never or unknown */
    uint64_t site_joined, site_created;
    /* Another thread was inside a join of a thread that was created there (same_creation). */
    bool site_joining;
    uint64_t joined_there;       /* of site_joined: at joined_at */
    struct thread_info *threads; /* by id */
    size_t thread_count;
    struct {
        uint64_t count, first, latest; /* numbers of runs that leaked it; 0: there is only one run (runs.h) */
    } runs;
};

/* Frees what a group holds, not the struct itself. */
void leak_group_release(struct leak_group *group);

/* The frame that names the creator of the threads: the first user frame, else the leaf; NULL: none. */
const struct frame *creator_frame(const struct leak_group *group);

/* Threads with different start routines are of different sites, also if one line creates them: then this is
 * true of their groups. Both are of one process. */
bool same_creation(const struct leak_group *a, const struct leak_group *b);

/* Creations that failed with one error, at one site. */
struct failed_creation {
    const char *error; /* "EAGAIN" */
    uint64_t count;
    struct leak_group place; /* only stack, user_frame, truncated and start_routine; it has no threads */
    uint64_t key;            /* of the site */
    bool latest;             /* the latest one of the process is among them. Only then: */
    uint64_t created_by;     /* 0: unknown */
    uint64_t threads;        /* tasks of the process then; 0: unknown */
    uint64_t unjoined;       /* of its tracked threads then */
    double ago_s;            /* < 0: unknown */
};

/* The call of abort() that ended a process. */
struct abort_info {
    enum ledger_abort_call call; /* ABORT_NONE: it did not abort, or that was not seen */
    uint64_t by;                 /* T-number; 0: unknown */
    pid_t tid;                   /* of that thread */
    const struct frame *at;      /* code of the user on its stack, or the call; NULL: unknown */
};

/* The thread whose fault ended a process, from a core file. */
struct crash_info {
    const char *signal;     /* "SIGSEGV"; NULL: there was no fault, or that is not known */
    uint64_t by;            /* T-number; 0: unknown */
    pid_t tid;              /* of that thread */
    const struct frame *at; /* code of the user on its stack; NULL: unknown */
};

/* The fork that began a process. */
struct fork_info {
    pid_t parent;           /* 0: the process began otherwise, or the fork was not seen */
    uint64_t by;            /* T-number of the parent's thread that called fork; 0: unknown */
    const struct frame *at; /* where it did; NULL: unknown */
    /* T-numbers of the parent's other threads, which do not exist in this process. */
    uint64_t missing[LEDGER_MISSING_MAX];
    size_t missing_count; /* can be above LEDGER_MISSING_MAX, then only that many are listed */
};

/* The life of a thread. Times are seconds after the process began. */
struct thread_life {
    uint64_t id;      /* 0: untracked */
    pid_t tid;        /* 0: unknown */
    double created_s; /* < 0: unknown */
    double ended_s;   /* < 0: it is alive, or unknown */
    double joined_s;  /* < 0: it was not joined, or unknown */
    bool ended, detached, joined;
    bool released;             /* joined or detached, though no hook saw that */
    char name[16];             /* "": unknown */
    const struct frame *start; /* its start routine; NULL: unknown */
};

struct process_report {
    pid_t pid, parent_pid;
    char *exe;          /* NULL unknown */
    char **argv;        /* one block; NULL unknown */
    char *test;         /* the test that it ran, as its framework names it; NULL: not known */
    unsigned kinds;     /* KIND_* that count */
    unsigned judges;    /* JUDGE_* of ends at which they count */
    bool other_options; /* kinds and judges differ from the user's options */
    enum end_how how;
    bool judged;
    bool status_known;
    int status;   /* exit status if it exited */
    int signal;   /* 0: none or unknown */
    bool live;    /* was alive when it was read */
    bool stopped; /* by a signal, so that no thread runs until SIGCONT; only of a live process */
    bool core;    /* read from a core file */
    bool watched; /* false: creations are unknown, so all threads except the main thread are untracked */
    bool ledger_is_missing; /* not watched as above, because the core file does not contain its ledger */
    uint64_t started_wall_ns;
    struct fork_info fork;
    struct abort_info abort;
    struct crash_info crash;
    struct {
        uint64_t created, joined, detached, alive, unjoined, peak, untracked, lost;
        uint64_t lost_places; /* creations that are recorded, but not where */
        uint64_t failed;      /* creations that failed; `created` is without them */
        uint64_t released;    /* joined or detached, though no hook saw that */
        uint64_t lost_tests;  /* tests whose name did not fit */
    } counts; /* lost: creations without a record; alive: tracked threads alive now, joinable or detached */
    bool no_room;              /* they are lost because the ledger could not grow, not because it was full */
    struct leak_group *groups; /* counted first, then by kind, then by thread count */
    size_t group_count;
    /* All creation sites, also those without leaks; no item if verdict_rules.all_sites was not set. */
    struct site_counts sites;
    struct site_table *site_table;  /* owns their places */
    struct failed_creation *failed; /* in the order of their sites in the ledger */
    size_t failed_count;
    struct thread_info *main;      /* of a live process; NULL: not known */
    struct thread_info *untracked; /* id 0 */
    size_t untracked_count;
    struct measures *measures; /* NULL: not known, or not asked for (evidence_measure) */
    struct findings findings;
    /* Of tracked threads whose records are still there, and untracked ones; by id. */
    struct thread_life *lives;
    size_t life_count;
    double moment_s;                    /* the moment of the report, after the process began; < 0: unknown */
    struct stacks *stacks;              /* owns the stacks of the threads' `current`; NULL: not taken */
    struct suppressions *program_rules; /* that the program registered; NULL: none */
    char **not_seen; /* sentences about threads that could not be seen, NULL-terminated; NULL: none */
    char **replaced; /* paths of programs and libraries that were replaced since the process began to use
                      * them, NULL-terminated; NULL: none is known */
    char *program_rules_error; /* why these rules are invalid (suppressions_load_text); NULL: valid */
    bool checked;              /* checked by the program itself, while it runs */
    uint64_t since;            /* checked: only threads after this serial; 0: all */
};

/* Frees what one process holds, not the struct itself. */
void process_report_release(struct process_report *process);
/* Orders the groups after `counted` was changed. */
void process_report_sort(struct process_report *process);
/* The command: argv[0], else the executable, also if argv[0] is /proc/self/exe; "?": unknown. */
const char *command_name(const struct process_report *process);

/* A rule that matched, with the number of threads and findings that it suppressed. */
struct used_rule {
    const struct suppression_rule *rule;
    uint64_t threads, findings;
};

/* Why a program was not watched. */
enum unwatched_why {
    UNWATCHED_NOT, /* it was watched, or no reason is known */
    UNWATCHED_STATIC,
    UNWATCHED_SETUID,
    UNWATCHED_SETGID,
    UNWATCHED_CAPABILITIES,
    UNWATCHED_ARCHITECTURE,
    UNWATCHED_LIBC,
    UNWATCHED_ENVIRONMENT, /* started without LD_PRELOAD */
    UNWATCHED_NO_ROOM,     /* no room for its ledger in the directory of the run */
    UNWATCHED_FILE_SIZE,   /* RLIMIT_FSIZE is below the size of a ledger */
    UNWATCHED_MEMORY,      /* RLIMIT_AS leaves no memory for a ledger */
    UNWATCHED_EXEC,        /* its process called exec, and the new program is not known */
    UNWATCHED_UNKNOWN,
    UNWATCHED_REASONS
};
const char *unwatched_why_name(enum unwatched_why why); /* for machines: "static"; NULL for UNWATCHED_NOT */
const char *unwatched_why_text(enum unwatched_why why); /* for people: "another C library" */

/* A program of a run that has no ledger. */
struct unwatched {
    pid_t pid;
    char *name; /* argument of exec */
    char *exe;  /* absolute if that is known */
    enum unwatched_why why;
};
void unwatched_free(struct unwatched *items, size_t count);

struct counted_process {
    pid_t pid;
    bool ended; /* a later program with this pid belongs to another process */
};

struct report {
    char **argv;                      /* the command that was run; NULL: unknown */
    struct process_report *processes; /* in the order they began; only those with something to report */
    size_t process_count;
    struct counted_process *counted; /* number of processes for the summary; a reused pid counts again */
    double timed_out_s;              /* time limit that ended the run; 0: it did not time out */
    struct unwatched *unwatched;
    size_t unwatched_count;
    struct used_rule *used_rules; /* in the order of their first thread; set by report_finish */
    size_t used_rule_count;
    struct report_runs {
        uint64_t count, leaked; /* of a command that was run several times (runs.h); count 0: only once */
        uint64_t shake;         /* seed of the first run; 0: no pauses were added */
    } runs;
    struct {
        uint64_t processes; /* all watched ones, and unwatched ones that were read */
        uint64_t leaked_threads, leak_sites, suppressed_threads;
        uint64_t failing_findings; /* that have `fails` set */
        uint64_t crashed;          /* processes that called abort(), or died by a signal and have a verdict */
    } summary;
};

struct report *report_new(void); /* NULL: out of memory */
void report_free(struct report *report);

#endif
