#include "wait/users.h"

#include <string.h>

#include "wait/describe.h"

static const struct futex_user users[] = {
#define WAIT_USER(name, function, glibc) {name, function, glibc},
#include "wait/kinds.def"
};

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

const struct futex_user *futex_user_find(const char *name, bool is_prefix)
{
    name = bare_name(name);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        size_t length = strlen(users[i].name);
        if (strncmp(name, users[i].name, length) == 0 && (is_prefix || !name[length]))
            return &users[i];
    }
    return NULL;
}
