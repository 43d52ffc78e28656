// For tests/check_symbolize_names.c: as symbolize.c, with the names of C++.
#include <cstdio>
#include <functional>
#include <future>
#include <link.h>
#include <map>
#include <string>
#include <thread>
#include <vector>

volatile int sink;
static ElfW(Addr) base;

extern "C" __attribute__((noinline)) void mark(const char *name)
{
    printf("%s %#lx\n", name,
           static_cast<unsigned long>(reinterpret_cast<ElfW(Addr)>(__builtin_return_address(0)) - base));
    sink = sink + 1;
}

/* The caller's caller is the library's: its frame is asked for by level. */
extern "C" __attribute__((noinline)) void mark_caller(const char *name)
{
    void *caller = __builtin_return_address(1);
    printf("%s %#lx\n", name, static_cast<unsigned long>(reinterpret_cast<ElfW(Addr)>(caller) - base));
    sink = sink + 1;
}

namespace app
{
template <typename T> struct box {
    template <typename U> __attribute__((noinline)) T put(const U &value);
};

template <typename T> template <typename U> T box<T>::put(const U &value)
{
    mark("template");
    sink = sink + static_cast<int>(value.size());
    return T();
}

__attribute__((noinline)) std::vector<int> returns_std(std::string text)
{
    mark("returns_std");
    sink = sink + static_cast<int>(text.size());
    return {};
}

template <typename T> __attribute__((noinline)) std::vector<T> template_returns_std(std::string text)
{
    mark("template_returns_std");
    sink = sink + static_cast<int>(text.size());
    return {};
}

struct number {
    int value;
    __attribute__((noinline)) number operator+(int more) const
    {
        mark("operator");
        sink = sink + more;
        return number{value + more};
    }
};

namespace
{
__attribute__((noinline)) void in_anonymous()
{
    mark("anonymous");
    sink = sink + 1;
}
} // namespace

__attribute__((noinline)) void lambdas()
{
    auto inlined = [](int n) __attribute__((always_inline))
    {
        mark("inlined_lambda");
        sink = sink + n;
    };
    inlined(1);
    std::function<void(int)> called = [](int n) {
        mark("lambda");
        mark_caller("function_invoker");
        sink = sink + n;
    };
    called(2);
}
} // namespace app

static void thread_body()
{
    mark_caller("thread_invoker");
    sink = sink + 1;
}

static int first_module(struct dl_phdr_info *info, size_t, void *)
{
    base = info->dlpi_addr;
    return 1;
}

int main()
{
    dl_iterate_phdr(first_module, nullptr);
    app::box<std::vector<long>>().put(std::map<int, std::vector<long>>());
    app::returns_std("x");
    app::template_returns_std<long>("x");
    app::number{1} + 2;
    app::in_anonymous();
    app::lambdas();
    std::thread(thread_body).join();
    std::async(std::launch::async, [] {
        mark_caller("async_invoker");
        sink = sink + 1;
    }).wait();
}
