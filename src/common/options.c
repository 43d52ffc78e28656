#include "common/options.h"

#include <string.h>

#include "common/option_values.h"

static const struct word kinds[] = {
#define NAME(id, name)  \
    {                   \
        name, KIND_##id \
    }
    KIND_NAMES(NAME),
#undef NAME
    {"all", KIND_ALL},
    {"none", 0},
    {NULL, 0},
};

static const struct word ends[] = {
    {"exit", JUDGE_EXIT},
    {"_exit", JUDGE__EXIT},
    {"quick_exit", JUDGE_QUICK_EXIT},
    {"exec", JUDGE_EXEC},
    {"signal", JUDGE_SIGNAL},
    {"death_test", JUDGE_DEATH_TEST},
    {"all", JUDGE_ALL},
    {"none", 0},
    {NULL, 0},
};

static const struct word colors[] = {
    {"auto", COLOR_AUTO},
    {"always", COLOR_ALWAYS},
    {"never", COLOR_NEVER},
    {NULL, 0},
};

static const struct word formats[] = {
#define FORMAT(name) {#name, 0},
#include "common/formats.def"
    {NULL, 0},
};

static const char *set_file(const struct options_key *key, void *files, struct slice value)
{
    struct options *options = (struct options *)((char *)files - key->offset);
    if (options->suppressions_count >= OPTIONS_SUPPRESSIONS_MAX)
        return key->wrong;
    const char *problem = option_text(key, options->suppressions[options->suppressions_count], value);
    options->suppressions_count += !problem;
    return problem;
}

/* ---- the keys: adding one takes a member of struct options, and a row here ---------- */

#define ROW(member, type, initial, help, wrong, ...)                                       \
    {                                                                                      \
#member, initial, help, wrong, type, offsetof(struct options, member), __VA_ARGS__ \
    }
#define LIST(member, initial, words, help, wrong) ROW(member, option_list, initial, help, wrong, words, 0, 0)
#define WORD(member, initial, words, help, wrong) ROW(member, option_word, initial, help, wrong, words, 0, 0)
#define NUMBER(member, initial, min, max, help, wrong) \
    ROW(member, option_number, initial, help, wrong, NULL, min, max)
#define SWITCH(member, initial, help) \
    ROW(member, option_switch, initial, help, "is neither 0 nor 1", NULL, 0, 0)
#define TEXT(member, initial, type, size, help, wrong) ROW(member, type, initial, help, wrong, NULL, 0, size)

_Static_assert(OPTIONS_DEPTH_MAX == 256 && OPTIONS_SUPPRESSIONS_MAX == 4, "messages name these numbers");

static const char format_help[] = "format of the report:"
#define FORMAT(name) " " #name
#include "common/formats.def"
    ;
static const char format_wrong[] = "is an unknown format; use"
#define FORMAT(name) " " #name
#include "common/formats.def"
    ;

static const struct options_key keys[] = {
    LIST(report, "running,unjoined,detached", kinds,
         "kinds of thread that count as leaks: a list of running, unjoined, detached; all, none",
         "is not a list of running, detached, unjoined, all, none"),
    LIST(judge, "exit", ends,
         "ends of a process that are judged: a list of exit, _exit, quick_exit, exec, signal, death_test; "
         "all, none",
         "is not a list of exit, _exit, quick_exit, exec, signal, death_test, all, none"),
    NUMBER(exitcode, "0", 0, 255, "exit status when threads leaked and the program's own was 0; 0: unchanged",
           "is not a number from 0 to 255"),
    /* The sum of 20 pauses of 1 µs, doubled each time up to 100 ms: preload/exit/steps.h. */
    NUMBER(grace_ms, "431", 0, 3600000,
           "milliseconds that a process waits at its end for threads that are about to finish",
           "is not a number of milliseconds from 0 to 3600000"),
    ROW(signal, option_signal, "QUIT", "signal on which a process reports every live thread, or none",
        "is not a signal that can ask for a report, or none", NULL, 0, 0),
    NUMBER(shake, "0", 0, 1000000000,
           "seed of random pauses of threads, which provoke rare leaks; 0: no pauses",
           "is not a number from 0 to 1000000000"),
    SWITCH(wakes, "0", "1: record who notifies condition variables and semaphores, for lost-wakeup"),
    NUMBER(depth, "64", 1, OPTIONS_DEPTH_MAX, "frames recorded of a creation backtrace, 1 to 256",
           "is not a number of frames from 1 to 256"),
    TEXT(log_path, "stderr", option_text, OPTIONS_PATH_MAX,
         "file of the reports; %p: pid, %h: executable's name", NULL),
    ROW(format, option_name, "text", format_help, format_wrong, formats, 0, 16),
    TEXT(suppressions, "", set_file, OPTIONS_PATH_MAX,
         "file of suppression rules; may be given more than once",
         "is one file too many: at most 4 can be given"),
    TEXT(baseline, "", option_text, OPTIONS_PATH_MAX,
         "do not count the leaks in this file, unless there are more of them", NULL),
    SWITCH(default_suppressions, "1", "0: use neither the built-in rules nor installed ones"),
    SWITCH(allow_match_all, "0", "1: accept rules that match every thread"),
    SWITCH(stacks, "1", "0: no current stacks in reports, and no thread is stopped"),
    SWITCH(follow, "1", "0: do not watch child processes"),
    WORD(color, "auto", colors, "color in the report: auto, always or never", "is not auto, always or never"),
    SWITCH(help, "0", "1: list these keys"),
};
enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

const struct options_key *options_key(unsigned n)
{
    return n < KEY_COUNT ? &keys[n] : NULL;
}

const struct options_key *options_key_find(struct slice name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (slice_is(name, keys[i].name))
            return &keys[i];
    return NULL;
}

static const char *set_key(struct options *options, const struct options_key *key, struct slice value)
{
    return key->set(key, (char *)options + key->offset, value);
}

void options_defaults(struct options *options)
{
    memset(options, 0, sizeof(*options));
    options_defaults_in_zeros(options);
}

void options_defaults_in_zeros(struct options *options)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (*keys[i].initial)
            set_key(options, &keys[i], slice_of(keys[i].initial));
}

const char options_unknown_key[] = "is not known";

const char *options_set(struct options *options, const char *key, const char *value, size_t value_len)
{
    const struct options_key *found = options_key_find(slice_of(key));
    return found ? set_key(options, found, (struct slice){value, value_len}) : options_unknown_key;
}

bool options_list_extend(struct options *options, const struct options_key *key, struct slice word)
{
    unsigned more;
    if (!key || key->set != option_list || !option_list_read(key->words, word, &more))
        return false;
    if (options)
        *(unsigned *)((char *)options + key->offset) |= more;
    return true;
}

/* ---- lists as text -------------------------------------------------------------------- */

void options_report_text(unsigned value, char out[OPTIONS_LIST_MAX])
{
    option_list_text(kinds, value, out);
}

void options_judge_text(unsigned value, char out[OPTIONS_LIST_MAX])
{
    option_list_text(ends, value, out);
}
