#include "common/options.h"

#include <limits.h>
#include <signal.h>
#include <string.h>

struct slice {
    const char *text;
    size_t length;
};

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

static const struct word switches[] = {
    {"1", 1}, {"yes", 1}, {"on", 1}, {"true", 1}, {"0", 0}, {"no", 0}, {"off", 0}, {"false", 0}, {NULL, 0},
};

/* Without those that cannot be caught, and those that a fault raises again as
 * soon as a handler returns. */
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

/* ---- one function a key: NULL, or what is wrong with the value ------------- */

static const char *set_report(struct options *options, struct slice value)
{
    return list(kinds, value, &options->report) ? NULL
                                                : "is not a list of running, detached, unjoined, all, none";
}

static const char *set_judge(struct options *options, struct slice value)
{
    return list(ends, value, &options->judge)
               ? NULL
               : "is not a list of exit, _exit, quick_exit, exec, signal, all, none";
}

static const char *set_exitcode(struct options *options, struct slice value)
{
    unsigned status;
    if (!number(value, 0, 255, &status))
        return "is not a number from 0 to 255";
    options->exitcode = (int)status;
    return NULL;
}

static const char *set_grace(struct options *options, struct slice value)
{
    return number(value, 0, 3600000, &options->grace_ms)
               ? NULL
               : "is not a number of milliseconds from 0 to 3600000";
}

static const char *set_signal(struct options *options, struct slice value)
{
    struct slice name = value;
    if (value.length > 3 && same((struct slice){value.text, 3}, "SIG"))
        name = (struct slice){value.text + 3, value.length - 3};
    const struct word *word = word_find(signals, name);
    unsigned n;
    if (word) {
        options->signal = (int)word->bits;
        return NULL;
    }
    if (name.length >= 5 && same((struct slice){name.text, 5}, "RTMIN")) {
        n = 0;
        struct slice rest = {name.text + 6, name.length - 6};
        if (name.length > 5 && (name.text[5] != '+' || !number(rest, 0, RT_LAST - RT_FIRST, &n)))
            return "is not a real-time signal: RTMIN to RTMIN+30";
        options->signal = (int)(RT_FIRST + n);
        return NULL;
    }
    if (!number(value, 1, RT_LAST, &n))
        return "is not a signal that can ask for a report, or none";
    bool known = n >= RT_FIRST;
    for (word = signals + 1; word->name; word++)
        known |= word->bits == n;
    if (!known)
        return "is not a signal that can ask for a report, or none";
    options->signal = (int)n;
    return NULL;
}

static const char *set_depth(struct options *options, struct slice value)
{
    _Static_assert(OPTIONS_DEPTH_MAX == 256, "the message says so");
    return number(value, 1, OPTIONS_DEPTH_MAX, &options->depth) ? NULL
                                                                : "is not a number of frames from 1 to 256";
}

static const char *set_text(char *field, size_t size, struct slice value)
{
    if (!value.length)
        return "is empty";
    if (value.length >= size)
        return "is too long";
    memcpy(field, value.text, value.length);
    field[value.length] = '\0';
    return NULL;
}

static const char *set_log_path(struct options *options, struct slice value)
{
    return set_text(options->log_path, sizeof(options->log_path), value);
}

/* Those of report_format.c, which is not for the shim. */
static const char *set_format(struct options *options, struct slice value)
{
    static const char *const formats[] = {"text", "json", "junit", "sarif", "github", "gitlab", "tap"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
        if (value.length == strlen(formats[i]) && !memcmp(value.text, formats[i], value.length))
            return set_text(options->format, sizeof(options->format), value);
    return "is not text, json, junit, sarif, github, gitlab or tap";
}

static const char *set_suppressions(struct options *options, struct slice value)
{
    _Static_assert(OPTIONS_SUPPRESSIONS_MAX == 4, "the message says so");
    if (options->suppressions_count >= OPTIONS_SUPPRESSIONS_MAX)
        return "is one file too many: at most 4 can be given";
    const char *problem =
        set_text(options->suppressions[options->suppressions_count], OPTIONS_PATH_MAX, value);
    if (!problem)
        options->suppressions_count++;
    return problem;
}

static const char *set_switch(bool *field, struct slice value)
{
    const struct word *word = word_find(switches, value);
    if (!word)
        return "is neither 0 nor 1";
    *field = word->bits;
    return NULL;
}

static const char *set_stacks(struct options *options, struct slice value)
{
    return set_switch(&options->stacks, value);
}

static const char *set_follow(struct options *options, struct slice value)
{
    return set_switch(&options->follow, value);
}

static const char *set_default_suppressions(struct options *options, struct slice value)
{
    return set_switch(&options->default_suppressions, value);
}

static const char *set_allow_match_all(struct options *options, struct slice value)
{
    return set_switch(&options->allow_match_all, value);
}

static const char *set_color(struct options *options, struct slice value)
{
    const struct word *word = word_find(colors, value);
    if (!word)
        return "is not auto, always or never";
    options->color = (enum option_color)word->bits;
    return NULL;
}

static const char *set_help(struct options *options, struct slice value)
{
    return set_switch(&options->help, value);
}

static const struct key {
    const char *name;
    const char *(*set)(struct options *options, struct slice value);
    const char *help;
} keys[] = {
    {"report", set_report,
     "report        running,unjoined,detached  kinds of thread that count as leaks; all, none"},
    {"judge", set_judge,
     "judge         exit      ends at which remaining threads are leaks: exit, _exit, quick_exit, exec, "
     "signal, all"},
    {"exitcode", set_exitcode,
     "exitcode      0         status to end with when threads leaked and the program's own was 0; 0: leave "
     "it"},
    {"grace_ms", set_grace,
     "grace_ms      431       how long an end waits for threads still on their way out"},
    {"signal", set_signal,
     "signal        QUIT      signal that asks for a report of every live thread, or none"},
    {"depth", set_depth, "depth         64        frames kept of a creation backtrace, 1 to 256"},
    {"log_path", set_log_path,
     "log_path      stderr    where reports go; %p: pid, %h: the executable's name"},
    {"format", set_format, "format        text      text, json, junit, sarif, github, gitlab or tap"},
    {"suppressions", set_suppressions, "suppressions  none      file of rules; may be given more than once"},
    {"default_suppressions", set_default_suppressions,
     "default_suppressions  1  0: neither the built-in rules nor those that libraries installed"},
    {"allow_match_all", set_allow_match_all,
     "allow_match_all  0      1: rules that match every thread are no error"},
    {"stacks", set_stacks,
     "stacks        1         0: reports do not say where threads are now, and stop nothing"},
    {"follow", set_follow, "follow        1         0: child processes are not watched"},
    {"color", set_color, "color         auto      auto, always or never"},
    {"help", set_help, "help          0         1: list these keys"},
};
enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

void options_defaults(struct options *options)
{
    memset(options, 0, sizeof(*options));
    options->report = KIND_ALL;
    options->judge = JUDGE_EXIT;
    options->grace_ms = 431;
    options->signal = SIGQUIT;
    options->depth = 64;
    options->follow = true;
    options->stacks = true;
    options->default_suppressions = true;
    options->color = COLOR_AUTO;
    memcpy(options->format, "text", sizeof("text"));
    memcpy(options->log_path, "stderr", sizeof("stderr"));
}

static const struct key *key_find(struct slice name)
{
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (name.length == strlen(keys[i].name) && !memcmp(name.text, keys[i].name, name.length))
            return &keys[i];
    return NULL;
}

const char *options_set(struct options *options, const char *key, const char *value, size_t value_len)
{
    const struct key *found = key_find((struct slice){key, strlen(key)});
    return found ? found->set(options, (struct slice){value, value_len}) : "unknown";
}

/* Of the words that stand for one bit each. */
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

const char *options_help(unsigned n)
{
    return n < KEY_COUNT ? keys[n].help : NULL;
}
