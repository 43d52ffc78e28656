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

static void push(struct machine *machine, uint64_t value)
{
    if (machine->depth == DEPTH)
        machine->failed = true;
    else
        machine->values[machine->depth++] = value;
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
    if (number >= SNAPSHOT_REGS) {
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

static void rotate(struct machine *machine)
{
    uint64_t a = pop(machine), b = pop(machine), c = pop(machine);
    push(machine, a);
    push(machine, c);
    push(machine, b);
}

static void swap(struct machine *machine)
{
    uint64_t a = pop(machine), b = pop(machine);
    push(machine, a);
    push(machine, b);
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
        push(machine, a & b);
        return true;
    case DW_OP_or:
        push(machine, a | b);
        return true;
    case DW_OP_xor:
        push(machine, a ^ b);
        return true;
    case DW_OP_plus:
        push(machine, a + b);
        return true;
    case DW_OP_minus:
        push(machine, a - b);
        return true;
    case DW_OP_mul:
        push(machine, a * b);
        return true;
    case DW_OP_shl:
        push(machine, b < 64 ? a << b : 0);
        return true;
    case DW_OP_shr:
        push(machine, b < 64 ? a >> b : 0);
        return true;
    case DW_OP_shra:
        push(machine, shift_arithmetic(a, b < 64 ? b : 63));
        return true;
    case DW_OP_eq:
        push(machine, a == b);
        return true;
    case DW_OP_ne:
        push(machine, a != b);
        return true;
    case DW_OP_ge:
        push(machine, sa >= sb);
        return true;
    case DW_OP_gt:
        push(machine, sa > sb);
        return true;
    case DW_OP_le:
        push(machine, sa <= sb);
        return true;
    case DW_OP_lt:
        push(machine, sa < sb);
        return true;
    default:
        return false;
    }
}

static bool do_constant(struct machine *machine, const Dwarf_Op *op)
{
    if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
        push(machine, (uint64_t)(op->atom - DW_OP_lit0));
        return true;
    }
    if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
        push(machine, reg(machine, (uint64_t)(op->atom - DW_OP_breg0)) + op->number);
        return true;
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
        push(machine, op->number);
        return true;
    case DW_OP_bregx:
        push(machine, reg(machine, op->number) + op->number2);
        return true;
    case DW_OP_call_frame_cfa:
        push(machine, machine->context->cfa);
        return true;
    default:
        return false;
    }
}

static bool do_unary(struct machine *machine, const Dwarf_Op *op)
{
    switch (op->atom) {
    case DW_OP_deref:
        push(machine, load(machine, pop(machine), 8));
        return true;
    case DW_OP_deref_size:
        push(machine, load(machine, pop(machine), op->number));
        return true;
    case DW_OP_plus_uconst:
        push(machine, pop(machine) + op->number);
        return true;
    case DW_OP_neg:
        push(machine, -pop(machine));
        return true;
    case DW_OP_not:
        push(machine, ~pop(machine));
        return true;
    case DW_OP_dup:
        push(machine, pick(machine, 0));
        return true;
    case DW_OP_over:
        push(machine, pick(machine, 1));
        return true;
    case DW_OP_pick:
        push(machine, pick(machine, op->number));
        return true;
    case DW_OP_drop:
        pop(machine);
        return true;
    case DW_OP_swap:
        swap(machine);
        return true;
    case DW_OP_rot:
        rotate(machine);
        return true;
    case DW_OP_nop:
    case DW_OP_stack_value:
        return true;
    default:
        return false;
    }
}

/* A branch counts from the end of its operation, which has three bytes.  Operations are by ascending offset.
 */
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
