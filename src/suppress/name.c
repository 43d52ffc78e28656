/* Names, and patterns for them. */
#include <string.h>

#include "symbolize/symbolize.h"
#include "suppress/rule.h"

/* Goes back to the latest '*' only: another match of an earlier one cannot help. */
static bool matches_range(const char *glob, const char *name, const char *end)
{
    const char *star = NULL, *resume = NULL;
    while (name < end) {
        if (*glob == '*') {
            star = glob++;
            resume = name;
        } else if (*glob == *name) {
            glob++;
            name++;
        } else if (star) {
            glob = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}

bool glob_matches(const char *glob, const char *name)
{
    return matches_range(glob, name, name + strlen(name));
}

bool glob_matches_function(const char *glob, const char *function)
{
    if (glob_matches(glob, function))
        return true;
    const char *arguments = strchr(glob, '(') ? NULL : function_arguments(function);
    if (!arguments)
        return false;
    const char *name = function_past_type(function, arguments);
    return matches_range(glob, function, arguments) ||
           (name != function && matches_range(glob, name, arguments));
}
