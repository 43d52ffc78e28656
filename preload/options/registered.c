#include "preload/options/registered.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "preload/ledger/section.h"
#include "preload/shim/hold.h"
#include "preload/shim/say.h"
#include "preload/shim/text.h"

/* Is `part` one of the texts in `all`? A program can register the same text twice: by an exported function,
 * and by a constructor in <threadleak.h>. */
static bool is_in(const char *all, const char *part, char separator)
{
    size_t n = strlen(part);
    for (const char *at = all; n && (at = strstr(at, part)); at++) {
        bool begins = at == all || at[-1] == separator;
        if (begins && (at[n] == separator || !at[n]))
            return true;
    }
    return n == 0;
}

/* Reserves space in the strings of the ledger, once, for all later texts. at: its offset. */
static bool take_space(struct shim_state *state, uint32_t *at, uint32_t size)
{
    uint32_t taken = *at ? *at : ledger_take(state, SECTION_STRINGS, size);
    if (taken == UINT32_MAX)
        return false;
    *at = taken;
    return true;
}

/* ---- rules -------------------------------------------------------------------------------- */

static char rules[RULES_MAX];

/* Writes the first byte last, so that a reader sees all of the new text, or nothing. */
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

/* Checks the type, and that there is a pattern.  The reporter checks the rest. */
static const char *problem_of(const char *rule, size_t length)
{
    static const char *const types[] = {"thread:", "start:", "name:", "module:", "top:", "any:", "test:"};
    size_t type = 0;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types) && !type; i++)
        if (length >= strlen(types[i]) && !memcmp(rule, types[i], strlen(types[i])))
            type = strlen(types[i]);
    if (!type)
        return "a rule begins with thread:, start:, name:, module:, top:, any: or test:";
    for (size_t i = type; i < length; i++)
        if (!strchr("*^$/. \t", rule[i]))
            return NULL;
    return shim_config.options.allow_match_all ? NULL : "a rule without a pattern would match every thread";
}

/* The problem of the first wrong rule, with its line and column. */
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

/* "WHO:LINE:COLUMN: PROBLEM" */
static int refuse_at(const char *who, uint64_t line, uint64_t column, const char *problem)
{
    char place[120];
    struct text text = text_in(place, sizeof(place));
    text_print(&text, "%s:%lu:%lu", who, line, column);
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
        return shim_refuse(who, "too many suppressions: at most 16 KiB in all");
    struct shim_state *state = shim_known();
    if (state && !take_space(state, &state->rules_at, RULES_MAX))
        return shim_refuse(who, "the ledger is full: suppressions not added");
    if (length == 0)
        memcpy(rules, text, n + 1); /* the ledger has no reader yet */
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
    int result = is_in(rules, text, '\n') ? 0 : add_rules(who, text);
    hold_end(&hold);
    return result;
}

void registered_to_ledger(struct shim_state *state)
{
    if (!*rules)
        return;
    if (take_space(state, &state->rules_at, RULES_MAX))
        rules_to_ledger(state, 0);
    else
        shim_say("the ledger is full: the suppressions that the program registered are not applied");
}

/* ---- options ------------------------------------------------------------------------------ */

#define OWN_OPTIONS_MAX 1000 /* bytes of defaults, and of options that are set */
_Static_assert(OWN_OPTIONS_MAX < OPTIONS_PART_MAX, "its NUL fits");

static char parts[LEDGER_OPTIONS][OPTIONS_PART_MAX];

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
    if (!options || !*options) {
        shim_config.options_size = LEDGER_OPTIONS; /* empty ones, and no page is touched */
        return "";
    }
    struct text text = text_in(parts[LEDGER_OPTIONS_ENVIRONMENT], OPTIONS_PART_MAX);
    text_string(&text, options);
    if (text.overflow) {
        parts[LEDGER_OPTIONS_ENVIRONMENT][0] = 0;
        shim_say("THREADLEAK_OPTIONS is longer than 4095 bytes: ignored");
    }
    compose();
    return parts[LEDGER_OPTIONS_ENVIRONMENT];
}

/* The length of one text.  The environment's part never changes. */
static uint32_t options_space(void)
{
    return 2 * OWN_OPTIONS_MAX + (uint32_t)strlen(parts[LEDGER_OPTIONS_ENVIRONMENT]) + 1;
}

/* The text alternates between two places, so that a change does not disturb a reader of the last one. */
static void options_to_ledger(struct shim_state *state)
{
    uint32_t at = state->options_at + (state->options_turn++ & 1) * options_space();
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
    if (!trial->wrong) /* only the first one */
        shim_say(line);
    trial->wrong = true;
}

/* Some keys have an effect only at the start. */
static const char *too_late(void *arg, const char *key, const char *value, size_t length)
{
    (void)arg, (void)value, (void)length;
    static const char *const start[] = {"follow", "help"};
    for (size_t i = 0; i < sizeof(start) / sizeof(*start); i++)
        if (strcmp(key, start[i]) == 0)
            return "can only be set by THREADLEAK_OPTIONS";
    struct shim_state *state = shim_known();
    if (strcmp(key, "signal") == 0 && state && atomic_load(&state->signal_armed))
        return "cannot be changed any more: a thread has been created";
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

/* The reporter reads them later. */
static bool files_are_readable(const struct trial *trial)
{
    bool there = true;
    for (unsigned i = 0; i < trial->options.suppressions_count && there && !shim_config.sandboxed; i++) {
        char place[OPTIONS_PATH_MAX + 40];
        struct text text = text_in(place, sizeof(place));
        there = SYS3(faccessat, AT_FDCWD, trial->options.suppressions[i], R_OK) == 0;
        text_print(&text, "%s: %s", trial->who, trial->options.suppressions[i]);
        if (!there)
            shim_refuse(place, "cannot be read");
    }
    return there;
}

/* Parses all parts again, because a default must not replace an option of the environment. */
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
    if (!is_understood(trial, options) || (part == LEDGER_OPTIONS_SET && !files_are_readable(trial)))
        return -1;
    if (strlen(options) + text.length + 2 > OWN_OPTIONS_MAX)
        return shim_refuse(trial->who, "too many options: at most 1000 bytes in all");
    text_print(&text, "%s%s", text.length ? " " : "", options);
    apply(trial);
    return 0;
}

static int change_options(const char *who, enum ledger_options part, const char *options)
{
    struct shim_state *state = shim_known();
    struct trial *trial = sys_map(sizeof(*trial)); /* the stack of the caller can be small */
    if (!trial)
        return shim_refuse(who, "no memory");
    trial->who = who;
    struct hold hold = hold_begin(&shim_state->registering);
    bool taken = !state || take_space(state, &state->options_at, 2 * options_space());
    int result =
        taken ? add_options(trial, part, options) : shim_refuse(who, "the ledger is full: options not set");
    if (result == 0 && state)
        options_to_ledger(state);
    hold_end(&hold);
    SYS2(munmap, trial, sizeof(*trial));
    return result;
}

int register_default_options(const char *who, const char *options)
{
    if (is_in(parts[LEDGER_OPTIONS_DEFAULT], options, ' '))
        return 0;
    return change_options(who, LEDGER_OPTIONS_DEFAULT, options);
}

int register_set_options(const char *who, const char *options)
{
    return change_options(who, LEDGER_OPTIONS_SET, options);
}
