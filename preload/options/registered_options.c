#include "preload/options/registered_options.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "preload/options/registered_text.h"
#include "preload/shim/hold.h"
#include "preload/shim/say.h"
#include "preload/shim/text.h"

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
        text_string(&text, trial->who);
        text_string(&text, ": ");
        text_string(&text, trial->options.suppressions[i]);
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
    text_string(&text, text.length ? " " : "");
    text_string(&text, options);
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
    bool taken = !state || registered_take_space(state, &state->options_at, 2 * options_space());
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
    if (registered_already(parts[LEDGER_OPTIONS_DEFAULT], options, ' '))
        return 0;
    return change_options(who, LEDGER_OPTIONS_DEFAULT, options);
}

int register_set_options(const char *who, const char *options)
{
    return change_options(who, LEDGER_OPTIONS_SET, options);
}
