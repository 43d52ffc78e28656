#include <stdlib.h>
#include <string.h>

#include "symbolize/symbolize.h"
#include "symbolize/name.h"
#include "suite.h"

static strings kept;

static void teardown(void)
{
    strings_release(&kept);
}

/* ---- demangling ----------------------------------------------------------------------- */

static const struct {
    const char *name, *plain;
} names[] = {
    {"main", "main"},
    {"", ""},
    {"_Z", "_Z"},
    {"_R", "_R"},
    {"_Z!", "_Z!"},
    {"_ZN3app4pool5startEi", "app::pool::start(int)"},
    {"_ZN3app3boxISt6vectorIS1_IlSaIlEESaIS3_EEE3putEv",
     "app::box<std::vector<std::vector<long, std::allocator<long> >, std::allocator<std::vector<long, "
     "std::allocator<long> > > > >::put()"},
    {"_ZN12_GLOBAL__N_14workEv", "(anonymous namespace)::work()"},
    {"_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()() const"},
    {"_ZN3app4workEv.part.0", "app::work() [clone .part.0]"},
    /* Rust, legacy: the hash is not part of the name. */
    {"_ZN3app4pool5start17h0123456789abcdefE", "app::pool::start"},
    {"_ZN57_$LT$app..Pool$u20$as$u20$core..ops..function..FnOnce$GT$9call_once17h0123456789abcdefE",
     "<app::Pool as core::ops::function::FnOnce>::call_once"},
    {"_ZN3app4main28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE", "app::main::{{closure}}"},
    {"_ZN3app4work17h0123456789abcdefE.llvm.1234567890", "app::work"},
    /* Rust, v0. */
    {"_RNvC3app4main", "app::main"},
    {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
    {"_RNCNvC3app4main0", "app::main::{closure#0}"},
    {"_RNvXCs1_3appNtB2_4PoolNtNtNtCs2_4core3ops8function6FnOnce9call_once",
     "<app::Pool as core::ops::function::FnOnce>::call_once"},
};

START_TEST(names_are_demangled)
{
    ck_assert_str_eq(strings_keep_demangled(&kept, names[_i].name), names[_i].plain);
}
END_TEST

START_TEST(strings_are_kept_once)
{
    char text[] = "text";
    const char *first = strings_keep(&kept, text);
    ck_assert_ptr_ne(first, text);
    ck_assert_ptr_eq(strings_keep(&kept, "text"), first);
    ck_assert_ptr_ne(strings_keep(&kept, "other"), first);
    ck_assert_ptr_null(strings_keep(&kept, NULL));
    ck_assert_ptr_null(strings_keep_demangled(&kept, NULL));
}
END_TEST

/* ---- what is a runtime's ------------------------------------------------------------------ */

static const char *const runtime_functions[] = {
    "_start",
    "__libc_start_main",
    "__libc_start_call_main",
    "clone3",
    "start_thread",
    "std::thread::_M_start_thread(std::unique_ptr<std::thread::_State>, void (*)())",
    "std::thread::thread<app::work, , void>(app::work&&)",
    "void std::__invoke_impl<void, app::go()::{lambda()#1}>(std::__invoke_other, int&&)",
    "std::future<std::__invoke_result<app::f>::type> std::async<app::f>(std::launch, app::f&&)",
    "std::_Function_handler<void (), main::{lambda()#1}>::_M_invoke(std::_Any_data const&)",
    "std::thread::_State_impl<std::thread::_Invoker<std::tuple<void (*)()> > >::_M_run()",
    "std::(anonymous namespace)::hidden()",
    "std::function<void (app::pool)>::operator()(app::pool) const",
    "std::operator<(app::a, app::b)",
    "decltype(auto) std::forward_like<app::a>(app::a)",
    "non-virtual thunk to std::thread::work()",
    "__gnu_cxx::new_allocator<app::pool>::allocate(unsigned long, void const*)",
    "__rust_begin_short_backtrace",
    "__interceptor_pthread_create",
    "___interceptor_pthread_create",
    "__asan::AsanThread::ThreadStart(unsigned long long)",
    "std::thread::Builder::spawn",
    "std::thread::Builder::spawn_unchecked_",
    "std::thread::spawn::<app::main::{closure#0}, ()>",
    "std::rt::lang_start::{{closure}}",
    "core::ops::function::FnOnce::call_once{{vtable.shim}}",
    "core::ptr::drop_in_place<app::Pool>",
    "<alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once",
    "<core::panic::unwind_safe::AssertUnwindSafe<app::F> as core::ops::function::FnOnce<()>>::call_once",
    "<F as core::ops::function::FnOnce<()>>::call_once",
    "<T as core::convert::Into<U>>::into",
    "<u32 as core::fmt::Display>::fmt",
    "<&T as core::fmt::Debug>::fmt",
    "<fn() as core::ops::function::FnOnce<()>>::call_once",
    "<std::thread::Builder>::spawn",
    "boost::thread::thread<void (&)()>(void (&)())",
    "boost::thread::start_thread_noexcept()",
    "boost::(anonymous namespace)::thread_proxy(void*)",
    "boost::detail::thread_data<void (*)()>::run()",
    "QThread::start(QThread::Priority)",
    "QThreadPrivate::start(void*)",
    "g_thread_new",
    "g_thread_try_new",
    "g_thread_pool_push",
    "g_thread_proxy",
    "g_thread_pool_start_thread.constprop.0",
    "g_task_run_in_thread",
    "uv_thread_create",
    "uv_thread_create_ex",
    "SDL_CreateThread",
    "apr_thread_create",
    "<<std::thread::Builder>::spawn_unchecked_<app::f>::{closure#1} as core::ops::FnOnce<()>>::call_once",
};

static const char *const user_functions[] = {
    "main",
    "stdlib",
    "start_threads",
    "cloned",
    "app::start(std::string)",
    "std::vector<int, std::allocator<int> > app::returns_std<int>(std::string)",
    "std::string app::name()",
    "std::string* app::name<int>()",
    "std::map<std::string, std::vector<int> > const& app::table<std::string>()",
    "app::operator<(std::string, std::string)",
    "app::pool::operator std::string() const",
    "std::ostream& app::operator<< <int>(std::ostream&, app::box<int> const&)",
    "std::ostream& operator<<(std::ostream&, app::pool)",
    "app::pool::operator()(std::string) const",
    "cooperator::work(std::string)",
    "(anonymous namespace)::work(std::thread)",
    "app::(anonymous namespace)::work(std::thread)",
    "app::start(std::string)::{lambda(std::thread)#1}::operator()(std::thread) const",
    "main::{lambda()#1}::operator()() const",
    "void app::each<std::vector<int>, app::f<(std::memory_order)5> >(std::vector<int>)",
    "decltype(auto) app::forward<std::string>(std::string)",
    "auto app::get<std::string>()",
    "core::engine::start(int)",
    "void alloc::arena::run<int>(int)",
    "stdx::thread::spawn",
    "my::std::thread()",
    "app::core::run",
    "<app::Foo as std::ops::FnOnce>::call_once",
    "<app::Foo as core::ops::function::FnOnce<(std::string::String,)>>::call_once",
    "<&app::Foo as core::fmt::Debug>::fmt",
    "<&mut app::Foo as core::iter::Iterator>::next",
    "<[app::Foo] as core::fmt::Debug>::fmt",
    "<dyn app::Task as core::fmt::Debug>::fmt",
    "<u32 as app::Start>::start",
    "<T as app::Start>::start",
    "<app::Foo>::start",
    "app::main::{closure#0}",
    "g_thread_new_worker",
    "my_g_thread_new",
    "g_thread_join",
    "g_main_loop_run",
    "g_async_queue_timeout_pop",
    "g_cond_wait_until",
    "uv_run",
    "uv_cond_wait",
    "boost::asio::io_context::run()",
    "boost::threads(int)",
    "QThread::run()",
    "app::QThread::start()",
    "QThread::starter()",
    "app::main::{{closure}}",
    "<",
    "<app",
    "operator",
    "(",
    "",
};

START_TEST(runtimes_functions)
{
    struct frame frame = {.function = runtime_functions[_i], .module = "/usr/bin/app"};
    ck_assert_msg(is_runtime_frame(&frame), "%s", frame.function);
}
END_TEST

START_TEST(users_functions)
{
    struct frame frame = {
        .function = user_functions[_i], .module = "/usr/bin/app", .file = "/home/me/app.cpp"};
    ck_assert_msg(!is_runtime_frame(&frame), "%s", frame.function);
}
END_TEST

static const struct {
    const char *path;
    bool runtime;
} modules[] = {
    {"/lib/x86_64-linux-gnu/libc.so.6", true},
    {"libc.so.6", true},
    {"/lib/libc-2.31.so", true},
    {"/lib/x86_64-linux-gnu/libpthread-2.31.so", true},
    {"/lib64/ld-linux-x86-64.so.2", true},
    {"/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", true},
    {"/usr/lib/x86_64-linux-gnu/libgomp.so.1", true},
    {"/usr/lib/llvm-14/lib/libomp.so.5", true},
    {"/usr/lib/libc++.so.1", true},
    {"/usr/lib/libc++abi.so.1", true},
    {"/usr/lib/libasan.so.8", true},
    {"/usr/lib/libtbb.so.12", true},
    {"/root/lib/libstd-1a2b3c.so", true},
    {"/opt/lib/libthreadleak.so", true},
    {"[vdso]", true},
    {"/usr/lib/libpthreadpool.so", false},
    {"/usr/lib/libclang.so", false},
    {"/usr/lib/libcurl.so.4", false},
    {"/usr/lib/libompl.so", false},
    {"/home/me/libc.so.6/app", false},
    {"/home/me/app", false},
    {"", false},
};

START_TEST(by_module)
{
    struct frame frame = {.module = modules[_i].path, .function = "work"};
    ck_assert_msg(is_runtime_frame(&frame) == modules[_i].runtime, "%s", frame.module);
}
END_TEST

static const struct {
    const char *path;
    bool runtime;
} files[] = {
    {"/usr/include/c++/12/bits/std_thread.h", true},
    {"/usr/include/x86_64-linux-gnu/c++/12/bits/gthr-default.h", true},
    {"/usr/bin/../lib/gcc/x86_64-linux-gnu/12/../../../../include/c++/12/thread", true},
    {"/usr/lib/llvm-14/include/c++/v1/thread", true},
    {"/opt/gcc-13/include/c++/13.2.0/future", true},
    {"/usr/lib/gcc/x86_64-linux-gnu/12/include/xmmintrin.h", true},
    {"/rustc/59807616e/library/std/src/thread/mod.rs", true},
    {"/rust/deps/hashbrown-0.15.2/src/raw/mod.rs", true},
    {"/usr/src/rustc-1.63.0/library/core/src/ops/function.rs", true},
    {"/root/.rustup/toolchains/stable/lib/rustlib/src/rust/library/std/src/rt.rs", true},
    {"/home/me/rustc/main.c", false},
    {"/home/me/game/library/core/src/engine.cpp", false},
    {"/home/me/c++/main.cpp", false},
    {"/home/me/c++/12/main.cpp", false},
    {"/home/me/include/c++/tools.h", false},
    {"/home/me/usr/lib/gcc/main.c", false},
    {"main.c", false},
};

START_TEST(by_file)
{
    struct frame frame = {.module = "/home/me/app", .function = "work", .file = files[_i].path};
    ck_assert_msg(is_runtime_frame(&frame) == files[_i].runtime, "%s", frame.file);
}
END_TEST

static const struct {
    const char *path, *function;
    bool runtime;
} nameless[] = {
    {"/lib/x86_64-linux-gnu/libglib-2.0.so.0.7400.6", NULL, true},
    {"/lib/x86_64-linux-gnu/libgio-2.0.so.0", NULL, true},
    {"/usr/lib/libSDL2-2.0.so.0", NULL, true},
    {"/usr/lib/libSDL3.so.0", NULL, true},
    {"/lib/x86_64-linux-gnu/libglib-2.0.so.0", "g_main_loop_run", false},
    {"/usr/lib/libSDL2_mixer-2.0.so.0", NULL, false},
    {"/usr/lib/libglibmm-2.4.so.1", NULL, false},
    {"/usr/lib/libuv.so.1", NULL, false}, /* calls what it was given from the start routine */
    {"/home/me/libglib-2.0.so.0/app", NULL, false},
    {"/home/me/app", NULL, false},
};

START_TEST(without_a_name)
{
    struct frame frame = {.module = nameless[_i].path, .function = nameless[_i].function};
    ck_assert_msg(is_runtime_frame(&frame) == nameless[_i].runtime, "%s", frame.module);
}
END_TEST

START_TEST(nothing_known)
{
    struct frame frame = {0};
    ck_assert(!is_runtime_frame(&frame));
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof(*(array)))

/* ---- frameworks --------------------------------------------------------------------------- */

static const struct {
    struct frame frame;
    bool framework;
} frameworks[] = {
    {{.module = "/usr/bin/node", .function = "uv__work_submit"}, true},
    {{.module = "/usr/bin/node", .function = "uv_queue_work"}, true},
    {{.module = "/usr/lib/libuv.so.1", .offset = 0xad10}, true},
    {{.module = "/usr/bin/app",
      .function = "void testing::internal::HandleExceptions<testing::Test, void>(testing::Test*)"},
     true},
    {{.module = "/usr/bin/app", .function = "testing::TestInfo::Run()"}, true},
    {{.module = "/usr/lib/libgtest.so.1.12.1", .function = "testing::UnitTest::Run()"}, true},
    {{.module = "/usr/lib/libgtest_main.so.1.12.1", .function = "main"}, true},
    {{.module = "/usr/bin/app", .function = "threadleak_tcase_run_leaks"}, true},
    {{.module = "/usr/bin/app", .function = "Pool_Stops_Test::TestBody()"}, false},
    {{.module = "/usr/bin/app", .function = "testing::our_own::Test::run()"}, false},
    {{.module = "/usr/bin/app", .function = "uvx_start"}, false},
    {{.module = "/usr/lib/libuvx.so.1", .offset = 0x10}, false},
    {{.module = "/usr/lib/libc.so.6", .function = "uv_none"}, false},
};

START_TEST(frames_of_frameworks)
{
    struct frame frame = frameworks[_i].frame;
    frame_classify(&frame);
    ck_assert_msg(frame.framework == frameworks[_i].framework, "%s", frame.function);
    ck_assert(frame.runtime || !frame.framework);
}
END_TEST

START_TEST(user_frames_come_before_nameless_ones_of_libraries)
{
    struct frame frames[] = {
        {.module = "/usr/lib/libc.so.6", .runtime = true},
        {.module = "/usr/lib/x86_64-linux-gnu/libpulse.so.0", .offset = 0x1000},
        {.module = "/usr/lib/x86_64-linux-gnu/libpulse.so.0", .function = "pa_start"},
        {.module = "/usr/bin/app", .offset = 0x2000},
    };
    ck_assert_ptr_eq(innermost_user_frame(frames, 4), &frames[3]);
    ck_assert_ptr_eq(innermost_user_frame(frames, 3), &frames[1]); /* none is better */
    frames[2].file = "/home/ann/pulse.c";                          /* a build of the user */
    frames[2].line = 7;
    ck_assert_ptr_eq(innermost_user_frame(frames, 4), &frames[2]);
    frames[2].file = "/usr/src/pulse.c";
    ck_assert_ptr_eq(innermost_user_frame(frames, 4), &frames[3]);
    frames[1].function = "pa_begin"; /* it has a name */
    ck_assert_ptr_eq(innermost_user_frame(frames, 4), &frames[1]);
    frames[1].function = NULL;
    frames[1].module = "/home/ann/lib/libpulse.so.0"; /* not of the distribution */
    ck_assert_ptr_eq(innermost_user_frame(frames, 4), &frames[1]);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("runtime_frames");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_loop_test(tests, names_are_demangled, 0, COUNT(names));
    tcase_add_test(tests, strings_are_kept_once);
    tcase_add_loop_test(tests, runtimes_functions, 0, COUNT(runtime_functions));
    tcase_add_loop_test(tests, users_functions, 0, COUNT(user_functions));
    tcase_add_loop_test(tests, by_module, 0, COUNT(modules));
    tcase_add_loop_test(tests, by_file, 0, COUNT(files));
    tcase_add_loop_test(tests, without_a_name, 0, COUNT(nameless));
    tcase_add_test(tests, nothing_known);
    tcase_add_loop_test(tests, frames_of_frameworks, 0, COUNT(frameworks));
    tcase_add_test(tests, user_frames_come_before_nameless_ones_of_libraries);
    return suite_run("runtime_frames", tests);
}
