#include "leak/test_of.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Frame `at` may be a test, and frame `at + 1` its caller. */
struct place {
    const struct frame *frames;
    size_t count, at;
};

static bool begins_with(const char *text, const char *beginning)
{
    return text && strncmp(text, beginning, strlen(beginning)) == 0;
}

/* Length of the text before `ending`, or 0. */
static size_t length_before(const char *text, size_t length, const char *ending)
{
    size_t tail = strlen(ending);
    return length > tail && memcmp(text + length - tail, ending, tail) == 0 ? length - tail : 0;
}

static const char *function_of(const struct place *place, size_t further)
{
    size_t at = place->at + further;
    return at < place->count ? place->frames[at].function : NULL;
}

static bool is_of_module(const struct frame *frame, const char *beginning)
{
    return begins_with(path_basename(frame->module), beginning);
}

/* Is its caller in this library? The caller may have no name. */
static bool is_called_from(const struct place *place, const char *module)
{
    return place->at + 1 < place->count && is_of_module(&place->frames[place->at + 1], module) &&
           !is_of_module(&place->frames[place->at], module);
}

/* ---- GoogleTest ---------------------------------------------------------------------- */

/* The beginning of the last part of a qualified name. Arguments and (anonymous namespace) contain colons,
 * too. */
static const char *last_part(const char *name, size_t length)
{
    int depth = 0;
    for (const char *at = name + length; at > name; at--) {
        depth += (at[-1] == '>' || at[-1] == ')') - (at[-1] == '<' || at[-1] == '(');
        if (depth == 0 && at[-1] == ':')
            return at;
    }
    return name;
}

/* TEST(Suite, Name) makes a class Suite_Name_Test, a template for TYPED_TEST, with
 * that one method. */
static char *google_test(const struct place *place)
{
    const char *function = function_of(place, 0), *clone = strstr(function, " [clone ");
    size_t length = clone ? (size_t)(clone - function) : strlen(function);
    size_t class = length_before(function, length, "::TestBody()");
    class = class ? class : length_before(function, length, "::TestBody");
    const char *name = last_part(function, class);
    const char *arguments = memchr(name, '<', (size_t)(function + class - name));
    size_t rest = (size_t)((arguments ? arguments : function + class) - name);
    size_t plain = class ? length_before(name, rest, "_Test") : 0;
    if (!plain)
        return NULL;
    char *test = NULL;
    const char *divide = memchr(name, '_', plain);
    bool sure = divide && divide > name && divide + 1 < name + plain &&
                !memchr(divide + 1, '_', (size_t)(name + plain - divide - 1));
    int types = arguments ? (int)(function + class - arguments) : 0;
    if (asprintf(&test, "%.*s%.*s", (int)plain, name, types, arguments ? arguments : "") < 0)
        return NULL;
    if (sure)
        test[divide - name] = '.';
    return test;
}

/* ---- C --------------------------------------------------------------------------------- */

/* Length of the name in the source, without arguments and what a compiler
 * adds (".cold", ".constprop.0"); 0: it is not a plain name. */
static size_t name_length(const char *function)
{
    size_t length = strcspn(function, ".(");
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)function[i]) && function[i] != '_' && function[i] != ':')
            return 0;
    return length && function[length - 1] != ':' ? length : 0;
}

static bool is_function(const char *function, const char *name)
{
    size_t length = strlen(name);
    return function && name_length(function) == length && memcmp(function, name, length) == 0;
}

static bool is_one_of(const char *function, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_function(function, names[i]))
            return true;
    return false;
}

/* START_TEST(name) makes a function name_fn since 0.13 (and name before, as its fixtures are
 * called).  The library is mostly linked statically. */
static char *check(const struct place *place)
{
    static const char *const runners[] = {"tcase_run_tfun_fork", "tcase_run_tfun_nofork",
                                          "srunner_run_tagged", "srunner_run_tcase",
                                          "srunner_iterate_tcase_tfuns"};
    static const char *const fixtures[] = {"srunner_run_setup", "srunner_run_teardown"};
    const char *function = function_of(place, 0), *caller = function_of(place, 1);
    bool known = is_called_from(place, "libcheck.so") || is_one_of(caller, runners, COUNT(runners)) ||
                 begins_with(caller, "threadleak_tcase_run_"); /* <threadleak/check.h> */
    size_t length = length_before(function, name_length(function), "_fn");
    return known && length && !is_one_of(caller, fixtures, COUNT(fixtures)) ? strndup(function, length)
                                                                            : NULL;
}

static bool has(const char *text, const char *part)
{
    return strcasestr(text, part) != NULL;
}

/* The name, if it begins or ends with the word "test" and has no word of fixtures; else NULL. */
static char *name_of_test(const char *name)
{
    size_t length = name_length(name);
    bool test = (begins_with(name, "test") || begins_with(name, "Test")) && !islower((unsigned char)name[4]);
    test = test || length_before(name, length, "_test") || length_before(name, length, "Test");
    if (!length || !test || has(name, "setup") || has(name, "set_up") || has(name, "teardown") ||
        has(name, "tear_down") || has(name, "fixture") || has(name, "init"))
        return NULL;
    return strndup(name, length);
}

static char *cmocka(const struct place *place)
{
    bool called = is_called_from(place, "libcmocka.so") ||
                  is_function(function_of(place, 1), "cmocka_run_one_test_or_fixture");
    return called ? name_of_test(function_of(place, 0)) : NULL;
}

static char *glib(const struct place *place)
{
    if (!is_called_from(place, "libglib-2.0.so"))
        return NULL;
    for (size_t i = 1; place->at + i < place->count; i++)
        if (is_function(function_of(place, i), "g_test_run_suite"))
            return name_of_test(function_of(place, 0));
    return NULL;
}

static char *unity(const struct place *place)
{
    static const char *const runners[] = {"UnityDefaultTestRun", "UnityTestRunner"};
    static const char *const fixtures[] = {"setUp", "tearDown"};
    const char *function = function_of(place, 0);
    if (!is_one_of(function_of(place, 1), runners, COUNT(runners)))
        return NULL;
    size_t length = name_length(function);
    bool fixture = is_one_of(function, fixtures, COUNT(fixtures)) ||
                   length_before(function, length, "_SETUP") ||
                   length_before(function, length, "_TEAR_DOWN") || begins_with(function, "Unity");
    return length && !fixture ? strndup(function, length) : NULL;
}

/* ---- Boost.Test ------------------------------------------------------------------------ */

/* BOOST_AUTO_TEST_CASE(name) makes a struct name with that method, and a function
 * name_invoker that calls it; suites are namespaces. */
static char *boost(const struct place *place)
{
    const char *function = function_of(place, 0), *caller = function_of(place, 1);
    size_t length = length_before(function, strlen(function), "::test_method()");
    if (!length || !caller || strncmp(caller, function, length) != 0 ||
        !begins_with(caller + length, "_invoker()"))
        return NULL;
    char *test = strndup(function, length), *out = test;
    for (const char *in = test; in && *in; in++) {
        bool colons = in[0] == ':' && in[1] == ':';
        *out++ = colons ? '/' : *in;
        in += colons;
    }
    if (out)
        *out = 0;
    return test;
}

/* ---- Rust -------------------------------------------------------------------------------- */

/* libtest calls a closure in crate::path::name through core's FnOnce. Without the closure it may be a
 * function that an optimised test jumped to. */
static char *rust(const struct place *place)
{
    const char *function = function_of(place, 0), *crate_end = strstr(function, "::");
    const char *closure = strstr(function, "::{");
    if (!closure || crate_end >= closure || !isalpha((unsigned char)*function) ||
        begins_with(function, "core::"))
        return NULL;
    for (size_t i = 1; place->at + i < place->count; i++) {
        const char *caller = function_of(place, i);
        if (begins_with(caller, "test::__rust_begin_short_backtrace"))
            return strndup(crate_end + 2, (size_t)(closure - crate_end - 2));
        if (!begins_with(caller, "core::") && !begins_with(caller, "<"))
            return NULL;
    }
    return NULL;
}

/* -------------------------------------------------------------------------------------------- */

char *test_of_stack(const struct frame *frames, size_t count)
{
    static char *(*const frameworks[])(const struct place *) = {google_test, check, cmocka, glib,
                                                                unity,       boost, rust};
    /* Searches from the root, because a function that a test calls may have the name of a test, too. */
    for (size_t at = count; at-- > 0;) {
        const struct place place = {frames, count, at};
        char *test = NULL;
        if (!frames[at].function)
            continue;
        for (size_t i = 0; i < COUNT(frameworks) && !test; i++)
            test = frameworks[i](&place);
        if (test)
            return test;
    }
    return NULL;
}
