/* A made-up report in each format, compared with tests/golden/format_REPORT.FORMAT.
 * UPDATE=1 in the environment writes the goldens anew. */
#ifndef FORMATS_MADE_H
#define FORMATS_MADE_H

#include <limits.h>

#include "report/report.h"

/* What a program may call its things to break a document: no UTF-8, control characters, both ends
 * of a CDATA section, commands of runners, directives and escapes of each format. */
#define HOSTILE                                                                         \
    "a\033[1m\a\x7f\xff\xc0\xaf\xed\xa0\x80 ]]><![CDATA[ </pre></failure> & \"'\\ `|` " \
    "$(x)\n::error::x%0A\r\n"                                                           \
    "# SKIP\n...\n1..0\n\xc2\x9b\xe2\x80\xa8\xef\xbf\xbe\xef\xbf\xbf\xef\xbb\xbf\xf0\x9f\x98\x80,:%25"

extern char made_pool_c[PATH_MAX]; /* a source below the working directory */
struct frame made_frame(const char *function, const char *file, int line);

/* Before each test: one process that leaked and had something suppressed, the same again, a test that is
 * fine, and one that is not judged. */
extern struct report made_report;
extern char *made_command[];
extern struct process_report made_processes[4];
extern struct unwatched made_child[1];
/* Of the first process; the threads are those of both groups. */
extern struct leak_group made_groups[2];
extern struct frame made_stack[3], made_waiting_stack[2];
extern struct thread_stack made_current;
extern struct thread_info made_threads[2];
void formats_set_up(void);

/* Make it that of a timeout, with two live processes; call everything HOSTILE. */
void made_timeout(void);
void made_hostile(void);

/* The made-up report; release it. */
char *made_print(const struct report_format *format);
char *made_printed_as(const char *format);

/* Release it. */
char *read_whole(const char *path);
void golden_path(char path[PATH_MAX], const char *name, const char *ending);
/* Fails the test where `got` is not what the golden has.  Releases `got`. */
void compare_format(const char *name, const char *ending, char *got);

#endif
