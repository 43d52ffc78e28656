// A C++ library loaded late, which throws, catches, and lets another exception out.
#include <stdexcept>

extern "C" int throw_and_catch(int n);
extern "C" void throw_out();

int throw_and_catch(int n)
{
    try {
        throw std::runtime_error("inside");
    } catch (const std::exception &) {
        return n + 1;
    }
}

void throw_out()
{
    throw std::runtime_error("out");
}
