/* Rules: what they match, and what is no rule. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ignore.h"
#include "options.h"

static struct ignore *ignore;
static char path[64];
static struct error error;

static void setup(void)
{
    ignore = ignore_new();
    ck_assert_ptr_nonnull(ignore);
    strcpy(path, "/tmp/check_ignore.XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    error.text[0] = '\0';
}

static void teardown(void)
{
    ignore_free(ignore);
    unlink(path);
}

static void write_file(const char *name, const char *bytes, size_t length)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
}

static void load(const char *text)
{
    write_file(path, text, strlen(text));
    ck_assert_msg(ignore_load(ignore, path, &error), "%s", error.text);
}

/* The error, without the file that it begins with. */
static void load_fails(const char *bytes, size_t length, const char *expected)
{
    size_t before = ignore_count(ignore);
    write_file(path, bytes, length);
    error.text[0] = '\0';
    ck_assert_msg(!ignore_load(ignore, path, &error), "'%s' was loaded", bytes);
    ck_assert_msg(strncmp(error.text, path, strlen(path)) == 0, "%s", error.text);
    ck_assert_str_eq(error.text + strlen(path), expected);
    ck_assert_uint_eq(ignore_count(ignore), before);
}

/* ---- threads to match ------------------------------------------------------------------- */

static struct ignore_site site;
static struct ignore_thread thread;

static const char *match(void)
{
    struct ignore_matcher *matcher = ignore_matcher_new(ignore);
    ck_assert_ptr_nonnull(matcher);
    ignore_matcher_site(matcher, &site);
    const struct ignore_rule *rule = ignore_matcher_find(matcher, &thread);
    ck_assert_ptr_eq(ignore_matcher_find(matcher, &thread), rule); /* what is remembered is the same */
    ignore_matcher_free(matcher);
    return rule ? rule->text : NULL;
}

/* One rule alone: does it match the thread? */
static bool matches(const char *rule)
{
    struct ignore *others = ignore;
    ignore = ignore_new();
    ck_assert_msg(ignore_load_text(ignore, rule, "test", &error), "%s", error.text);
    ck_assert_uint_eq(ignore_count(ignore), 1);
    const char *matched = match();
    bool same = matched && strcmp(matched, rule) == 0;
    ck_assert(same || !matched);
    ignore_free(ignore);
    ignore = others;
    return same;
}

static const char *match_function(const char *function)
{
    const struct frame frame = {.function = function};
    site = (struct ignore_site){.stack = &frame, .stack_count = 1, .kind = KIND_RUNNING};
    const char *rule = match();
    site.stack_count = 0;
    return rule;
}

/* As a program has them: the user's frames, a library's, libc's. */
static const struct frame creation[] = {
    {.function = "pool_start", .file = "/src/pool.c", .module = "/usr/lib/libpool.so.1"},
    {.function = "operator new(unsigned long)", .module = "/usr/bin/app"},
    {.module = "/usr/lib/libnameless.so", .offset = 0x10},
    {.function = "main", .file = "/src/main.c", .module = "/usr/bin/app"},
    {.function = "__libc_start_call_main", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "__libc_start_main", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "_start", .module = "/usr/bin/app", .runtime = true},
};
static const struct frame start = {
    .function = "worker", .file = "/src/pool.c", .module = "/usr/lib/libpool.so.1", .offset = 0x1234};
static const struct frame present[] = {
    {.function = "__futex_abstimed_wait", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "wait_common", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "pthread_cond_wait", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "wait_for_job", .module = "/usr/bin/app"},
    {.function = "worker", .module = "/usr/bin/app"},
    {.function = "start_thread", .module = "/lib/libc.so.6", .runtime = true},
    {.function = "clone3", .module = "/lib/libc.so.6", .runtime = true},
};

static void whole_thread(void)
{
    site = (struct ignore_site){.stack = creation,
                                .stack_count = 7,
                                .start = &start,
                                .kind = KIND_RUNNING,
                                .process = "/usr/bin/app"};
    thread = (struct ignore_thread){
        .name = "io 1", .present = present, .present_count = 7, .waiting = WAIT_CONDVAR};
}

/* ---- patterns ---------------------------------------------------------------------------- */

START_TEST(no_rules_match_nothing)
{
    load("\n# thread:main\n   \n\t# x\n#\n");
    ck_assert_uint_eq(ignore_count(ignore), 0);
    whole_thread();
    ck_assert_ptr_null(match());
    ignore_free(ignore);
    ignore = NULL;
    ck_assert_ptr_null(match());
}
END_TEST

START_TEST(a_pattern_matches_anywhere)
{
    load("thread:pool\n");
    ck_assert_str_eq(match_function("pool"), "thread:pool");
    ck_assert(match_function("my_pool_start"));
    ck_assert_ptr_null(match_function("poo"));
    ck_assert_ptr_null(match_function("Pool"));
}
END_TEST

START_TEST(anchors_tie)
{
    load("thread:^begin\nthread:end$\nthread:^whole$\n");
    ck_assert_str_eq(match_function("begin_x"), "thread:^begin");
    ck_assert_ptr_null(match_function("x_begin"));
    ck_assert_str_eq(match_function("x_end"), "thread:end$");
    ck_assert_str_eq(match_function("end_end"), "thread:end$");
    ck_assert_ptr_null(match_function("end_x"));
    ck_assert_str_eq(match_function("whole"), "thread:^whole$");
    ck_assert_ptr_null(match_function("wholes"));
    ck_assert_ptr_null(match_function("awhole"));
}
END_TEST

START_TEST(stars_stand_for_any_text)
{
    load("thread:^a*b*c$\n");
    ck_assert(match_function("abc"));
    ck_assert(match_function("axxbxbyyc"));
    ck_assert(match_function("abcbc"));
    ck_assert_ptr_null(match_function("acb"));
    ck_assert_ptr_null(match_function("abcd"));
    load("thread:std::*::join\n");
    ck_assert(match_function("void std::x::y::join(int)"));
    ck_assert_ptr_null(match_function("std::join"));
}
END_TEST

START_TEST(many_stars_are_no_burden)
{
    load("thread:a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n");
    char name[4001];
    memset(name, 'a', 4000);
    name[4000] = '\0';
    ck_assert_ptr_null(match_function(name));
}
END_TEST

START_TEST(blanks_and_line_ends_do_not_matter)
{
    load("\xef\xbb\xbf  thread:a b \r\n\tthread:^c$\t\n\r\nthread:\td  # because\nthread:last");
    ck_assert_uint_eq(ignore_count(ignore), 4);
    ck_assert_str_eq(match_function("a b"), "thread:a b");
    ck_assert_str_eq(match_function("c"), "thread:^c$");
    ck_assert_str_eq(match_function("d"), "thread:\td");
    ck_assert_str_eq(match_function("last"), "thread:last");
    ck_assert_uint_eq(ignore_rule_at(ignore, 3)->line, 5);
    ck_assert_str_eq(ignore_rule_at(ignore, 3)->origin, path);
    ck_assert_int_eq(ignore_rule_at(ignore, 3)->source, IGNORE_USER);
}
END_TEST

START_TEST(names_may_have_blanks_colons_and_number_signs)
{
    load("thread:^operator new(unsigned long)$\nthread:foo(int, std::string const&)\n"
         "thread:main::{lambda()#1}\nthread:^a ::b$\n");
    ck_assert(match_function("operator new(unsigned long)"));
    ck_assert(match_function("foo(int, std::string const&)"));
    ck_assert_ptr_null(match_function("foo(int,"));
    ck_assert(match_function("main::{lambda()#1}::operator()() const"));
    ck_assert_ptr_null(match_function("main::{lambda()#2}::operator()() const"));
    ck_assert(match_function("a ::b"));
}
END_TEST

static const struct {
    const char *rule, *function;
    bool matches;
} of_functions[] = {
    {"thread:^beat$", "beat", true},
    {"thread:^beat$", "beat(int)", true},
    {"thread:^beat$", "beat()", true},
    {"thread:^beat$", "ns::beat(int)", false},
    {"thread:^ns::beat$", "ns::beat(int) const", true},
    {"thread:^ns::beat$", "ns::beat(int) const &", true},
    {"thread:^ns::beat$", "ns::beat(void (*)(int), std::pair<int, int>)", true},
    {"thread:^beat$", "beat(int) [clone .isra.0]", true},
    {"thread:^beat$", "beats(int)", false},
    {"thread:^beat$", "drum(beat)", false},
    {"thread:^beat$", "drum(int (*)(beat))", false},
    {"thread:^int$", "beat(int)", false},
    {"thread:^(anonymous namespace)::beat$", "(anonymous namespace)::beat(int)", false},
    {"thread:^*anonymous namespace*::beat$", "(anonymous namespace)::beat(int)", true},
    {"thread:^beat(int)$", "beat(int)", true},
    {"thread:^beat()$", "beat(int)", false},
    {"thread:^beat(*$", "beat(int)", true},
    /* of a function within it, and what returns one, that is not the name */
    {"thread:^beat$", "beat(int)::{lambda()#1}::operator()() const", false},
    {"thread:^beat$", "beat(int)::local", false},
    {"thread:^beat$", "void (*beat(int))(char)", false},
    {"thread:operator$", "beat::operator()", false},
    {"thread:^beat::my_operator$", "beat::my_operator(int)", true},
    {"thread:^beat::operator$", "beat::operator()(int)", false},
    {"thread:^operator new$", "operator new(unsigned long)", true},
    {"thread:^beat::operator bool$", "beat::operator bool() const", true},
    {"thread:^beat::operator->$", "beat::operator->()", true},
    {"thread:^std::ostream& operator<< <char>$", "std::ostream& operator<< <char>(std::ostream&, char)",
     true},
    {"thread:{lambda*operator*$", "main::{lambda()#1}::operator()(int) const", true},
    /* templates: with the type that they return, or without it */
    {"thread:^beat<int>$", "void beat<int>(int)", true},
    {"thread:^void beat<int>$", "void beat<int>(int)", true},
    {"thread:^beat$", "void beat<int>(int)", false},
    {"thread:^beat<*>$", "void beat<std::pair<int, long> >(int)", true},
    {"thread:^ns::beat<int>$", "std::enable_if<(1 > 0), int>::type ns::beat<int>(int)", true},
    {"thread:^beat$", ")", false},
    {"thread:^beat$", "(", false},
    {"thread:^beat$", " const", false},
    {"thread:^beat$", "", false},
    {"thread:^beat$", "beat(int))", false},
};

START_TEST(functions_match_without_their_arguments)
{
    whole_thread();
    const struct frame frame = {.function = of_functions[_i].function};
    site.stack = &frame;
    site.stack_count = 1;
    ck_assert_msg(matches(of_functions[_i].rule) == of_functions[_i].matches, "%s: %s", of_functions[_i].rule,
                  of_functions[_i].function);
}
END_TEST

START_TEST(every_type_of_function_matches_without_arguments)
{
    const struct frame frame = {.function = "beat(int)"};
    thread = (struct ignore_thread){.name = "beat(int)", .present = &frame, .present_count = 1};
    site = (struct ignore_site){.stack = &frame, .stack_count = 1, .start = &frame, .kind = KIND_RUNNING};
    ck_assert(matches("start:^beat$"));
    ck_assert(matches("thread:^beat$"));
    ck_assert(matches("top:^beat$"));
    ck_assert(matches("any:^beat$"));
    ck_assert(!matches("name:^beat$"));
}
END_TEST

/* What a runtime's start routine calls is known of a whole present stack alone. */
START_TEST(start_is_what_a_runtime_calls)
{
    static const struct frame runtime = {
        .module = "/usr/lib/libstdc++.so.6", .offset = 0x10, .runtime = true};
    static const struct frame now[] = {
        {.function = "pause", .runtime = true},
        {.function = "rest()"},
        {.function = "job(int)"},
        {.function = "std::thread::_State_impl<std::thread::_Invoker<int> >::_M_run()", .runtime = true},
        {.module = "/usr/lib/libstdc++.so.6", .runtime = true},
    };
    whole_thread();
    site.start = &runtime;
    thread.present = now;
    thread.present_count = 5;
    thread.present_whole = true;
    ck_assert(matches("start:^job$"));
    ck_assert(matches("start:^job(int)$ kind:running"));
    ck_assert(matches("start:^libstdc"));
    ck_assert(!matches("start:^rest$"));
    ck_assert(!matches("start:_M_run"));
    ck_assert(!matches("start:^job$ kind:detached"));
    thread.present_whole = false;
    ck_assert(!matches("start:^job$"));
    ck_assert(matches("start:^libstdc"));
    thread.present_whole = true;
    site.start = &start; /* the user's own */
    ck_assert(!matches("start:^job$"));
    site.start = &runtime;
    thread.present = NULL;
    ck_assert(!matches("start:^job$"));
}
END_TEST

START_TEST(names_may_have_commas_and_colons)
{
    load("thread:foo<int, char>\nthread:^f(int,\nthread:^g<int, kind>\nthread:lambda(auto:1)\n"
         "thread:std::pair<long,\nname:a,\nthread:^x,kind:y$\nthread:^ns::c::12\n");
    ck_assert(match_function("void foo<int, char>()"));
    ck_assert(match_function("f(int, char)"));
    ck_assert(match_function("g<int, kind>()"));
    ck_assert(match_function("main::{lambda(auto:1)#1}"));
    ck_assert(match_function("std::pair<long, long>::pair()"));
    ck_assert(match_function("x,kind:y"));
}
END_TEST

/* ---- types -------------------------------------------------------------------------------- */

static const struct {
    const char *rule;
    bool matches;
} of_whole_thread[] = {
    /* any creation frame, or the start routine: function, file, module */
    {"thread:^pool_start$", true},
    {"thread:^main$", true},
    {"thread:^/src/pool.c$", true},
    {"thread:main.c", true},
    {"thread:libnameless", true},
    {"thread:^worker$", true},
    {"thread:^libpool", true},
    {"thread:^pool.c$", true},
    {"thread:^ool.c$", false},
    {"thread:wait_for_job", false},
    {"thread:io 1", false},
    /* libc's own beginning is no part of it */
    {"thread:_start$", true}, /* pool_start */
    {"thread:^_start$", false},
    {"thread:__libc_start", false},
    {"thread:libc.so.6", false},
    {"start:^worker$", true},
    {"start:^libpool.so.1+0x1234$", true},
    {"start:+0x12", true},
    {"start:pool_start", false},
    {"start:/src/pool.c", false},
    {"start:/usr/lib", false},
    {"name:^io 1$", true},
    {"name:io", true},
    {"name:^1", false},
    {"name:worker", false},
    {"module:^libpool.so.1$", true},
    {"module:^/usr/lib/libpool.so.1$", true},
    {"module:^app$", true},
    {"module:pool_start", false},
    {"module:libc.so", false},
    /* the innermost, the one that is shown first, and the user's first */
    {"top:^__futex_abstimed_wait$", true},
    {"top:^wait_common$", false},
    {"top:^pthread_cond_wait$", true},
    {"top:^wait_for_job$", true},
    {"top:^worker$", false},
    {"top:pool_start", false},
    {"any:^wait_common$", true},
    {"any:^worker$", true},
    {"any:start_thread", false},
    {"any:clone3", false},
    {"any:pool_start", false},
    {"any:libc.so", false},
    /* conditions */
    {"thread:pool waiting:condvar", true},
    {"thread:pool waiting:mutex,condvar,sleep", true},
    {"thread:pool waiting:mutex", false},
    {"thread:pool kind:running", true},
    {"thread:pool kind:unjoined,running", true},
    {"thread:pool kind:detached", false},
    {"thread:pool process:^app$", true},
    {"thread:pool process:^/usr/bin/app$", true},
    {"thread:pool process:^bin", false},
    {"start:worker top:cond_wait name:^io waiting:condvar kind:running", true},
    {"start:worker top:cond_wait name:^ip waiting:condvar kind:running", false},
    {"thread:* waiting:condvar", true},
    {"top:pthread_cond_wait thread:^main$", true},
    {"top:pthread_cond_wait thread:^other$", false},
    {"name:io name:1", true},
    {"name:io name:2", false},
    {"thread:operator new(unsigned long) name:io 1 module:app", true},
};

START_TEST(each_type_looks_at_its_own)
{
    whole_thread();
    ck_assert_msg(matches(of_whole_thread[_i].rule) == of_whole_thread[_i].matches, "%s",
                  of_whole_thread[_i].rule);
}
END_TEST

/* A symbolic link's name is what its user knows. */
START_TEST(a_process_has_two_names)
{
    whole_thread();
    site.process = "/usr/bin/redis-check-rdb";
    site.called = "bin/redis-server";
    ck_assert(matches("thread:pool process:^redis-check-rdb$"));
    ck_assert(matches("thread:pool process:^/usr/bin/redis-check-rdb$"));
    ck_assert(matches("thread:pool process:^redis-server$"));
    ck_assert(matches("thread:pool process:^bin/redis-server$"));
    ck_assert(!matches("thread:pool process:^redis$"));
}
END_TEST

static const char *const of_no_present[] = {"top:wait", "any:worker", "thread:pool waiting:condvar",
                                            "thread:pool top:*", "any:*wait*"};

START_TEST(what_is_not_known_never_matches)
{
    whole_thread();
    thread.present = NULL;
    thread.present_count = 0;
    thread.waiting = WAIT_NONE;
    for (size_t i = 0; i < sizeof(of_no_present) / sizeof(*of_no_present); i++)
        ck_assert_msg(!matches(of_no_present[i]), "%s", of_no_present[i]);
    ck_assert(matches("thread:pool"));
    thread.name = "";
    ck_assert(!matches("thread:pool name:*"));
    thread.name = NULL;
    ck_assert(!matches("thread:pool name:*"));
    site.process = NULL;
    ck_assert(!matches("thread:pool process:*"));
    site.called = "/usr/bin/python3";
    ck_assert(matches("thread:pool process:^python3$"));
    site.start = NULL;
    ck_assert(!matches("start:worker"));
    ck_assert(!matches("thread:worker"));
    site.stack_count = 0;
    ck_assert(!matches("thread:pool"));
}
END_TEST

START_TEST(a_stack_of_libc_alone_has_a_top)
{
    whole_thread();
    thread.present_count = 3;
    ck_assert(matches("top:__futex"));
    ck_assert(!matches("top:pthread_cond_wait"));
    ck_assert(matches("any:pthread_cond_wait"));
}
END_TEST

START_TEST(a_start_without_symbols_is_no_frame_either)
{
    struct frame frames[] = {{.function = "f", .module = "/usr/bin/app"},
                             {.module = "/lib/libc.so.6", .runtime = true},
                             {.module = "/usr/bin/app", .runtime = true}};
    whole_thread();
    site.stack = frames;
    site.stack_count = 3;
    ck_assert(!matches("thread:libc.so"));
    ck_assert(matches("thread:/app"));
    frames[0].module = NULL;
    ck_assert(!matches("thread:/app"));
}
END_TEST

START_TEST(the_first_rule_counts)
{
    load("thread:nothing\nname:^io\nthread:pool\n");
    whole_thread();
    ck_assert_str_eq(match(), "name:^io");
    thread.name = "other";
    ck_assert_str_eq(match(), "thread:pool");
}
END_TEST

START_TEST(a_matcher_goes_on_to_other_sites_and_threads)
{
    struct frame others[] = {{.function = "elsewhere"}};
    load("thread:pool top:wait_for_job\nthread:elsewhere\n");
    whole_thread();
    struct ignore_matcher *matcher = ignore_matcher_new(ignore);
    ignore_matcher_site(matcher, &site);
    ck_assert_str_eq(ignore_matcher_find(matcher, &thread)->text, "thread:pool top:wait_for_job");
    ck_assert_ptr_null(
        ignore_matcher_find(matcher, &(struct ignore_thread){.present = present + 4, .present_count = 3}));
    ck_assert_str_eq(ignore_matcher_find(matcher, &thread)->text, "thread:pool top:wait_for_job");
    ignore_matcher_site(matcher, &(struct ignore_site){.stack = others, .stack_count = 1});
    ck_assert_str_eq(ignore_matcher_find(matcher, &thread)->text, "thread:elsewhere");
    ignore_matcher_site(matcher, &(struct ignore_site){.stack = others, .stack_count = 0});
    ck_assert_ptr_null(ignore_matcher_find(matcher, &thread));
    ignore_matcher_free(matcher);
}
END_TEST

/* ---- where rules come from -------------------------------------------------------------------- */

START_TEST(files_add_up)
{
    load("thread:one\n");
    load("thread:two\n");
    ck_assert_str_eq(match_function("one two"), "thread:one");
    ck_assert(match_function("two"));
}
END_TEST

START_TEST(a_wrong_file_adds_nothing)
{
    load("thread:kept\n");
    load_fails("thread:before\nthread:\n", 22, ":2:8: 'thread:' has no pattern");
    ck_assert(match_function("kept"));
    ck_assert_ptr_null(match_function("before"));
    load("thread:after\n");
    ck_assert(match_function("after"));
}
END_TEST

START_TEST(a_text_has_an_origin)
{
    ck_assert(ignore_load_text(ignore, "# x\n\nthread:a\nname:b", "rules of ./app", &error));
    ck_assert_uint_eq(ignore_count(ignore), 2);
    ck_assert_str_eq(ignore_rule_at(ignore, 1)->origin, "rules of ./app");
    ck_assert_uint_eq(ignore_rule_at(ignore, 1)->line, 4);
    ck_assert_int_eq(ignore_rule_at(ignore, 1)->source, IGNORE_PROGRAM);
    ck_assert(!ignore_load_text(ignore, "name:c\n lead:x\n", "rules of ./app", &error));
    ck_assert_str_eq(error.text, "rules of ./app:2:2: unknown type 'lead:': thread:, start:, name:, "
                                 "module:, top: or any: was expected");
    ck_assert(ignore_load_text(ignore, "", "nothing", &error));
    ck_assert_uint_eq(ignore_count(ignore), 2);
}
END_TEST

START_TEST(a_folder_is_read_by_name)
{
    char folder[] = "/tmp/check_ignore_d.XXXXXX", name[128];
    static const char *const files[] = {"b.supp", "B.supp", "a.supp", "a.txt", ".x.supp", ".supp"};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < 6; i++) {
        char text[64];
        snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
        snprintf(text, sizeof(text), i < 3 ? "thread:of %s\n" : "%s is no rule", files[i]);
        write_file(name, text, strlen(text));
    }
    ck_assert_msg(ignore_load_folder(ignore, folder, &error), "%s", error.text);
    ck_assert_uint_eq(ignore_count(ignore), 3);
    ck_assert_str_eq(ignore_rule_at(ignore, 0)->text, "thread:of B.supp");
    ck_assert_str_eq(ignore_rule_at(ignore, 1)->text, "thread:of a.supp");
    ck_assert_str_eq(ignore_rule_at(ignore, 2)->text, "thread:of b.supp");
    ck_assert_int_eq(ignore_rule_at(ignore, 2)->source, IGNORE_SHIPPED);
    snprintf(name, sizeof(name), "%s/b.supp", folder);
    write_file(name, "x", 1);
    ck_assert(!ignore_load_folder(ignore, folder, &error));
    ck_assert_msg(strncmp(error.text, name, strlen(name)) == 0, "%s", error.text);
    ck_assert_uint_eq(ignore_count(ignore), 3);
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
        unlink(name);
    }
    rmdir(folder);
    ck_assert(ignore_load_folder(ignore, folder, &error));
    ck_assert_uint_eq(ignore_count(ignore), 3);
}
END_TEST

START_TEST(a_frame_without_a_name_is_told_by_its_place)
{
    whole_thread();
    ck_assert(matches("thread:^libnameless.so+0x10$"));
    ck_assert(matches("thread:libnameless.so+0x"));
    ck_assert(!matches("thread:^libnameless.so+0x1$"));
    ck_assert(!matches("thread:^libnameless.so+0x100$"));
    ck_assert(!matches("module:^libnameless.so+0x10$"));
    ck_assert(!matches("thread:x10"));              /* part of a name, not of a place */
    ck_assert(!matches("thread:^libpool.so.1+*$")); /* what has a name is told by that */
    ck_assert(!matches("thread:^libpool.so.1+0x1234$"));
    ck_assert(matches("start:^libpool.so.1+0x1234$"));
}
END_TEST

START_TEST(the_built_in_ones_are_rules)
{
    ck_assert_msg(ignore_load_built_in(ignore, &error), "%s", error.text);
    ck_assert_uint_gt(ignore_count(ignore), 0);
    for (size_t i = 0; i < ignore_count(ignore); i++) {
        const struct ignore_rule *rule = ignore_rule_at(ignore, i);
        ck_assert_int_eq(strncmp(rule->label, "built in: ", 10), 0);
        ck_assert_str_eq(rule->origin, "built in");
        ck_assert_int_eq(rule->source, IGNORE_BUILT_IN);
    }
    whole_thread();
    ck_assert_ptr_null(match());
}
END_TEST

/* Threads of libraries as they were seen, and the user's own beside them. */
static const struct {
    struct frame start, creation, top;
    const char *name, *label; /* label NULL: not ignored */
    enum wait_on waiting;
} library_threads[] = {
    {.start = {.module = "/usr/lib/libgomp.so.1.0.0", .offset = 0x1cc40}, .label = "OpenMP's pool"},
    {.start = {.function = "gomp_thread_start", .module = "/app"}, .label = "OpenMP's pool"},
    {.start = {.function = "my_gomp_thread_start", .module = "/app"}},
    {.start = {.function = "stay", .module = "/app"},
     .creation = {.function = "GOMP_parallel", .module = "/usr/lib/libgomp.so.1"}},
    {.start = {.module = "/usr/lib/libomp.so.5", .offset = 0x10}, .label = "OpenMP's pool"},
    {.start = {.module = "/usr/lib/libompanion.so.5", .offset = 0x10}},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "gmain", .label = "GLib"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "gdbus", .label = "GDBus"},
    {.start = {.function = "g_thread_proxy", .module = "/lib/libglib-2.0.so.0"},
     .name = "gmain",
     .label = "GLib"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "mine"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}, .name = "gmain2"},
    {.start = {.module = "/usr/lib/libglib-2.0.so.0", .offset = 0x10}},
    {.start = {.function = "mine", .module = "/app"}, .name = "gmain"},
    {.start = {.module = "/usr/lib/libjemalloc.so.2", .offset = 0x39c30}, .label = "jemalloc"},
    {.start = {.function = "background_thread_entry", .module = "/app"},
     .name = "jemalloc_bg_thd",
     .label = "jemalloc"},
    {.start = {.function = "background_thread_entry", .module = "/app"}, .name = "app"},
    {.start = {.function = "__tsan::BackgroundThread(void*)", .module = "/app"}, .label = "a sanitizer"},
    {.start = {.function = "not__tsan::f", .module = "/app"}},
    {.start = {.module = "/lib/libuv.so.1", .offset = 0xad10},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"},
     .top = {.function = "uv_cond_wait", .module = "/lib/libuv.so.1"},
     .waiting = WAIT_CONDVAR,
     .label = "libuv's pool"},
    {.start = {.module = "/lib/libuv.so.1", .offset = 0xad10},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"},
     .top = {.function = "callback", .module = "/app"},
     .waiting = WAIT_CONDVAR},
    {.start = {.module = "/lib/libuv.so.1", .offset = 0xad10},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"}},
    {.start = {.function = "mine", .module = "/app"},
     .creation = {.function = "uv_once", .module = "/lib/libuv.so.1"},
     .top = {.function = "uv_cond_wait", .module = "/lib/libuv.so.1"},
     .waiting = WAIT_CONDVAR},
    /* libc's own functions as start routines are the user's choice */
    {.start = {.function = "pause", .module = "/lib/libc.so.6"}},
};

START_TEST(the_built_in_ones_are_narrow)
{
    ck_assert_msg(ignore_load_built_in(ignore, &error), "%s", error.text);
    bool has_top = library_threads[_i].top.function;
    site = (struct ignore_site){.stack = &library_threads[_i].creation,
                                .stack_count = 1,
                                .start = &library_threads[_i].start,
                                .kind = KIND_RUNNING};
    thread = (struct ignore_thread){.name = library_threads[_i].name,
                                    .present = has_top ? &library_threads[_i].top : NULL,
                                    .present_count = has_top,
                                    .waiting = library_threads[_i].waiting};
    const char *rule = match(), *label = NULL;
    for (size_t i = 0; rule && i < ignore_count(ignore) && !label; i++)
        if (strcmp(ignore_rule_at(ignore, i)->text, rule) == 0)
            label = ignore_rule_at(ignore, i)->label + strlen(IGNORE_BUILT_IN_LABEL);
    if (library_threads[_i].label)
        ck_assert_pstr_eq(label, library_threads[_i].label);
    else
        ck_assert_msg(!rule, "%s", rule);
}
END_TEST

/* GLib's pool, its own frames as the symbolizer tells them, leaf first and without libc's. */
#define GLIB "/lib/libglib-2.0.so.0"
#define INSIDE                                             \
    {                                                      \
        .module = GLIB, .offset = 0x7f702, .runtime = true \
    }
#define CALL(name)                         \
    {                                      \
        .function = (name), .module = GLIB \
    }
#define USERS                                \
    {                                        \
        .function = "work", .module = "/app" \
    }
static const struct {
    const char *made_by, *name;
    struct frame present[6];
    bool cut, idle;
} glib_threads[] = {
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .present = {CALL("g_cond_wait_until"), INSIDE, INSIDE, INSIDE},
     .idle = true},
    {.made_by = "g_thread_pool_new_full",
     .name = "pool-app",
     .present = {CALL("g_cond_wait_until"), INSIDE, CALL("g_async_queue_timeout_pop"), INSIDE, INSIDE},
     .idle = true},
    {.made_by = "g_thread_pool_push",
     .name = "renamed",
     .present = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop_unlocked"), INSIDE},
     .idle = true},
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .present = {CALL("g_cond_wait_until"), CALL("g_async_queue_pop_intern_unlocked"), INSIDE},
     .idle = true},
    {.made_by = "g_thread_try_new",
     .name = "pool-app",
     .present = {CALL("g_cond_wait_until"), INSIDE, INSIDE},
     .idle = true},
    {.made_by = "g_thread_try_new",
     .name = "pool-app",
     .present = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop"), INSIDE},
     .idle = true},
    {.made_by = "g_thread_new",
     .name = "pool-spawner",
     .present = {CALL("g_cond_wait"), INSIDE},
     .idle = true},
    /* In the user's function. */
    {.made_by = "g_thread_pool_push", .name = "pool", .present = {CALL("g_cond_wait_until"), USERS, INSIDE}},
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .present = {CALL("g_cond_wait_until"), INSIDE, CALL("g_async_queue_timeout_pop"), USERS, INSIDE}},
    {.made_by = "g_thread_pool_push", .name = "pool", .present = {CALL("g_usleep"), USERS, INSIDE}},
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .present = {CALL("g_cond_wait_until"), {.module = "/app", .offset = 7}, INSIDE}},
    {.made_by = "g_thread_pool_push", .name = "pool", .present = {CALL("g_main_loop_run"), INSIDE}},
    /* An exclusive pool that was not freed. */
    {.made_by = "g_thread_pool_new_full", .name = "pool", .present = {CALL("g_cond_wait"), INSIDE, INSIDE}},
    {.made_by = "g_thread_pool_new_full",
     .name = "pool",
     .present = {CALL("g_cond_wait"), CALL("g_async_queue_pop_intern_unlocked"), INSIDE}},
    /* A thread of the user's own, whose function left by a jump. */
    {.made_by = "g_thread_new",
     .name = "pool",
     .present = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop"), INSIDE}},
    {.made_by = "g_thread_try_new",
     .name = "mine",
     .present = {CALL("g_cond_wait_until"), CALL("g_async_queue_timeout_pop"), INSIDE}},
    /* Who knows what is below. */
    {.made_by = "g_thread_pool_push",
     .name = "pool",
     .present = {CALL("g_cond_wait_until"), INSIDE},
     .cut = true},
    {.made_by = "g_thread_pool_push", .name = "pool", .present = {{0}}},
};

START_TEST(glibs_pool_is_its_own_where_it_is_idle)
{
    const struct frame made_in = {.function = glib_threads[_i].made_by, .module = GLIB, .runtime = true};
    const struct frame proxy = {.module = GLIB, .offset = 0xa88b0, .runtime = true};
    const struct frame *stack = glib_threads[_i].present;
    size_t count = 0;
    while (stack[count].module)
        count++;
    ck_assert_msg(ignore_load_built_in(ignore, &error), "%s", error.text);
    site = (struct ignore_site){.stack = &made_in, .stack_count = 1, .start = &proxy, .kind = KIND_RUNNING};
    thread = (struct ignore_thread){.name = glib_threads[_i].name,
                                    .present = count ? stack : NULL,
                                    .present_count = count,
                                    .present_whole = count && !glib_threads[_i].cut};
    const char *rule = match();
    ck_assert_msg(glib_threads[_i].idle == (rule != NULL), "%s", rule ? rule : "no rule");
}
END_TEST

/* ---- what is wrong ---------------------------------------------------------------------------- */

#define FIRST "thread:, start:, name:, module:, top: or any: was expected"
#define ALL "thread:, start:, name:, module:, top:, any:, waiting:, kind: or process: was expected"
#define IN_A_NAME "; if it is part of a name, write * for the blank before it"
#define EVERY "would match every thread; --allow-match-all if that is meant"
#define WAITS                                                                                             \
    "mutex, rwlock, condvar, semaphore, barrier, join, futex, pipe, socket, poll, epoll, signal, sleep, " \
    "file, other"

#define AT_END \
    "',' at the end of a pattern: conditions are separated by blanks; write * for a ',' of the name"
static const struct {
    const char *line, *error;
} wrong[] = {
    {"# x\nthread:ok\nleak:foo", ":3:1: unknown type 'leak:': " FIRST},
    {"foo", ":1:1: a rule begins with its type: " FIRST},
    {"  foo", ":1:3: a rule begins with its type: " FIRST},
    {"std::foo", ":1:1: a rule begins with its type: " FIRST},
    {"thread : x", ":1:1: a rule begins with its type: " FIRST},
    {":foo", ":1:1: a rule begins with its type: " FIRST},
    {"Thread:foo", ":1:1: unknown type 'Thread:': " FIRST},
    {"called_from_lib:x", ":1:1: unknown type 'called_from_lib:': " FIRST},
    {"thread:a wating:condvar", ":1:10: unknown type 'wating:': " ALL IN_A_NAME},
    {"waiting:condvar",
     ":1:1: 'waiting:' is a condition: it stands after thread:, start:, name:, module:, top: "
     "or any: with a pattern"},
    {"kind:running", ":1:1: 'kind:' is a condition: it stands after thread:, start:, name:, module:, top: or "
                     "any: with a pattern"},
    {"process:x", ":1:1: 'process:' is a condition: it stands after thread:, start:, name:, module:, top: or "
                  "any: with a pattern"},
    {"thread:", ":1:8: 'thread:' has no pattern"},
    {"thread:   ", ":1:8: 'thread:' has no pattern"},
    {"thread: # x", ":1:8: 'thread:' has no pattern"},
    {"thread: waiting:condvar", ":1:9: 'thread:' has no pattern"},
    {"start:x waiting:", ":1:17: 'waiting:' has no pattern"},
    {"start:x name:  kind:running", ":1:16: 'name:' has no pattern"},
    {"thread:^", ":1:8: thread:^ has no pattern: it would match every thread"},
    {"thread:$", ":1:8: thread:$ has no pattern: it would match every thread"},
    {"thread:^$", ":1:8: thread:^$ has no pattern: it would match every thread"},
    {"thread:a name:^$", ":1:15: name:^$ has no pattern: it would match every thread"},
    {"thread:a^b",
     ":1:9: '^' stands for the beginning of a name, so it can not be inside of a pattern; write "
     "* for a '^' of the name"},
    {"thread:^^a",
     ":1:9: '^' stands for the beginning of a name, so it can not be inside of a pattern; write "
     "* for a '^' of the name"},
    {"thread:a$b",
     ":1:9: '$' stands for the end of a name, so it can not be inside of a pattern; write * for "
     "a '$' of the name"},
    {"thread:a$$",
     ":1:9: '$' stands for the end of a name, so it can not be inside of a pattern; write * for "
     "a '$' of the name"},
    {"thread:$a", ":1:8: '$' stands for the end of a name, so it can not be inside of a pattern; write * for "
                  "a '$' of the name"},
    {"thread:^$^",
     ":1:9: '$' stands for the end of a name, so it can not be inside of a pattern; write * for "
     "a '$' of the name"},
    {"start:thread:x", ":1:7: 'thread:' directly after 'start:': a pattern was expected"},
    {"start:^name:x", ":1:8: 'name:' directly after 'start:': a pattern was expected"},
    {"any:x waiting:cond", ":1:15: unknown thing to wait for 'cond': one of " WAITS " was expected"},
    {"any:x waiting:condvar,", ":1:23: unknown thing to wait for '': one of " WAITS " was expected"},
    {"any:x waiting:condvar, mutex",
     ":1:23: unknown thing to wait for ' mutex': one of " WAITS " was expected"},
    {"any:x waiting:*", ":1:15: unknown thing to wait for '*': one of " WAITS " was expected"},
    {"any:x waiting:condvar x",
     ":1:15: unknown thing to wait for 'condvar x': one of " WAITS " was expected"},
    {"any:x kind:alive", ":1:12: unknown kind 'alive': one of running, detached, unjoined was expected"},
    {"any:x kind:running,,", ":1:20: unknown kind '': one of running, detached, unjoined was expected"},
    {"any:x kind:running kind:detached",
     ":1:20: 'kind:' for the second time: write kind:A,B for one of several"},
    {"any:x waiting:poll waiting:epoll",
     ":1:20: 'waiting:' for the second time: write waiting:A,B for one of several"},
    /* no name can match these */
    {"start:worker, kind:running", ":1:13: " AT_END},
    {"start:worker; kind:running",
     ":1:13: ';' at the end of a pattern: conditions are separated by blanks; write "
     "* for a ';' of the name"},
    {"start:pair<int, kind:running", ":1:15: " AT_END},
    {"name:io, kind:running", ":1:8: " AT_END},
    {"start:worker,  # pool", ":1:13: " AT_END},
    {"start:worker,kind:running",
     ":1:13: ',' before 'kind:': conditions are separated by blanks; write * for a ',' "
     "of the name"},
    {"start:^worker kind=running",
     ":1:15: 'kind=' begins no condition: 'kind:' was expected; write * for a '=' of "
     "the name"},
    {"any:x kind:running, waiting:poll",
     ":1:20: unknown kind '': one of running, detached, unjoined was expected"},
    {"any:x kind:runing", ":1:12: unknown kind 'runing': one of running, detached, unjoined was expected"},
    {"any:x waiting:nosuch", ":1:15: unknown thing to wait for 'nosuch': one of " WAITS " was expected"},
    {"any:x strat:y", ":1:7: unknown type 'strat:': " ALL IN_A_NAME},
    {"any:x Kind:running", ":1:7: unknown type 'Kind:': " ALL IN_A_NAME},
    {"thread:pool.c:12", ":1:14: a rule knows functions and files, but no lines: this would never match"},
    {"name:^sixteen*bytes-xyz$", ":1:7: would never match: the name of a thread has at most 15 bytes"},
    {"any:x kind:unjoined",
     ":1:1: would never match: an unjoined thread has ended, so it has no top:, any: or "
     "waiting:"},
    {"  thread:x kind:unjoined waiting:poll",
     ":1:3: would never match: an unjoined thread has ended, so it has no top:, any: or waiting:"},
    {"thread:*", ":1:1: " EVERY},
    {"any:*", ":1:1: " EVERY},
    {" name:**", ":1:2: " EVERY},
    {"thread:^*$", ":1:1: " EVERY},
    {"top:^*", ":1:1: " EVERY},
    {"module:*$", ":1:1: " EVERY},
    {"module:/", ":1:1: " EVERY},
    {"thread:.*", ":1:1: " EVERY},
    {"thread:^/*", ":1:1: " EVERY},
    {"thread:* name:* process:^*$", ":1:1: " EVERY},
    {"thread:* kind:running,detached,unjoined", ":1:1: " EVERY},
    {"thread:a\tb\x01", ":1:11: byte 0x01 is not text: rules were expected, one a line"},
    {"thread:a\rthread:b\r\n", ":1:9: byte 0x0d is not text: rules were expected, one a line"},
    {"\xef\xbb\xbfx", ":1:1: a rule begins with its type: " FIRST},
    {"thread:ok\n\xef\xbb\xbfthread:x", ":2:1: a rule begins with its type: " FIRST},
    {"n:1 n:2 n:3", ":1:1: unknown type 'n:': " FIRST},
    {"name:1 name:2 name:3 name:4 name:5 name:6 name:7 name:8 name:9 name:10 name:11 name:12 name:13 "
     "name:14 name:15 name:16 name:17",
     ":1:120: more than 15 conditions"},
};

START_TEST(what_is_wrong_is_told)
{
    load_fails(wrong[_i].line, strlen(wrong[_i].line), wrong[_i].error);
    ck_assert_uint_eq(ignore_count(ignore), 0);
}
END_TEST

START_TEST(binary_files_and_long_lines_are_told)
{
    char line[5000];
    load_fails("thread:a\0b\n", 11, ":1:9: byte 0x00 is not text: rules were expected, one a line");
    load_fails("\x7f"
               "ELF",
               4, ":1:1: byte 0x7f is not text: rules were expected, one a line");
    load_fails("\xff\xfet\0h\0", 6, ":1:4: byte 0x00 is not text: rules were expected, one a line");
    memset(line, 'x', sizeof(line));
    memcpy(line, "thread:", 7);
    load_fails(line, 4097, ":1:4097: line is longer than 4096 bytes");
    line[4096] = '\n';
    write_file(path, line, 4097);
    ck_assert_msg(ignore_load(ignore, path, &error), "%s", error.text);
    ck_assert_uint_eq(ignore_count(ignore), 1);
}
END_TEST

START_TEST(files_that_can_not_be_read_are_told)
{
    ck_assert(!ignore_load(ignore, "/nonexistent/rules", &error));
    ck_assert_str_eq(error.text, "/nonexistent/rules: can not be read: No such file or directory");
    ck_assert(!ignore_load(ignore, "/tmp", &error));
    ck_assert_str_eq(error.text, "/tmp: can not be read: Is a directory");
    ck_assert(!ignore_load(ignore, "/dev/zero", &error));
    ck_assert_str_eq(error.text, "/dev/zero: can not be read: File too large");
    ck_assert(ignore_load(ignore, "/dev/null", &error));
    ck_assert_uint_eq(ignore_count(ignore), 0);
}
END_TEST

START_TEST(rules_for_every_thread_can_be_allowed)
{
    ignore_allow_match_all(ignore, true);
    load("thread:*\n");
    ck_assert_str_eq(match_function("anything"), "thread:*");
    ck_assert(ignore_allows_match_all(ignore));
    ck_assert(!ignore_allows_match_all(NULL));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ignore");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, no_rules_match_nothing);
    tcase_add_test(tests, a_pattern_matches_anywhere);
    tcase_add_test(tests, anchors_tie);
    tcase_add_test(tests, stars_stand_for_any_text);
    tcase_add_test(tests, many_stars_are_no_burden);
    tcase_add_test(tests, blanks_and_line_ends_do_not_matter);
    tcase_add_test(tests, names_may_have_blanks_colons_and_number_signs);
    tcase_add_test(tests, names_may_have_commas_and_colons);
    tcase_add_loop_test(tests, functions_match_without_their_arguments, 0,
                        sizeof(of_functions) / sizeof(*of_functions));
    tcase_add_test(tests, every_type_of_function_matches_without_arguments);
    tcase_add_test(tests, start_is_what_a_runtime_calls);
    tcase_add_loop_test(tests, each_type_looks_at_its_own, 0,
                        sizeof(of_whole_thread) / sizeof(*of_whole_thread));
    tcase_add_test(tests, a_process_has_two_names);
    tcase_add_test(tests, what_is_not_known_never_matches);
    tcase_add_test(tests, a_stack_of_libc_alone_has_a_top);
    tcase_add_test(tests, a_start_without_symbols_is_no_frame_either);
    tcase_add_test(tests, the_first_rule_counts);
    tcase_add_test(tests, a_matcher_goes_on_to_other_sites_and_threads);
    tcase_add_test(tests, files_add_up);
    tcase_add_test(tests, a_wrong_file_adds_nothing);
    tcase_add_test(tests, a_text_has_an_origin);
    tcase_add_test(tests, a_folder_is_read_by_name);
    tcase_add_test(tests, a_frame_without_a_name_is_told_by_its_place);
    tcase_add_test(tests, the_built_in_ones_are_rules);
    tcase_add_loop_test(tests, glibs_pool_is_its_own_where_it_is_idle, 0,
                        sizeof(glib_threads) / sizeof(*glib_threads));
    tcase_add_loop_test(tests, the_built_in_ones_are_narrow, 0,
                        sizeof(library_threads) / sizeof(*library_threads));
    tcase_add_loop_test(tests, what_is_wrong_is_told, 0, sizeof(wrong) / sizeof(*wrong));
    tcase_add_test(tests, binary_files_and_long_lines_are_told);
    tcase_add_test(tests, files_that_can_not_be_read_are_told);
    tcase_add_test(tests, rules_for_every_thread_can_be_allowed);
    Suite *suite = suite_create("ignore");
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
