#include "formats_made.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char made_pool_c[PATH_MAX];

static const struct frame worker = {
    .pc = 0x5500000010f0, .offset = 0x10f0, .module = "/usr/bin/app", .function = "worker_loop"};
struct frame made_stack[3], made_waiting_stack[2];
static struct shared_stack made_waiting = {.frames = made_waiting_stack, .count = 2};
struct thread_stack made_current;
struct thread_info made_threads[2];
struct leak_group made_groups[2];
struct process_report made_processes[4];
struct unwatched made_child[1];
char *made_command[] = {"./app", "-v", NULL};
static char *other_command[] = {"./test_pool", NULL};
struct report made_report;

struct frame made_frame(const char *function, const char *file, int line)
{
    return (struct frame){.pc = 0x550000001234,
                          .offset = 0x1234,
                          .module = "/usr/bin/app",
                          .function = function,
                          .file = file,
                          .line = line};
}

static void set_up_group(struct leak_group *group)
{
    made_stack[0] = made_frame("pool_start", made_pool_c, 42);
    made_stack[1] = made_frame("main", "/src/main.c", 10);
    made_stack[2] =
        (struct frame){.pc = 0x7f0000029d90, .offset = 0x29d90, .module = "/lib/libc.so.6", .runtime = true};
    made_waiting_stack[0] = made_frame("pthread_cond_wait", NULL, 0);
    made_waiting_stack[0].runtime = true;
    made_waiting_stack[1] = made_frame("worker_loop", made_pool_c, 27);
    made_current = (struct thread_stack){.tid = 4245,
                                         .source = STACK_SOURCE_PTRACE,
                                         .stack = &made_waiting,
                                         .idle_s = -1,
                                         .wait = {.on = WAIT_CONDVAR,
                                                  .left_s = -1,
                                                  .fd = -1,
                                                  .what = "condvar wait on jobs_ready",
                                                  .text = "condvar wait on jobs_ready, no timeout"}};
    for (int i = 0; i < 2; i++) {
        made_threads[i] = (struct thread_info){.id = 3 + (uint64_t)i,
                                               .tid = 4245 + i,
                                               .name = "worker",
                                               .created_by = 1,
                                               .age_s = 1.25,
                                               .ended_s = -1,
                                               .cpu_s = -1,
                                               .state = 'S',
                                               .current = &made_current};
    }
    *group = (struct leak_group){.kind = LEAK_RUNNING,
                                 .first_of_site = true,
                                 .counted = true,
                                 .fingerprint = "9f00000000000001",
                                 .start_routine = &worker,
                                 .stack = made_stack,
                                 .stack_count = 3,
                                 .user_frame = &made_stack[0],
                                 .threads = made_threads,
                                 .thread_count = 2};
}

static void find_here(void)
{
    char here[PATH_MAX - 32];
    if (!getcwd(here, sizeof(here)))
        abort();
    snprintf(made_pool_c, sizeof(made_pool_c), "%s/./src/pool.c", here);
}

void formats_set_up(void)
{
    find_here();
    unsetenv("GITHUB_WORKSPACE");
    unsetenv("GITHUB_STEP_SUMMARY");
    set_up_group(&made_groups[0]);
    made_groups[1] = made_groups[0];
    made_groups[1].kind = LEAK_UNJOINED;
    made_groups[1].counted = false;
    made_groups[1].suppressed_by = "thread:pool_start";
    strcpy(made_groups[1].fingerprint, "9f00000000000002");
    for (int i = 0; i < 4; i++)
        made_processes[i] = (struct process_report){.pid = 4242 + i,
                                                    .watched = true,
                                                    .exe = "/usr/bin/app",
                                                    .argv = made_command,
                                                    .how = END_EXIT,
                                                    .judged = true,
                                                    .status_known = true,
                                                    .counts = {.created = 9, .peak = 5},
                                                    .groups = made_groups,
                                                    .group_count = i ? 1 : 2};
    made_processes[2].test = "pool/stops";
    made_processes[2].group_count = 0;
    made_processes[3].argv = other_command;
    made_processes[3].how = END_EXEC;
    made_processes[3].judged = false;
    static struct leak_group not_counted;
    not_counted = made_groups[0];
    not_counted.counted = false;
    made_processes[3].groups = &not_counted;
    made_child[0] =
        (struct unwatched){.pid = 5000, .name = "helper", .exe = "/usr/bin/helper", .why = UNWATCHED_STATIC};
    made_report = (struct report){
        .argv = made_command,
        .processes = made_processes,
        .process_count = 4,
        .unwatched = made_child,
        .unwatched_count = 1,
        .summary = {.processes = 6, .leaked_threads = 4, .leak_sites = 2, .suppressed_threads = 2}};
}

void made_timeout(void)
{
    for (size_t i = 0; i < 4; i++) {
        made_processes[i].how = END_ALIVE;
        made_processes[i].judged = false;
        made_processes[i].groups = made_processes[3].groups;
        made_processes[i].group_count = 1;
    }
    made_report.timed_out_s = 1.5;
    made_report.process_count = 2;
    made_report.summary.leaked_threads = made_report.summary.leak_sites = 0;
}

void made_hostile(void)
{
    static char *argv[] = {HOSTILE, HOSTILE, NULL};
    static struct frame start;
    start = made_frame(HOSTILE, HOSTILE, 3);
    made_stack[0].function = made_stack[1].file = made_stack[2].module = HOSTILE;
    made_stack[0].build_id = HOSTILE;
    made_waiting_stack[1].function = made_waiting_stack[0].module = HOSTILE;
    made_current.wait.text = made_current.wait.what = HOSTILE;
    memcpy(made_threads[0].name, "\033]]>\n\"\\#\xff%0A:,", 15);
    made_groups[0].start_routine = made_groups[1].start_routine = &start;
    made_groups[1].suppressed_by = HOSTILE;
    made_processes[0].exe = HOSTILE;
    made_processes[0].argv = argv;
    made_processes[1].test = HOSTILE;
    made_stack[0].file = HOSTILE; /* the place to point at */
    made_child[0].exe = HOSTILE;
    made_report.argv = argv;
}

char *made_print(const struct report_format *format)
{
    static const struct report_style style = {.color = false};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(report_print(format, out, &made_report, &style));
    fclose(out);
    ck_assert_uint_eq(strlen(text), size);
    return text;
}

char *made_printed_as(const char *format)
{
    return made_print(report_format_find(format));
}

/* ---- comparing ------------------------------------------------------------------------ */

static char *replaced(char *text, const char *from, const char *to)
{
    char *found, *changed;
    while ((found = strstr(text, from))) {
        ck_assert_int_ge(asprintf(&changed, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from)),
                         0);
        free(text);
        text = changed;
    }
    return text;
}

char *read_whole(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    ck_assert_msg(file, "%s: %s", path, strerror(errno));
    if (getdelim(&text, &size, 0, file) < 0)
        text[0] = 0;
    fclose(file);
    return text;
}

void golden_path(char path[PATH_MAX], const char *name, const char *ending)
{
    const char *tests = getenv("TL_TESTS");
    snprintf(path, PATH_MAX, "%s/golden/format_%s.%s", tests ? tests : "tests", name, ending);
}

void compare_format(const char *name, const char *ending, char *got)
{
    char path[PATH_MAX], here[PATH_MAX - 32];
    ck_assert(getcwd(here, sizeof(here)));
    got = replaced(got, here, "/HERE");
    got = replaced(got, "\"version\": \"" THREADLEAK_VERSION "\"", "\"version\": \"VERSION\"");
    golden_path(path, name, ending);
    if (getenv("UPDATE") && *getenv("UPDATE")) {
        FILE *file = fopen(path, "we");
        ck_assert_msg(file && fputs(got, file) >= 0 && fclose(file) == 0, "%s: %s", path, strerror(errno));
    } else {
        char *expected = read_whole(path);
        ck_assert_msg(strcmp(got, expected) == 0, "%s is not what is printed:\n%.1000s", path, got);
        free(expected);
    }
    free(got);
}
