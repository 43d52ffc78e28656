#include "common/options.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

#include "common/slice.h"

struct word {
    const char *name;
    unsigned bits;
};

static const struct word kinds[] = {
    {"running", KIND_RUNNING},
    {"detached", KIND_DETACHED},
    {"unjoined", KIND_UNJOINED},
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

static const struct word switches[] = {
    {"1", 1}, {"yes", 1}, {"on", 1}, {"true", 1}, {"0", 0}, {"no", 0}, {"off", 0}, {"false", 0}, {NULL, 0},
};

/* All but those that cannot be caught, and those that a fault raises again when the handler returns. */
static const struct word signals[] = {
    {"none", 0},           {"HUP", SIGHUP},       {"INT", SIGINT},     {"QUIT", SIGQUIT}, {"TRAP", SIGTRAP},
    {"ABRT", SIGABRT},     {"USR1", SIGUSR1},     {"USR2", SIGUSR2},   {"PIPE", SIGPIPE}, {"ALRM", SIGALRM},
    {"TERM", SIGTERM},     {"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD},   {"CONT", SIGCONT}, {"TSTP", SIGTSTP},
    {"TTIN", SIGTTIN},     {"TTOU", SIGTTOU},     {"URG", SIGURG},     {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},     {"WINCH", SIGWINCH}, {"IO", SIGIO},     {"POLL", SIGIO},
    {"PWR", SIGPWR},       {"SYS", SIGSYS},       {NULL, 0},
};

/* The kernel's 32 and 33 belong to libc. */
enum { RT_FIRST = 34, RT_LAST = 64 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(struct slice value, const char *name)
{
    for (size_t i = 0; i < value.length; i++)
        if (!name[i] || lower(value.text[i]) != lower(name[i]))
            return false;
    return !name[value.length];
}

static const struct word *word_find(const struct word *words, struct slice value)
{
    for (; words->name; words++)
        if (same(value, words->name))
            return words;
    return NULL;
}

static bool number(struct slice value, unsigned min, unsigned max, unsigned *result)
{
    unsigned long long sum = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.text[i] < '0' || value.text[i] > '9' || sum > UINT_MAX)
            return false;
        sum = sum * 10 + (unsigned)(value.text[i] - '0');
    }
    if (!value.length || sum < min || sum > max)
        return false;
    *result = (unsigned)sum;
    return true;
}

static bool in_list(char c)
{
    return c == '+' || c == ',' || c == ' ' || c == '\t';
}

static bool list(const struct word *words, struct slice value, unsigned *result)
{
    unsigned bits = 0;
    bool any = false;
    for (size_t i = 0; i < value.length;) {
        size_t start = i;
        while (i < value.length && !in_list(value.text[i]))
            i++;
        if (i > start) {
            const struct word *word = word_find(words, (struct slice){value.text + start, i - start});
            if (!word)
                return false;
            bits |= word->bits;
            any = true;
        }
        i++;
    }
    if (any)
        *result = bits;
    return any;
}

/* ---- one function for each type of value: NULL, or what is wrong with it ----- */

static const char *set_list(const struct options_key *key, void *bits, struct slice value)
{
    return list(key->words, value, bits) ? NULL : key->wrong;
}

static const char *set_word(const struct options_key *key, void *number_of_word, struct slice value)
{
    const struct word *word = word_find(key->words, value);
    if (!word)
        return key->wrong;
    *(unsigned *)number_of_word = word->bits;
    return NULL;
}

static const char *set_number(const struct options_key *key, void *number_there, struct slice value)
{
    return number(value, key->min, key->max, number_there) ? NULL : key->wrong;
}

static const char *set_switch(const struct options_key *key, void *is_on, struct slice value)
{
    const struct word *word = word_find(switches, value);
    if (!word)
        return key->wrong;
    *(bool *)is_on = word->bits;
    return NULL;
}

static const char *set_text(const struct options_key *key, void *text, struct slice value)
{
    if (!value.length)
        return "is empty";
    if (value.length >= key->max)
        return "is too long";
    memcpy(text, value.text, value.length);
    ((char *)text)[value.length] = '\0';
    return NULL;
}

static const char *set_format(const struct options_key *key, void *name, struct slice value)
{
    for (const struct word *word = formats; word->name; word++)
        if (slice_is(value, word->name))
            return set_text(key, name, value);
    return key->wrong;
}

static const char *set_file(const struct options_key *key, void *files, struct slice value)
{
    struct options *options = (struct options *)((char *)files - key->offset);
    if (options->suppressions_count >= OPTIONS_SUPPRESSIONS_MAX)
        return key->wrong;
    const char *problem = set_text(key, options->suppressions[options->suppressions_count], value);
    options->suppressions_count += !problem;
    return problem;
}

static bool is_signal(unsigned wanted)
{
    for (const struct word *word = signals + 1; word->name; word++)
        if (word->bits == wanted)
            return true;
    return wanted >= RT_FIRST;
}

/* A name with or without SIG, RTMIN+n, or a number. */
static const char *set_signal(const struct options_key *key, void *wanted, struct slice value)
{
    struct slice name = value;
    if (value.length > 3 && same((struct slice){value.text, 3}, "SIG"))
        name = (struct slice){value.text + 3, value.length - 3};
    const struct word *word = word_find(signals, name);
    unsigned n = word ? word->bits : 0;
    if (!word && name.length >= 5 && same((struct slice){name.text, 5}, "RTMIN")) {
        struct slice rest = {name.text + 6, name.length - 6};
        if (name.length > 5 && (name.text[5] != '+' || !number(rest, 0, RT_LAST - RT_FIRST, &n)))
            return "is not a real-time signal: RTMIN to RTMIN+30";
        n += RT_FIRST;
    } else if (!word && (!number(value, 1, RT_LAST, &n) || !is_signal(n))) {
        return key->wrong;
    }
    *(int *)wanted = (int)n;
    return NULL;
}

/* ---- the keys: adding one takes a member of struct options, and a row here ---------- */

#define ROW(member, type, initial, help, wrong, ...)                                       \
    {                                                                                      \
#member, initial, help, wrong, type, offsetof(struct options, member), __VA_ARGS__ \
    }
#define LIST(member, initial, words, help, wrong) ROW(member, set_list, initial, help, wrong, words, 0, 0)
#define WORD(member, initial, words, help, wrong) ROW(member, set_word, initial, help, wrong, words, 0, 0)
#define NUMBER(member, initial, min, max, help, wrong) \
    ROW(member, set_number, initial, help, wrong, NULL, min, max)
#define SWITCH(member, initial, help) ROW(member, set_switch, initial, help, "is neither 0 nor 1", NULL, 0, 0)
#define TEXT(member, initial, type, size, help, wrong) ROW(member, type, initial, help, wrong, NULL, 0, size)

_Static_assert(OPTIONS_DEPTH_MAX == 256 && OPTIONS_SUPPRESSIONS_MAX == 4, "messages name these numbers");

static const char format_help[] = "format of the report:"
#define FORMAT(name) " " #name
#include "common/formats.def"
    ;
static const char format_wrong[] = "is none of:"
#define FORMAT(name) " " #name
#include "common/formats.def"
    ;

static const struct options_key keys[] = {
    LIST(report, "running,unjoined,detached", kinds,
         "kinds of thread that count as leaks: a list of running, unjoined, detached; all, none",
         "is not a list of running, detached, unjoined, all, none"),
    LIST(judge, "exit", ends,
         "ends of a process that are judged: a list of exit, _exit, quick_exit, exec, signal; all, none",
         "is not a list of exit, _exit, quick_exit, exec, signal, all, none"),
    NUMBER(exitcode, "0", 0, 255, "exit status when threads leaked and the program's own was 0; 0: unchanged",
           "is not a number from 0 to 255"),
    NUMBER(grace_ms, "431", 0, 3600000, "milliseconds that an end waits for threads that are about to finish",
           "is not a number of milliseconds from 0 to 3600000"),
    ROW(signal, set_signal, "QUIT", "signal on which a process reports every live thread, or none",
        "is not a signal that can ask for a report, or none", NULL, 0, 0),
    NUMBER(depth, "64", 1, OPTIONS_DEPTH_MAX, "frames recorded of a creation backtrace, 1 to 256",
           "is not a number of frames from 1 to 256"),
    TEXT(log_path, "stderr", set_text, OPTIONS_PATH_MAX,
         "file of the reports; %p: pid, %h: executable's name", NULL),
    TEXT(format, "text", set_format, 16, format_help, format_wrong),
    TEXT(suppressions, "", set_file, OPTIONS_PATH_MAX,
         "file of suppression rules; may be given more than once",
         "is one file too many: at most 4 can be given"),
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
    if (!key || key->set != set_list || !list(key->words, word, &more))
        return false;
    if (options)
        *(unsigned *)((char *)options + key->offset) |= more;
    return true;
}

/* ---- lists as text -------------------------------------------------------------------- */

/* Of the words that have one bit each. */
static void list_text(const struct word *words, unsigned bits, char out[OPTIONS_LIST_MAX])
{
    size_t used = 0;
    for (; words->name; words++) {
        size_t length = strlen(words->name);
        if (!(words->bits & bits) || words->bits & (words->bits - 1) || used + length + 2 > OPTIONS_LIST_MAX)
            continue;
        if (used)
            out[used++] = ',';
        memcpy(out + used, words->name, length);
        used += length;
    }
    memcpy(out + used, used ? "" : "none", used ? 1 : sizeof("none"));
}

void options_report_text(unsigned value, char out[OPTIONS_LIST_MAX])
{
    list_text(kinds, value, out);
}

void options_judge_text(unsigned value, char out[OPTIONS_LIST_MAX])
{
    list_text(ends, value, out);
}
