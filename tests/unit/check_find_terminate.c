/* Findings about std::terminate, over made-up stacks and ledgers. */
#include <stdlib.h>
#include <string.h>

#include "leak_made.h"
#include "suite.h"

#define TERMINATED 5000 /* tid of the thread that called std::terminate */
#define MAX_FRAMES 5

static struct frame frames[MAX_FRAMES];
static struct shared_stack shared;
static struct evidence evidence;
static struct {
    const char *file;     /* of the user's frame */
    const char *function; /* in whose frame the handle of the thread is */
    pid_t tid;            /* of that frame */
    uint64_t handle;
} user;

enum { HANDLE = 0x7000 };

static void setup(void)
{
    leak_setup();
    rules.find = 1u << FINDING_JOINABLE_DESTROYED;
    memset(frames, 0, sizeof(frames));
    memset(&user, 0, sizeof(user));
    user.handle = HANDLE;
}

/* Leaf first; NULL ends them. The outermost is the user's. */
static void set_stack(const char *const *functions)
{
    shared = (struct shared_stack){.frames = frames};
    for (; functions[shared.count]; shared.count++)
        frames[shared.count] = (struct frame){.function = functions[shared.count],
                                              .module = "/nonexistent/app",
                                              .pc = 0x1000 + shared.count,
                                              .is_return_address = true,
                                              .runtime = functions[shared.count + 1] != NULL};
    frames[shared.count - 1].file = user.file;
}

static void name_code(uint64_t offset, const char *function, bool runtime)
{
    const struct frame frame = {
        .function = function, .module = "/nonexistent/app", .offset = offset, .runtime = runtime};
    struct evidence now = made_evidence();
    const struct code_address address = stack_address(now.ledger, fake_pc(app, offset), true);
    ck_assert(symbolizer_add_frames(rules.symbolizer, &address, &frame, 1));
    struct ledger *ledger = (struct ledger *)now.ledger;
    evidence_release(&now);
    ledger_close(ledger);
}

static void add_of_site(uint32_t site, uint32_t state)
{
    uint32_t index = add_thread(site, state);
    fake_slot(fake, index)->tid = TERMINATED + (int32_t)index + 1;
    fake_slot(fake, index)->handle = HANDLE + index;
}

/* A thread that this function of a library created. */
static void add_created_by(uint64_t offset, uint32_t state, const char *maker)
{
    add_of_site(site_at(offset), state);
    name_code(offset, maker, true);
}

static const struct findings *judge_stack(const char *const *functions)
{
    set_stack(functions);
    evidence = made_evidence();
    struct stacks *stacks = calloc(1, sizeof(*stacks));
    ck_assert_ptr_nonnull(stacks);
    stacks->threads = calloc(1, sizeof(*stacks->threads));
    ck_assert_ptr_nonnull(stacks->threads);
    stacks->threads[0] = (struct thread_stack){.tid = TERMINATED, .stack = &shared, .idle_s = -1};
    stacks->count = 1;
    if (user.function) {
        stacks->handles = calloc(1, sizeof(*stacks->handles));
        ck_assert_ptr_nonnull(stacks->handles);
        stacks->handles[stacks->handle_count++] = (struct kept_handle){
            user.handle, .where = strdup("a frame"), .function = strdup(user.function), .tid = user.tid};
    }
    evidence.stacks = stacks;
    const struct process_report *process = judge(&evidence);
    ck_assert_ptr_nonnull(process);
    return &process->findings;
}

static const struct finding *only(const struct findings *findings)
{
    ck_assert_uint_eq(findings->count, 1);
    return &findings->items[0];
}

#define JUDGE(...) judge_stack((const char *const[]){__VA_ARGS__, NULL})
#define STD "std::thread::_M_start_thread(std::unique_ptr<std::thread::_State>, void (*)())"
#define BOOST "boost::thread::start_thread_noexcept()"

START_TEST(one_thread)
{
    add_created_by(0x10, ALIVE, STD);
    const struct findings *findings =
        JUDGE("abort", "std::terminate()", "std::__terminate()", "std::thread::~thread()", "main");
    ck_assert_str_eq(only(findings)->text,
                     "tid 5000 destroyed a joinable std::thread at main: T2, created at app+0x900");
    ck_assert_int_eq(only(findings)->level, FINDING_PROVED);
    ck_assert_uint_eq(only(findings)->threads[0].id, 2);
}
END_TEST

START_TEST(of_the_same_type)
{
    add_created_by(0x10, ALIVE, STD);
    add_created_by(0x20, ENDED, BOOST);
    add_created_by(0x30, ALIVE | SLOT_DETACHED, BOOST);
    add_created_by(0x40, ALIVE, "start_pool");
    const struct finding *finding =
        only(JUDGE("std::terminate()", "boost::thread::operator=(boost::thread&&)", "main"));
    ck_assert_int_eq(finding->level, FINDING_PROVED);
    ck_assert_uint_eq(finding->thread_count, 1);
    ck_assert_uint_eq(finding->threads[0].id, 3);
    ck_assert_ptr_nonnull(strstr(finding->text, "replaced a joinable boost::thread at main: T3,"));
}
END_TEST

START_TEST(several)
{
    for (uint64_t i = 0; i < 6; i++)
        add_created_by(0x10, ALIVE, STD);
    const struct findings *findings = JUDGE("std::terminate()", "std::thread::~thread()", "main");
    ck_assert_int_eq(only(findings)->level, FINDING_LIKELY);
    ck_assert_ptr_nonnull(strstr(only(findings)->text, ": one of T2, T3, T4, T5 and 2 more, created at "));
    ck_assert_ptr_nonnull(strstr(findings->verdict, "ABORTED: "));
    ck_assert_ptr_nonnull(strstr(findings->verdict, ": likely joinable-destroyed"));
}
END_TEST

START_TEST(the_creator_is_not_known)
{
    add_created_by(0x10, ALIVE, NULL);
    ck_assert_int_eq(only(JUDGE("std::terminate()", "std::thread::~thread()", "main"))->level,
                     FINDING_LIKELY);
}
END_TEST

START_TEST(of_libcxx)
{
    add_created_by(0x10, ALIVE, "std::__1::__libcpp_thread_create(unsigned long*)");
    const struct finding *finding = only(JUDGE("std::terminate()", "std::__1::thread::~thread()", "main"));
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_uint_eq(finding->thread_count, 1);
}
END_TEST

START_TEST(some_were_not_recorded)
{
    add_created_by(0x10, ALIVE, STD);
    fake_header(fake)->lost_events = 1;
    ck_assert_int_eq(only(JUDGE("std::terminate()", "std::thread::~thread()", "main"))->level,
                     FINDING_LIKELY);
}
END_TEST

START_TEST(a_thread_of_the_parent)
{
    add_created_by(0x10, ALIVE, STD);
    fake_header(fake)->fork = (struct ledger_fork){.pid = 1, .missing_count = 1};
    ck_assert_int_eq(only(JUDGE("std::terminate()", "std::thread::~thread()", "main"))->level,
                     FINDING_LIKELY);
}
END_TEST

START_TEST(no_thread_is_known)
{
    add_created_by(0x10, ALIVE, "start_pool");
    const struct finding *finding = only(JUDGE("std::terminate()", "std::thread::~thread()", "main"));
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
    ck_assert_str_eq(finding->text, "tid 5000 destroyed a joinable std::thread at main");
    ck_assert_uint_eq(finding->thread_count, 0);
}
END_TEST

/* The second of two is in a frame of main. Only a direct call of the destructor shows that it is this one. */
START_TEST(in_the_frame)
{
    static const struct {
        const char *called, *function;
        pid_t tid;
        const char *text;
    } rows[] = {
        {"std::thread::~thread()", "main", TERMINATED,
         "destroyed a joinable std::thread at main: T3, created"},
        {"std::thread::~thread()", "main", TERMINATED + 1, ": one of T2, T3"},
        {"std::thread::~thread()", "other", TERMINATED, ": one of T2, T3"},
        {"std::thread::operator=(std::thread&&)", "main", TERMINATED, ": one of T2, T3"},
        {"std::default_delete<std::thread>::operator()(std::thread*)", "main", TERMINATED, ": one of T2, T3"},
    };
    add_created_by(0x10, ALIVE, STD);
    add_created_by(0x10, ALIVE, STD);
    user.function = rows[_i].function;
    user.tid = rows[_i].tid;
    user.handle = HANDLE + 1;
    const struct finding *finding = only(JUDGE("std::terminate()", rows[_i].called, "main"));
    ck_assert_ptr_nonnull(strstr(finding->text, rows[_i].text));
    ck_assert_int_eq(finding->level, FINDING_LIKELY);
}
END_TEST

/* Only the first ones are named. */
START_TEST(of_the_function_that_destroyed_it)
{
    for (int i = 0; i < 5; i++)
        add_created_by(0x10, ALIVE, STD);
    add_of_site(fake_site(fake, (ledger_pc[]){fake_pc(app, 0x10), fake_pc(app, 0x800)}, 2), ALIVE);
    name_code(0x800, "start_telemetry(bool)", false);
    const struct findings *findings =
        JUDGE("std::terminate()", "std::thread::~thread()", "start_telemetry(bool)");
    ck_assert_ptr_nonnull(strstr(only(findings)->text, ": one of T7, T2, T3, T4 and 2 more"));
    ck_assert_int_eq(only(findings)->level, FINDING_LIKELY);
}
END_TEST

START_TEST(other_callers)
{
    static const char *const stacks[][MAX_FRAMES + 1] = {
        {"std::terminate()", "__cxa_throw", "std::thread::~thread()", "main"},
        {"std::terminate()", "__cxa_call_terminate", "std::thread::~thread()", "main"},
        {"std::terminate()", "std::thread::join()", "main"},
        {"std::terminate()", "std::thread::~thread_pool()", "main"},
        {"std::terminate_all()", "std::thread::~thread()", "main"},
        {"abort", "std::thread::~thread()", "main"},
        {"std::terminate()", "pool::std::thread::~thread()", "main"},
        {"std::terminate()"},
    };
    add_created_by(0x10, ALIVE, STD);
    ck_assert_uint_eq(judge_stack(stacks[_i])->count, 0);
}
END_TEST

/* The destructor may be inlined in the function that called std::terminate. */
START_TEST(no_debug_information)
{
    static const struct {
        const char *file, *function;
        pid_t tid;
        int level;
        const char *text;
    } rows[] = {
        {"main.cpp", "main", TERMINATED, -1, NULL},
        {NULL, NULL, 0, FINDING_NOTE, "perhaps because a joinable std::thread was destroyed: one of T2, T3"},
        {NULL, "other", TERMINATED, FINDING_NOTE, "perhaps"},
        {NULL, "main", TERMINATED + 1, FINDING_NOTE, "perhaps"},
        {NULL, "main", TERMINATED, FINDING_LIKELY,
         "tid 5000 called std::terminate at main, which has a joinable std::thread: T2, created at "},
    };
    add_created_by(0x10, ALIVE, STD);
    add_created_by(0x10, ALIVE, STD);
    user.file = rows[_i].file;
    user.function = rows[_i].function;
    user.tid = rows[_i].tid;
    const struct findings *findings = JUDGE("std::terminate()", "main");
    if (!rows[_i].text) {
        ck_assert_uint_eq(findings->count, 0);
        return;
    }
    ck_assert_int_eq(only(findings)->level, rows[_i].level);
    ck_assert_ptr_nonnull(strstr(only(findings)->text, rows[_i].text));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("find_terminate");
    tcase_add_checked_fixture(tests, setup, leak_teardown);
    tcase_add_test(tests, one_thread);
    tcase_add_test(tests, of_the_same_type);
    tcase_add_test(tests, several);
    tcase_add_test(tests, the_creator_is_not_known);
    tcase_add_test(tests, of_libcxx);
    tcase_add_test(tests, some_were_not_recorded);
    tcase_add_test(tests, a_thread_of_the_parent);
    tcase_add_test(tests, no_thread_is_known);
    tcase_add_loop_test(tests, in_the_frame, 0, 5);
    tcase_add_test(tests, of_the_function_that_destroyed_it);
    tcase_add_loop_test(tests, other_callers, 0, 8);
    tcase_add_loop_test(tests, no_debug_information, 0, 5);
    return suite_run("find_terminate", tests);
}
