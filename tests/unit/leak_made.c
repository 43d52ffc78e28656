#include "leak_made.h"

#include <check.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

struct fake *fake;
struct suppressions *leak_suppressions;
struct report *leak_report;
struct verdict_rules rules;
uint32_t app, lib, self;

void leak_setup(void)
{
    fake = fake_new();
    fake_exe(fake, "/nonexistent/app");
    app = fake_module(fake, "/nonexistent/app", "\x01\x02\x03\x04", 4);
    lib = fake_module(fake, "/nonexistent/libpool.so", NULL, 0);
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    self = fake_module(fake, path, NULL, 0);
    leak_suppressions = suppressions_new();
    leak_report = report_new();
    rules = (struct verdict_rules){.kinds = KIND_ALL,
                                   .judge = JUDGE_EXIT,
                                   .suppressions = leak_suppressions,
                                   .symbolizer = symbolizer_new(false)};
}

void find_setup(void)
{
    leak_setup();
    rules.find = FIND_DEFAULT;
}

void leak_teardown(void)
{
    report_free(leak_report);
    suppressions_free(leak_suppressions);
    symbolizer_free(rules.symbolizer);
    fake_free(fake);
}

struct evidence made_evidence(void)
{
    struct error error = {""};
    struct evidence evidence;
    struct ledger *ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledger);
    ck_assert_msg(evidence_of_ledger(&evidence, ledger, &(struct process_end){.alive = false}, NULL, &error),
                  "%s", error.text);
    return evidence;
}

void made_task(struct task_list *list, const struct task *task)
{
    list->tasks = realloc(list->tasks, (list->count + 1) * sizeof(*list->tasks));
    ck_assert_ptr_nonnull(list->tasks);
    list->tasks[list->count++] = *task;
}

void add_evidence(struct evidence *evidence)
{
    struct error error = {""};
    struct ledger *ledger = (struct ledger *)evidence->ledger;
    ck_assert_msg(report_add(leak_report, evidence, &rules, &error), "%s", error.text);
    ledger_close(ledger); /* nothing of the report lives in it */
}

const struct process_report *judge(struct evidence *evidence)
{
    add_evidence(evidence);
    report_finish(leak_report);
    return leak_report->process_count ? &leak_report->processes[0] : NULL;
}

void add(const struct process_end *end)
{
    struct evidence evidence = made_evidence();
    evidence.end = *end;
    add_evidence(&evidence);
}

const struct process_report *build(const struct process_end *end)
{
    struct evidence evidence = made_evidence();
    evidence.end = *end;
    return judge(&evidence);
}

const struct process_report *build_exit(void)
{
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    return build(&(struct process_end){.known = true, .wait_status = EXITED(0)});
}

uint32_t site_at(uint64_t offset)
{
    return fake_site(fake, (ledger_pc[]){fake_pc(app, offset), fake_pc(app, 0x900)}, 2);
}

uint32_t add_thread(uint32_t site, uint32_t state)
{
    return fake_thread(fake, &(struct fake_thread){.site = site, .state = state, .created_by = 1});
}

__attribute__((noinline)) void first_user_function(void)
{
    __asm__ volatile("nop; nop" ::: "memory");
}

__attribute__((noinline)) void second_user_function(void)
{
    __asm__ volatile("nop; nop; nop" ::: "memory");
}

static int note_base(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uint64_t *)base = info->dlpi_addr;
    return 1; /* the first is the program */
}

ledger_pc pc_in(void (*function)(void))
{
    uint64_t base = 0;
    dl_iterate_phdr(note_base, &base);
    return fake_pc(self, (uint64_t)function - base + 1);
}

const struct thread_info *the_thread(const struct process_report *process)
{
    ck_assert_uint_eq(process->group_count, 1);
    ck_assert_uint_eq(process->groups[0].thread_count, 1);
    return &process->groups[0].threads[0];
}

const struct finding *only_finding(const struct process_report *process, enum finding_code code)
{
    ck_assert_uint_eq(process->findings.count, 1);
    ck_assert_int_eq(process->findings.items[0].code, code);
    return &process->findings.items[0];
}

void no_finding(const struct process_report *process)
{
    ck_assert(!process || process->findings.count == 0);
}
