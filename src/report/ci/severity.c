#include "report/ci/severity.h"

const struct severity *leak_severity(enum leak_kind kind)
{
    static const struct severity severities[LEAK_KINDS] = {
        [LEAK_RUNNING] = {"error", "major"},
        [LEAK_DETACHED] = {"warning", "minor"},
        [LEAK_UNJOINED] = {"error", "major"},
    };
    return &severities[kind];
}
