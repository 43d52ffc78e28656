#include "symbolize/scalar.h"

#include <dwarf.h>

enum { DEEPEST = 64 }; /* maximum nesting of blocks, and of types */

/* A place in memory, relative to a frame. */
enum base { BASE_UNKNOWN, BASE_CFA, BASE_SP };
struct location {
    enum base base;
    int64_t offset;
};

#if defined(__x86_64__)
/* Numbers of registers: psABI, figure 3.36. A function that uses the frame pointer has pushed it below its
 * return address, 16 bytes below the canonical frame address. */
enum { SP = 7, FP = 6, FP_FROM_CFA = -16, FP_IS_KNOWN = 1 };
#else
enum { SP = 31, FP = 29, FP_FROM_CFA = 0, FP_IS_KNOWN = 0 }; /* AArch64 */
#endif

static struct location of_register(unsigned number, int64_t offset)
{
    if (number == SP)
        return (struct location){BASE_SP, offset};
    return (struct location){FP_IS_KNOWN && number == FP ? BASE_CFA : BASE_UNKNOWN, FP_FROM_CFA + offset};
}

/* frame: DW_AT_frame_base; NULL: this is that. */
static struct location evaluate(const Dwarf_Op *op, const struct location *frame)
{
    if (op->atom == DW_OP_fbreg && frame)
        return (struct location){frame->base, frame->offset + (int64_t)op->number};
    if (op->atom == DW_OP_call_frame_cfa)
        return (struct location){BASE_CFA, 0};
    if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
        return of_register(op->atom - DW_OP_breg0, (int64_t)op->number);
    /* As the location of a variable it means that the variable is in the register. */
    if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31 && !frame)
        return of_register(op->atom - DW_OP_reg0, 0);
    return (struct location){BASE_UNKNOWN, 0};
}

/* Expressions of more than one operation are not known. */
static struct location location_at(Dwarf_Die *die, unsigned name, Dwarf_Addr address,
                                   const struct location *frame)
{
    Dwarf_Attribute attribute;
    Dwarf_Op *ops;
    size_t count;
    if (!dwarf_attr(die, name, &attribute) ||
        dwarf_getlocation_addr(&attribute, address, &ops, &count, 1) != 1 || count != 1)
        return (struct location){BASE_UNKNOWN, 0};
    return evaluate(ops, frame);
}

static bool is_at(const struct location *location, const struct frame_place *place)
{
    return (location->base == BASE_CFA && location->offset == place->from_cfa) ||
           (location->base == BASE_SP && location->offset == place->from_sp);
}

static bool is_scalar(Dwarf_Die *variable)
{
    Dwarf_Attribute attribute;
    Dwarf_Die type;
    bool known = dwarf_formref_die(dwarf_attr_integrate(variable, DW_AT_type, &attribute), &type);
    for (int depth = 0; known && depth < DEEPEST; depth++) {
        int tag = dwarf_tag(&type);
        if (tag == DW_TAG_base_type || tag == DW_TAG_enumeration_type || tag == DW_TAG_pointer_type)
            return true;
        if (tag != DW_TAG_typedef && tag != DW_TAG_const_type && tag != DW_TAG_volatile_type)
            return false;
        known = dwarf_formref_die(dwarf_attr_integrate(&type, DW_AT_type, &attribute), &type);
    }
    return false;
}

static bool is_scope(int tag)
{
    return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
           tag == DW_TAG_catch_block;
}

struct search {
    Dwarf_Addr address;
    struct location frame;
    const struct frame_place *place;
};

/* Reads the variables of one scope, and sets *inner to the scope in it that contains the address. */
static const char *find_in(const struct search *search, Dwarf_Die *scope, Dwarf_Die *inner, bool *has_inner)
{
    const char *name = NULL;
    Dwarf_Die child;
    *has_inner = false;
    if (dwarf_child(scope, &child) != 0)
        return NULL;
    do {
        int tag = dwarf_tag(&child);
        if (is_scope(tag) && dwarf_haspc(&child, search->address) > 0) {
            *inner = child;
            *has_inner = true;
        }
        if (tag != DW_TAG_variable && tag != DW_TAG_formal_parameter)
            continue;
        struct location location = location_at(&child, DW_AT_location, search->address, &search->frame);
        if (is_at(&location, search->place))
            name = is_scalar(&child) ? dwarf_diename(&child) : NULL;
    } while (dwarf_siblingof(&child, &child) == 0);
    return name;
}

const char *scalar_find(Dwarf_Die function, Dwarf_Addr address, const struct frame_place *place)
{
    const struct search search = {address, location_at(&function, DW_AT_frame_base, address, NULL), place};
    const char *name = NULL;
    bool has_inner = true;
    Dwarf_Die scope = function;
    for (int depth = 0; has_inner && depth < DEEPEST; depth++) {
        Dwarf_Die inner = scope;
        const char *found = find_in(&search, &scope, &inner, &has_inner);
        name = found ? found : name;
        scope = inner;
    }
    return name;
}
