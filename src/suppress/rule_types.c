#include <string.h>

#include "suppress/rule.h"

const struct rule_type rule_types[PART_TYPES] = {
#define RULE_TYPE(id, name, flags, longest, parse, of_site, of_thread, help) \
    [PART_##id] = {{name, help, !((flags)&TYPE_FIRST)}, flags, longest},
#include "suppress/types.def"
};

const struct suppression_type *suppression_type_at(size_t index)
{
    return index < PART_TYPES ? &rule_types[index].shown : NULL;
}

enum part_type part_type_of(const char *name, size_t length)
{
    int type = 0;
    while (type < PART_TYPES && (length != strlen(rule_types[type].shown.name) ||
                                 memcmp(name, rule_types[type].shown.name, length) != 0))
        type++;
    return (enum part_type)type;
}
