#include "preload/api/check.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

#include "preload/exit/steps.h"
#include "preload/exit/raw_report.h"
#include "preload/exit/reporter.h"
#include "preload/ledger/leak.h"
#include "preload/ledger/module.h"
#include "preload/ledger/section.h"
#include "preload/shim/hook.h"
#include "preload/shim/say.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"
#include "preload/start/start.h"
#include "common/run_protocol.h"

/* A serial, and a stamp of the process: the checkpoint of a parent is not valid in a child. */
#define SERIAL_BITS 40
#define SERIAL_MASK ((1ull << SERIAL_BITS) - 1)

static uint64_t stamp_of(const struct shim_state *state)
{
    uint64_t mixed = (state->epoch ^ (uint64_t)state->pid << 32) * 0x9e3779b97f4a7c15ull;
    return (mixed >> SERIAL_BITS | 1) << SERIAL_BITS;
}

static uint64_t latest_serial(const struct shim_state *state)
{
    return atomic_load(&state->header->next_serial) - 1;
}

uint64_t api_checkpoint(void)
{
    IN_HOOK(shim_ready);
    const struct shim_state *state = hook.state;
    bool own = state && shim_is_own_process(state);
    return own ? stamp_of(state) | (latest_serial(state) & SERIAL_MASK) : 0;
}

/* The last serial before the checkpoint. UINT64_MAX: this is no checkpoint of this process. */
static uint64_t serial_of(const struct shim_state *state, uint64_t checkpoint)
{
    uint64_t serial = checkpoint & SERIAL_MASK;
    bool own = (checkpoint & ~SERIAL_MASK) == stamp_of(state) && serial <= latest_serial(state);
    return own ? serial : UINT64_MAX;
}

/* The check waits this long before it starts the reporter, which takes about as long. Most threads end in
 * that time. */
#define ASK_AFTER_US 16000

/* It is in mapped memory, because the stack can be small. */
struct check {
    struct shim_state *state;
    const char *who, *options_text;
    struct leak_scope scope; /* threads after the checkpoint, without the caller */
    struct options options;
    bool wrong;         /* the options are wrong, and a line was printed */
    bool unread;        /* only the reporter can parse rules in the options */
    bool needs_stacks;  /* there are rules for current stacks */
    bool needs_program; /* only the reporter can apply the rules */
    char since_text[24], caller_text[24], function_text[24];
    struct list *list; /* NULL: print a report */
    struct reporter_question question;
    char answer[LEDGER_ANSWER_MAX];
};

/* The caller's text for the lines of threadleak_list_since. */
struct list {
    const void *function;
    char *text;
    size_t size;
};

/* ---- options ----------------------------------------------------------------------------- */

static void on_problem(void *arg, const char *line)
{
    struct check *check = arg;
    if (!check->wrong)
        shim_say(line);
    check->wrong = true;
}

static bool is_one_of(const char *key, const char *const *keys)
{
    while (*keys && strcmp(*keys, key) != 0)
        keys++;
    return *keys;
}

/* Does the name have characters that only the parser of the reporter handles? */
static bool needs_parser(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (name[i] == '^' || name[i] == '$' || (unsigned char)name[i] < ' ')
            return true;
    return false;
}

/* The reporter parses the rules. This only checks that names are not empty. */
static const char *take_key(void *arg, const char *key, const char *value, size_t length)
{
    static const char *const names[] = {"ignore_creator", "ignore_start", "ignore_top",
                                        "ignore_any",     "ignore_name",  NULL};
    static const char *const elsewhere[] = {"judge", "exitcode", "signal", "depth", "follow", "help", NULL};
    struct check *check = arg;
    if (is_one_of(key, elsewhere))
        return "has no effect in a check";
    bool rule = strcmp(key, "ignore") == 0;
    if (!rule && !is_one_of(key, names)) {
        if (strcmp(key, "suppressions") == 0)
            check->unread = check->needs_program = true;
        return options_unknown_key;
    }
    check->unread |= rule || needs_parser(value, length);
    check->needs_stacks |= strcmp(key, "ignore_top") == 0 || strcmp(key, "ignore_any") == 0;
    check->needs_program = true;
    size_t special = 0;
    while (special < length && strchr("*^$ \t\n", value[special]))
        special++;
    return special < length ? NULL : "has no name to match";
}

static bool read_options(struct check *check)
{
    const struct options_reader reader = {
        .origin = check->who, .extra = take_key, .warn = on_problem, .arg = check, .quoted_key = "ignore"};
    check->options = shim_config.options;
    options_read(&check->options, check->options_text, &reader);
    check->scope.kinds = check->options.report;
    if (shim_config.rules || check->options.suppressions_count)
        check->needs_program = true;
    if (check->needs_stacks && !check->options.stacks && !check->wrong) {
        shim_refuse(check->who, "ignore_top= and ignore_any= need stacks=1");
        check->wrong = true;
    }
    return !check->wrong;
}

/* A handler is recognised if it interrupted a hook, or uses the alternate stack. */
static bool is_in_handler(const struct guard *guard)
{
    stack_t stack = {.ss_flags = 0};
    if (guard->nested || shim_config.sandboxed)
        return guard->nested;
    return SYS2(sigaltstack, NULL, &stack) == 0 && stack.ss_flags & SS_ONSTACK;
}

/* NULL: a check is possible. */
static const char *why_not(const struct shim_state *state, const struct guard *guard)
{
    if (!state)
        return shim_is_wanted() ? "no threads were recorded: no memory for the ledger" : NULL;
    if (!shim_is_own_process(state))
        return "not in a child of vfork";
    if (is_in_handler(guard))
        return "not in a signal handler";
    if (atomic_load(&state->header->lost_events))
        return "not all threads of this process could be recorded";
    return NULL;
}

/* ---- judging --------------------------------------------------------------------------- */

enum mode { RULES_ONLY, QUIET, LOUD, LIST };

/* The number of leaks; -1: the reporter refused, -2: it could not be started. */
static int ask(struct check *check, enum mode mode)
{
    static const char *const words[] = {"rules", "quiet", "loud", "list"};
    struct reporter_question *question = &check->question;
    if (shim_config.no_reporter || shim_config.sandboxed)
        return -2;
    *question = (struct reporter_question){
        .mode = "check",
        .arguments = {check->since_text, check->caller_text, words[mode], check->function_text,
                      check->options_text},
        .fd = -1,
        .answer = check->answer,
    };
    reporter_ask(question);
    const char *answer = check->answer;
    if (*answer == '!')
        return shim_refuse(check->who, answer + 1);
    if (*answer < '0' || *answer > '9')
        return -2;
    uint64_t count = 0;
    for (; *answer >= '0' && *answer <= '9' && count < INT_MAX; answer++)
        count = count * 10 + (uint64_t)(*answer - '0');
    return count < INT_MAX ? (int)count : INT_MAX;
}

/* Copies the whole lines that fit. */
static void put_list(const struct list *list, const char *lines)
{
    size_t length = strnlen(lines, list->size - 1);
    while (lines[length] && length > 0 && lines[length - 1] != '\n')
        length--;
    memcpy(list->text, lines, length);
    list->text[length] = 0;
}

/* The program has these lines now, so a short report at its end need not repeat them.  If rules of this check
 * ignored a thread, it is not known which ones were listed. */
static void mark_listed(const struct check *check, int count)
{
    const struct shim_state *state = check->state;
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    if ((uint32_t)count != leak_count(state, &check->scope))
        return;
    for (uint32_t i = 0; i < used; i++)
        if (leak_kind(state, &state->slots[i], &check->scope))
            atomic_fetch_or(&state->slots[i].state, SLOT_LISTED);
    /* Check ends a test that failed by _exit.  The report of that end has the stacks. */
    shim_config.options.judge |= JUDGE__EXIT;
}

static int ask_for_list(struct check *check)
{
    int count = ask(check, LIST);
    const char *lines = strchr(check->answer, '\n');
    if (count <= 0)
        return count;
    put_list(check->list, lines ? lines + 1 : "");
    mark_listed(check, count);
    return count;
}

/* Does not apply rules, because they need names of functions. */
static int judge_alone(struct check *check)
{
    static const char cannot[] = "the threadleak program, which applies the suppressions, could not be "
                                 "started";
    if (check->needs_program)
        return shim_refuse(check->who, cannot);
    int count = (int)leak_count(check->state, &check->scope);
    if (count > 0)
        raw_report_write(check->state, &check->scope);
    if (count > 0 && check->list)
        put_list(check->list, check->list->function ? "\nsee standard error\n" : "see standard error\n");
    return count;
}

/* By the clock: what happens between two pauses can take long. False: the time is over. */
static bool pause_in_time(const struct check *check, struct grace *grace, uint64_t began_us)
{
    uint64_t budget = check->options.grace_ms * 1000ull;
    uint64_t spent = shim_clock_ns(CLOCK_MONOTONIC) / 1000 - began_us;
    grace->left_us = spent < budget ? budget - spent : 0;
    return grace_step(grace);
}

static int wait_and_judge(struct check *check)
{
    struct grace grace = grace_of(&check->options);
    uint64_t began_us = shim_clock_ns(CLOCK_MONOTONIC) / 1000;
    bool asked = false, leaks;
    while ((leaks = leak_count(check->state, &check->scope) > 0) && grace_others_run(check->state) &&
           pause_in_time(check, &grace, began_us)) {
        if (asked || grace.spent_us < ASK_AFTER_US)
            continue;
        asked = true;
        int count = ask(check, QUIET);
        if (count == 0 || count == -1)
            return count;
    }
    if (!leaks)
        return 0;
    int count = check->list ? ask_for_list(check) : ask(check, LOUD);
    return count == -2 ? judge_alone(check) : count;
}

/* This reports wrong rules even if no thread exists. */
static bool rules_are_understood(struct check *check)
{
    if (!check->unread)
        return true;
    int result = ask(check, RULES_ONLY);
    if (result == -2)
        shim_refuse(check->who, "the threadleak program, which parses the rules, could not be started");
    return result >= 0;
}

/* ---- the check --------------------------------------------------------------------------- */

static void number_in(char buffer[24], uint64_t number)
{
    struct text text = text_in(buffer, 24);
    text_print(&text, "%lu", number);
}

static uint64_t encoded(const struct check *check)
{
    const void *function = check->list ? check->list->function : NULL;
    return function ? module_encode(check->state, (uint64_t)(uintptr_t)function) : 0;
}

static int run(struct check *check, const uint64_t *since)
{
    check->scope.since = since ? serial_of(check->state, *since) : LEDGER_MAIN_SERIAL;
    check->scope.no_older_test = since != NULL;
    check->scope.except = shim_tls.epoch == check->state->epoch ? shim_tls.serial : 0;
    if (check->scope.since == UINT64_MAX)
        return shim_refuse(check->who, "the checkpoint is not of this process");
    number_in(check->since_text, since ? check->scope.since : 0);
    number_in(check->caller_text, check->scope.except);
    number_in(check->function_text, encoded(check));
    if (!read_options(check) || !rules_are_understood(check))
        return -1;
    return wait_and_judge(check);
}

static int run_on_own_memory(const char *who, struct shim_state *state, const uint64_t *since,
                             const char *options, struct list *list)
{
    struct check *check = sys_map(sizeof(*check));
    if (!check)
        return shim_refuse(who, "no memory");
    check->who = who;
    check->state = state;
    check->options_text = options ? options : "";
    check->list = list;
    int result = run(check, since);
    SYS2(munmap, check, sizeof(*check));
    return result;
}

static int check_or_list(const char *who, const uint64_t *since, const char *options, struct list *list)
{
    IN_HOOK(shim_ready);
    const char *problem = why_not(hook.state, &hook.guard);
    if (problem)
        return shim_refuse(who, problem);
    return hook.state ? run_on_own_memory(who, hook.state, since, options, list) : 0;
}

int api_check(const uint64_t *since, const char *options)
{
    return check_or_list(since ? "threadleak_check_since" : "threadleak_check", since, options, NULL);
}

int api_list(const uint64_t *since, const char *options, const void *function, char *text, size_t size)
{
    struct list list = {function, text, size};
    if (size > 0)
        *text = 0;
    return check_or_list("threadleak_list_since", since, options, size > 0 ? &list : NULL);
}
