#include "base/fault.h"

#include <signal.h>
#include <stddef.h>

const char *fault_name(uint32_t signal)
{
    switch (signal) {
#define FAULT(name) \
    case name:      \
        return #name;
        FAULT(SIGSEGV)
        FAULT(SIGBUS)
        FAULT(SIGILL)
        FAULT(SIGFPE)
        FAULT(SIGABRT)
        FAULT(SIGTRAP)
        FAULT(SIGSYS)
#undef FAULT
    default:
        return NULL;
    }
}
