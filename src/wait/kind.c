#include "wait/kind.h"

struct kind {
    const char *name;
    enum kind_timeout timeout;
};

static const struct kind kinds[WAIT_KINDS] = {
#define WAIT_KIND(on, name, timeout) [WAIT_##on] = {name, TIMEOUT_##timeout},
#include "wait/kinds.def"
};

const char *wait_on_name(enum wait_on on)
{
    return on < WAIT_KINDS ? kinds[on].name : NULL;
}

enum kind_timeout kind_timeout(enum wait_on on)
{
    return kinds[on].timeout;
}
