#include "preload/options/registered.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/shim/hold.h"
#include "preload/ledger/room.h"
#include "preload/shim/say.h"
#include "preload/shim/text.h"

#define OWN_OPTIONS_MAX 1000 /* bytes, of a program's defaults and of what it sets */
_Static_assert(OWN_OPTIONS_MAX < OPTIONS_PART_MAX, "room for its end");

static char parts[LEDGER_OPTIONS][OPTIONS_PART_MAX];
static char rules[RULES_MAX];

/* The same may come twice: found by the loader, and brought by the header's constructor. */
static bool holds(const char *all, const char *part, char separator)
{
    size_t n = strlen(part);
    for (const char *at = all; n && (at = strstr(at, part)); at++) {
        bool begins = at == all || at[-1] == separator;
        if (begins && (at[n] == separator || !at[n]))
            return true;
    }
    return n == 0;
}

/* ---- options ----------------------------------------------------------------------- */

static void compose(void)
{
    char *end = shim_config.options_text;
    for (int part = 0; part < LEDGER_OPTIONS; part++) {
        size_t size = strlen(parts[part]) + 1;
        memcpy(end, parts[part], size);
        end += size;
    }
    shim_config.options_size = (uint32_t)(end - shim_config.options_text);
}

const char *registered_environment(const char *options)
{
    struct text text = text_in(parts[LEDGER_OPTIONS_ENVIRONMENT], OPTIONS_PART_MAX);
    if (options)
        text_string(&text, options);
    if (text.overflow) {
        parts[LEDGER_OPTIONS_ENVIRONMENT][0] = 0;
        shim_say("THREADLEAK_OPTIONS is longer than 4095 bytes: ignored");
    }
    compose();
    return parts[LEDGER_OPTIONS_ENVIRONMENT];
}

/* Of one text of all parts: the environment's does not change any more. */
static uint32_t options_room(void)
{
    return 2 * OWN_OPTIONS_MAX + (uint32_t)strlen(parts[LEDGER_OPTIONS_ENVIRONMENT]) + 1;
}

/* Once, and before anything changes: room in the ledger for all that may come. */
static bool take_room(struct shim_state *state, uint32_t *at, uint32_t size)
{
    uint32_t taken = *at ? *at : ledger_take(state, SECTION_STRINGS, size);
    if (taken == UINT32_MAX)
        return false;
    *at = taken;
    return true;
}

/* Two places by turns: a reader of the one is not disturbed by the next change. */
static void options_to_ledger(struct shim_state *state)
{
    uint32_t at = state->options_at + (state->options_turn++ & 1) * options_room();
    memcpy(state->strings + at, shim_config.options_text, shim_config.options_size);
    atomic_store(&state->header->options, at);
}

struct trial {
    struct options options;
    const char *who;
    bool wrong;
};

static void on_problem(void *arg, const char *line)
{
    struct trial *trial = arg;
    if (!trial->wrong) /* one line is enough */
        shim_say(line);
    trial->wrong = true;
}

/* What takes effect at start alone, before any program could say it. */
static const char *too_late(void *arg, const char *key, const char *value, size_t length)
{
    (void)arg, (void)value, (void)length;
    static const char *const start[] = {"follow", "help"};
    for (size_t i = 0; i < sizeof(start) / sizeof(*start); i++)
        if (strcmp(key, start[i]) == 0)
            return "can be given by THREADLEAK_OPTIONS only";
    struct shim_state *state = shim_known();
    if (strcmp(key, "signal") == 0 && state && atomic_load(&state->signal_armed))
        return "can not be changed any more: a thread has been created";
    return options_unknown_key;
}

static bool is_understood(struct trial *trial, const char *text)
{
    const struct options_reader reader = {
        .origin = trial->who, .extra = too_late, .warn = on_problem, .arg = trial};
    options_defaults(&trial->options);
    options_read(&trial->options, text, &reader);
    return !trial->wrong;
}

/* What is wrong in a file is for the reporter to say, when there is something to report. */
static bool files_are_there(const struct trial *trial)
{
    bool there = true;
    for (unsigned i = 0; i < trial->options.suppressions_count && there && !shim_config.sandboxed; i++) {
        char place[OPTIONS_PATH_MAX + 40];
        struct text text = text_in(place, sizeof(place));
        there = SYS3(faccessat, AT_FDCWD, trial->options.suppressions[i], R_OK) == 0;
        text_string(&text, trial->who);
        text_string(&text, ": ");
        text_string(&text, trial->options.suppressions[i]);
        if (!there)
            shim_refuse(place, "can not be read");
    }
    return there;
}

/* All of it anew, so that what stands lower does not go over what stands higher. */
static void apply(struct trial *trial)
{
    compose();
    options_defaults(&trial->options);
    for (int part = 0; part < LEDGER_OPTIONS; part++)
        options_parse(&trial->options, parts[part], NULL, NULL);
    memcpy(&shim_config.options, &trial->options, sizeof(trial->options));
}

static int add_options(struct trial *trial, enum ledger_options part, const char *options)
{
    struct text text = {.buffer = parts[part], .size = OPTIONS_PART_MAX, .length = strlen(parts[part])};
    if (!is_understood(trial, options) || (part == LEDGER_OPTIONS_SET && !files_are_there(trial)))
        return -1;
    if (strlen(options) + text.length + 2 > OWN_OPTIONS_MAX)
        return shim_refuse(trial->who, "there is no room for more options: 1000 bytes in all");
    text_string(&text, text.length ? " " : "");
    text_string(&text, options);
    apply(trial);
    return 0;
}

static int change_options(const char *who, enum ledger_options part, const char *options)
{
    struct shim_state *state = shim_known();
    long at = SYS6(mmap, 0, sizeof(struct trial), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at < 0 && at > -4096)
        return shim_refuse(who, "no memory");
    struct trial *trial = (struct trial *)at; /* the caller's stack may be small */
    trial->who = who;
    struct hold hold = hold_begin(&shim_state->registering);
    bool room = !state || take_room(state, &state->options_at, 2 * options_room());
    int result = room ? add_options(trial, part, options)
                      : shim_refuse(who, "there is no room in the ledger for these options");
    if (result == 0 && state)
        options_to_ledger(state);
    hold_end(&hold);
    SYS2(munmap, at, sizeof(struct trial));
    return result;
}

int register_default_options(const char *who, const char *options)
{
    if (holds(parts[LEDGER_OPTIONS_DEFAULT], options, ' '))
        return 0;
    return change_options(who, LEDGER_OPTIONS_DEFAULT, options);
}

int register_set_options(const char *who, const char *options)
{
    return change_options(who, LEDGER_OPTIONS_SET, options);
}

/* ---- rules ------------------------------------------------------------------------- */

/* The first byte last: a reader sees all of what was added, or nothing. */
static void append(char *to, size_t length, const char *text, size_t n)
{
    memcpy(to + length + 1, text, n);
    atomic_signal_fence(memory_order_seq_cst);
    atomic_thread_fence(memory_order_release);
    *(volatile char *)(to + length) = '\n';
}

static void rules_to_ledger(struct shim_state *state, size_t from)
{
    uint32_t at = atomic_load(&state->header->rules);
    size_t length = strlen(rules);
    if (at) {
        append(state->strings + at, from, rules + from + 1, length - from - 1);
        return;
    }
    memcpy(state->strings + state->rules_at, rules, length + 1);
    atomic_store(&state->header->rules, state->rules_at);
}

/* As far as that can be told here: its type, and that its pattern is one.  The rest is the reporter's to see.
 */
static const char *problem_of(const char *rule, size_t length)
{
    static const char *const types[] = {"thread:", "start:", "name:", "module:", "top:", "any:"};
    size_t type = 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types) && !type; i++)
        if (length >= strlen(types[i]) && !memcmp(rule, types[i], strlen(types[i])))
            type = strlen(types[i]);
    if (!type)
        return "a rule begins with thread:, start:, name:, module:, top: or any:";
    for (size_t i = type; i < length; i++)
        if (!strchr("*^$/. \t", rule[i]))
            return NULL;
    return shim_config.options.allow_match_all ? NULL : "a rule without a pattern would match every thread";
}

/* Of the first rule that has one.  What came before it on its line is blanks. */
static const char *problem_of_all(const char *text, uint64_t *line, uint64_t *column)
{
    for (*line = 1; *text; (*line)++) {
        size_t length = strcspn(text, "\n"), blanks = strspn(text, " \t\r");
        size_t end = length && text[length - 1] == '\r' ? length - 1 : length;
        *column = blanks + 1;
        if (blanks < end && text[blanks] != '#') {
            const char *problem = problem_of(text + blanks, end - blanks);
            if (problem)
                return problem;
        }
        text += length + (text[length] == '\n');
    }
    return NULL;
}

/* "WHO:LINE:COLUMN: PROBLEM", as of a file. */
static int refuse_at(const char *who, uint64_t line, uint64_t column, const char *problem)
{
    char place[120];
    struct text text = text_in(place, sizeof(place));
    text_string(&text, who);
    text_string(&text, ":");
    text_digits(&text, line, 10);
    text_string(&text, ":");
    text_digits(&text, column, 10);
    return shim_refuse(place, problem);
}

static int add_rules(const char *who, const char *text)
{
    size_t length = strlen(rules), n = strlen(text);
    uint64_t line, column;
    const char *problem = problem_of_all(text, &line, &column);
    if (problem)
        return refuse_at(who, line, column, problem);
    if (length + n + 2 > RULES_MAX)
        return shim_refuse(who, "there is no room for more suppressions: 16 KiB in all");
    struct shim_state *state = shim_known();
    if (state && !take_room(state, &state->rules_at, RULES_MAX))
        return shim_refuse(who, "there is no room in the ledger for these suppressions");
    if (length == 0)
        memcpy(rules, text, n + 1); /* nobody has seen it yet */
    else
        append(rules, length, text, n);
    shim_config.rules = rules;
    if (state)
        rules_to_ledger(state, length);
    return 0;
}

int register_rules(const char *who, const char *text)
{
    struct hold hold = hold_begin(&shim_state->registering);
    int result = holds(rules, text, '\n') ? 0 : add_rules(who, text);
    hold_end(&hold);
    return result;
}

void registered_to_ledger(struct shim_state *state)
{
    if (!*rules)
        return;
    if (take_room(state, &state->rules_at, RULES_MAX))
        rules_to_ledger(state, 0);
    else
        shim_say("there is no room in the ledger for the program's own suppressions");
}

/* ---- functions that the program exports ---------------------------------------------- */

/* The loader's business: a dlsym of ours that fails would allocate. */
const char *__threadleak_default_options(void) __attribute__((weak, visibility("default")));
const char *__threadleak_default_suppressions(void) __attribute__((weak, visibility("default")));

void registered_exported(void)
{
    const char *options = __threadleak_default_options ? __threadleak_default_options() : NULL;
    const char *text = __threadleak_default_suppressions ? __threadleak_default_suppressions() : NULL;
    if (options)
        register_default_options("__threadleak_default_options", options);
    if (text)
        register_rules("__threadleak_default_suppressions", text);
}
