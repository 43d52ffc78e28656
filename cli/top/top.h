/* What `threadleak top` shows of a process: one row for each creation site. Private to cli/top. */
#ifndef THREADLEAK_CLI_TOP_TOP_H
#define THREADLEAK_CLI_TOP_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "evidence/sample.h"
#include "leak/model.h"
#include "leak/site_counts.h"
#include "wait/brief.h"

enum { TOP_WAITS = 96 /* bytes of the text about waits */ };

struct top_thread {
    pid_t tid;
    uint64_t id; /* T-number; 0: untracked */
    char name[16];
    char state;
    double cpu_s, cpu_percent; /* < 0: unknown */
    char wait[WAIT_BRIEF];     /* "futex", "read of pipe" …; "": it runs, or unknown */
    size_t site;               /* index of a row; TOP_NO_SITE: none */
};
#define TOP_NO_SITE SIZE_MAX

struct top_row {
    const struct leak_group *place; /* as in struct site_count */
    uint64_t alive, unjoined, created;
    double per_min;        /* rise of alive and unjoined; < 0 if it falls; NAN: not known yet */
    double oldest_s;       /* < 0: unknown */
    double cpu_percent;    /* of all its threads; < 0: unknown */
    char waits[TOP_WAITS]; /* "12 futex, 1 epoll" */
};

struct top {
    pid_t pid;
    struct sampler *sampler;
    struct symbolizer *symbolizer;
    struct site_table *table;
    unsigned program;
    char name[16];
    bool watched, attached;
    uint64_t now_ns, tasks, untracked;
    struct site_threads total;
    double per_min;
    struct top_row *rows; /* of all sites with threads */
    size_t row_count;
    struct top_thread *threads;      /* by ascending tid */
    const struct top_thread **by_id; /* the same, as a page shows them: by T-number, then by tid */
    size_t thread_count;
    uint64_t threads_ns;         /* when they were read */
    struct top_history *history; /* of each site; the last one is of all */
    size_t history_count;
};

enum top_end {
    TOP_QUIT, /* by the user, or after the number of samples that was asked for */
    TOP_GONE, /* the process has ended */
    TOP_FAILED
};

/* NULL with an error: no such process, or out of memory. The caller closes it. */
struct top *top_open(pid_t pid, struct error *error);
void top_close(struct top *top);
/* Reads it again. Nothing is stopped. */
enum sample_status top_read(struct top *top, struct error *error);

/* ---- rows ---- */

enum top_order { TOP_BY_ALIVE, TOP_BY_RISE, TOP_BY_UNJOINED, TOP_BY_AGE, TOP_BY_CPU, TOP_ORDERS };
/* "alive", "+/min", ...: a constant. */
const char *top_order_name(enum top_order order);
/* Sorts top->rows, the highest value first. Pointers to rows are not valid afterwards. */
void top_sort(struct top *top, enum top_order order);
/* Does a row contain this text in its function, file or start routine? NULL or "": any. */
bool top_row_matches(const struct top_row *row, const char *text);

/* ---- lines: each writes at most `width` columns of printable characters ---- */

/* "threadleak top: server (pid 4242)" */
void top_title(const struct top *top, char *line, size_t width);
/* Drops items at the end of a text, which two blanks separate, until at most `width` bytes are left. */
void top_drop_items(char *text, size_t width);
/* The line with all counts of the process. Items that do not fit are left out. */
void top_counts(const struct top *top, char *line, size_t width);
/* The names of the columns. */
void top_columns(char *line, size_t width);
/* A row: one creation site. */
void top_line(const struct top_row *row, char *line, size_t width);
/* The page of a site: its creation stack, then its threads. NULL: no more. */
const char *top_page_line(const struct top *top, const struct top_row *row, size_t number, char *line,
                          size_t width);

/* ---- threads ---- */

/* Reads the tasks, and sets cpu_percent and waits of the rows. */
void top_read_threads(struct top *top, const struct sample *sample);

#endif
