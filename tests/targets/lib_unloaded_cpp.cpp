// A library with a std::thread, for unloaded.c.
#include <thread>

extern "C" {
#include "unloaded.h"

void inner_start(struct unloaded *shared)
{
    std::thread([shared] { shared->wait(shared); }).detach();
}
}
