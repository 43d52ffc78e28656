/* The operations of DWARF 5, 2.5.1, that compilers and hand-written code use in
 * call-frame information: PLT stubs, signal frames, realigned stacks. */
#include <dwarf.h>
#include <string.h>

#include "base/search.h"
#include "unwind/rule.h"

enum { DEPTH = 64, MAX_STEPS = 256 };

struct machine {
    const struct expression_context *context;
    uint64_t values[DEPTH];
    size_t depth;
    bool failed;
};

/* False: this operation or an earlier one has failed. */
static bool push(struct machine *machine, uint64_t value)
{
    if (machine->depth == DEPTH)
        machine->failed = true;
    else
        machine->values[machine->depth++] = value;
    return !machine->failed;
}

static uint64_t pop(struct machine *machine)
{
    if (machine->depth == 0) {
        machine->failed = true;
        return 0;
    }
    return machine->values[--machine->depth];
}

static uint64_t pick(struct machine *machine, uint64_t index)
{
    if (index >= machine->depth) {
        machine->failed = true;
        return 0;
    }
    return machine->values[machine->depth - 1 - index];
}

static uint64_t reg(struct machine *machine, uint64_t number)
{
    if (number >= SNAPSHOT_REGS || machine->context->unknown >> number & 1) {
        machine->failed = true;
        return 0;
    }
    return machine->context->regs[number];
}

static uint64_t load(struct machine *machine, uint64_t address, size_t size)
{
    uint64_t value = 0;
    if (size > sizeof(value) || !machine->context->read(machine->context->arg, address, &value, size))
        machine->failed = true;
    return value;
}

static bool rotate(struct machine *machine)
{
    uint64_t a = pop(machine), b = pop(machine), c = pop(machine);
    push(machine, a);
    push(machine, c);
    return push(machine, b);
}

static bool swap(struct machine *machine)
{
    uint64_t a = pop(machine), b = pop(machine);
    push(machine, a);
    return push(machine, b);
}

static uint64_t shift_arithmetic(uint64_t value, uint64_t by)
{
    return value >> 63 ? ~(~value >> by) : value >> by;
}

static bool do_binary(struct machine *machine, uint8_t atom)
{
    uint64_t b = pop(machine), a = pop(machine);
    int64_t sb = (int64_t)b, sa = (int64_t)a;
    switch (atom) {
    case DW_OP_and:
        return push(machine, a & b);
    case DW_OP_or:
        return push(machine, a | b);
    case DW_OP_xor:
        return push(machine, a ^ b);
    case DW_OP_plus:
        return push(machine, a + b);
    case DW_OP_minus:
        return push(machine, a - b);
    case DW_OP_mul:
        return push(machine, a * b);
    case DW_OP_shl:
        return push(machine, b < 64 ? a << b : 0);
    case DW_OP_shr:
        return push(machine, b < 64 ? a >> b : 0);
    case DW_OP_shra:
        return push(machine, shift_arithmetic(a, b < 64 ? b : 63));
    case DW_OP_eq:
        return push(machine, a == b);
    case DW_OP_ne:
        return push(machine, a != b);
    case DW_OP_ge:
        return push(machine, sa >= sb);
    case DW_OP_gt:
        return push(machine, sa > sb);
    case DW_OP_le:
        return push(machine, sa <= sb);
    case DW_OP_lt:
        return push(machine, sa < sb);
    default:
        return false;
    }
}

static bool do_constant(struct machine *machine, const Dwarf_Op *op)
{
    if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
        return push(machine, (uint64_t)(op->atom - DW_OP_lit0));
    }
    if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
        return push(machine, reg(machine, (uint64_t)(op->atom - DW_OP_breg0)) + op->number);
    }
    switch (op->atom) {
    case DW_OP_const1u:
    case DW_OP_const1s:
    case DW_OP_const2u:
    case DW_OP_const2s:
    case DW_OP_const4u:
    case DW_OP_const4s:
    case DW_OP_const8u:
    case DW_OP_const8s:
    case DW_OP_constu:
    case DW_OP_consts:
        return push(machine, op->number);
    case DW_OP_bregx:
        return push(machine, reg(machine, op->number) + op->number2);
    case DW_OP_call_frame_cfa:
        return push(machine, machine->context->cfa);
    default:
        return false;
    }
}

static bool do_unary(struct machine *machine, const Dwarf_Op *op)
{
    switch (op->atom) {
    case DW_OP_deref:
        return push(machine, load(machine, pop(machine), 8));
    case DW_OP_deref_size:
        return push(machine, load(machine, pop(machine), op->number));
    case DW_OP_plus_uconst:
        return push(machine, pop(machine) + op->number);
    case DW_OP_neg:
        return push(machine, -pop(machine));
    case DW_OP_not:
        return push(machine, ~pop(machine));
    case DW_OP_dup:
        return push(machine, pick(machine, 0));
    case DW_OP_over:
        return push(machine, pick(machine, 1));
    case DW_OP_pick:
        return push(machine, pick(machine, op->number));
    case DW_OP_drop:
        pop(machine);
        return true;
    case DW_OP_swap:
        return swap(machine);
    case DW_OP_rot:
        return rotate(machine);
    case DW_OP_nop:
    case DW_OP_stack_value:
        return true;
    default:
        return false;
    }
}

/* A branch counts from the end of its operation, which has three bytes.  Offsets are ascending. */
static bool jump(const Dwarf_Op *ops, size_t count, size_t *at)
{
    uint64_t target = ops[*at].offset + 3 + (uint64_t)(int64_t)(int16_t)ops[*at].number;
    *at = SEARCH_FIRST(i, count, ops[i].offset >= target);
    return *at == count || ops[*at].offset == target; /* count: to the end */
}

bool expression_evaluate(const Dwarf_Op *ops, size_t count, const struct expression_context *context,
                         uint64_t *result)
{
    struct machine machine = {.context = context};
    size_t at = 0;
    for (int steps = 0; at < count && !machine.failed; steps++) {
        const Dwarf_Op *op = &ops[at];
        if (steps > MAX_STEPS)
            return false;
        if (op->atom == DW_OP_skip || (op->atom == DW_OP_bra && pop(&machine))) {
            if (!jump(ops, count, &at))
                return false;
            continue;
        }
        if (op->atom != DW_OP_bra && !do_constant(&machine, op) && !do_unary(&machine, op) &&
            !do_binary(&machine, op->atom))
            return false;
        at++;
    }
    *result = pop(&machine);
    return !machine.failed;
}
