#include "wait/cxx.h"

#include <string.h>

#include "base/text.h"
#include "wait/inside.h"

/* The functions of an object, as libstdc++ 7 to 14 and libc++ name them. A future waits in the library, also
 * without debug information. The others are templates or inline. */
static const struct object {
    const char *function, *name;
} objects[] = {
    {"__atomic_base<", "std::atomic"},
    {"atomic<", "std::atomic"},
    {"atomic_flag::", "std::atomic_flag"},
    {"atomic_ref<", "std::atomic_ref"},
    {"barrier<", "std::barrier"},
    {"__basic_future<", "std::future"},
    {"future<", "std::future"},
    {"shared_future<", "std::shared_future"},
    {"__atomic_futex_unsigned", "std::future"},
    {"latch::", "std::latch"},
    {"counting_semaphore<", "std::counting_semaphore"},
};

/* The name after the return type, which a template has, and "std::" or "std::__1::"; NULL: it is not of the
 * library. */
static const char *name_in_std(const char *function)
{
    static const char std[] = "std::", inner[] = "__1::";
    size_t end = strcspn(function, "(");
    const char *name = text_begins_with(function, std) ? function : NULL;
    for (const char *at = function; !name && (at = strstr(at, " std::")) && (size_t)(at - function) < end;
         at++)
        name = at + 1;
    if (!name)
        return NULL;
    name += sizeof(std) - 1;
    return text_begins_with(name, inner) ? name + sizeof(inner) - 1 : name;
}

/* The outermost one is what the program called. */
static bool see(void *arg, const struct stack_function *function)
{
    const char **found = arg, *name = name_in_std(function->name);
    for (size_t i = 0; name && i < sizeof(objects) / sizeof(*objects); i++)
        if (text_begins_with(name, objects[i].function))
            *found = objects[i].name;
    return name != NULL;
}

const char *cxx_object(const struct view *view)
{
    const char *found = NULL;
    inside_each_caller(view, see, &found);
    return found;
}

bool cxx_is_shared_word(const char *symbol)
{
    return symbol && (strstr(symbol, "std::__detail::__waiter") || strstr(symbol, "__libcpp_contention"));
}
