// Exceptions of a library loaded after the shim: thrown, caught, and through a thread's frames.
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <future>
#include <string>
#include <thread>

int main(int, char **argv)
{
    std::string path(argv[0]);
    path = path.substr(0, path.rfind('/')) + "/libthrows.so";
    void *library = dlopen(path.c_str(), RTLD_NOW);
    if (!library) {
        std::fprintf(stderr, "%s\n", dlerror());
        return 3;
    }
    auto throw_and_catch = reinterpret_cast<int (*)(int)>(dlsym(library, "throw_and_catch"));
    auto throw_out = reinterpret_cast<void (*)()>(dlsym(library, "throw_out"));
    int sum = 0;
    for (int i = 0; i < 100; i++) {
        std::thread thread([&] { sum = throw_and_catch(sum); });
        thread.join();
    }
    std::printf("%d caught inside\n", sum);
    try {
        std::async(std::launch::async, throw_out).get();
    } catch (const std::exception &error) {
        std::printf("caught: %s\n", error.what());
    }
    return 0;
}
