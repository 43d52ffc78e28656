#include "wait/libc_name.h"

#include <string.h>

const char *bare_name(const char *name)
{
    static const char *const before[] = {"GI_", "interceptor_"};
    name += strspn(name, "_");
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        size_t length = strlen(before[i]);
        if (strncmp(name, before[i], length) == 0)
            name += length + strspn(name + length, "_");
    }
    return name;
}
