#include "preload/options/registered_rules.h"

#include <string.h>

#include "preload/options/registered_text.h"
#include "preload/shim/hold.h"
#include "preload/shim/say.h"
#include "preload/shim/text.h"

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
        return shim_refuse(who, "too many suppressions: at most 16 KiB in all");
    struct shim_state *state = shim_known();
    if (state && !registered_take_space(state, &state->rules_at, RULES_MAX))
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
    int result = registered_already(rules, text, '\n') ? 0 : add_rules(who, text);
    hold_end(&hold);
    return result;
}

void registered_to_ledger(struct shim_state *state)
{
    if (!*rules)
        return;
    if (registered_take_space(state, &state->rules_at, RULES_MAX))
        rules_to_ledger(state, 0);
    else
        shim_say("the ledger is full: the suppressions that the program registered are not applied");
}
