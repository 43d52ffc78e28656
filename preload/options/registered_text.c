#include "preload/options/registered_text.h"

#include <string.h>

#include "preload/ledger/section.h"

bool registered_already(const char *all, const char *part, char separator)
{
    size_t n = strlen(part);
    for (const char *at = all; n && (at = strstr(at, part)); at++) {
        bool begins = at == all || at[-1] == separator;
        if (begins && (at[n] == separator || !at[n]))
            return true;
    }
    return n == 0;
}

bool registered_take_space(struct shim_state *state, uint32_t *at, uint32_t size)
{
    uint32_t taken = *at ? *at : ledger_take(state, SECTION_STRINGS, size);
    if (taken == UINT32_MAX)
        return false;
    *at = taken;
    return true;
}
