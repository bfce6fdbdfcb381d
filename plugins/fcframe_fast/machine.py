"""What an update does → machine code: one loop over the numbers, in which nothing between load and store is in memory.

The code is written for LLVM, which comes with Numba, and is ready in a few hundredths of a second.
"""

import ctypes
from functools import cache

import numba  # noqa: F401 - it makes LLVM ready for this processor
from llvmlite import binding as llvm

from fcframe_fast.compiling import uninterrupted

ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
INTRINSIC = {"sqrt": "llvm.sqrt", "absolute": "llvm.fabs", "power": "llvm.pow", "exp": "llvm.exp", "log": "llvm.log"}
CALL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
"""The code's arguments: the first number and the one after the last, and the addresses of numbers and of arrays."""

_KEPT = []  # the code lives as long as its engine


@cache
def compiled(operations, held, arrays, numbers, dtype):
    """The address of a trace's code; the same one for the same operations, whatever the numbers in them.

    Args:
        operations: As a `Trace` lists them.
        held: The value that each array holds in the end.
        arrays: How many arrays there are.
        numbers: How many numbers.
        dtype: Of all of them.
    """
    text = _text(operations, held, arrays, numbers, {"f": "float", "d": "double"}[dtype.char])
    with uninterrupted():
        return _address(text)


def _address(text):
    module = llvm.parse_assembly(text)
    module.verify()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=3, jit=True
    )
    module.triple, module.data_layout = target.triple, str(target.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = True
    passes = llvm.create_pass_builder(target, options)
    passes.getModulePassManager().run(module, passes)
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    _KEPT.append(engine)
    return engine.get_function_address("update")


def _text(operations, held, arrays, numbers, kind):
    """The code in LLVM's language: `loop`, whose arrays overlap nowhere, and `update`, which finds their addresses."""
    size, suffix = (4, "f32") if kind == "float" else (8, "f64")
    tables = [("n", "%numbers", numbers, kind), ("a", "%places", arrays, "ptr")]
    find = [
        line
        for name, table, count, item in tables
        for index in range(count)
        for line in (
            f"  %{name}{index}p = getelementptr {item}, ptr {table}, i64 {index}",
            f"  %{name}{index} = load {item}, ptr %{name}{index}p",
        )
    ]
    given = [*(f"{kind} %n{index}" for index in range(numbers))]
    taken = ", ".join(["i64 %start", "i64 %stop", *given, *(f"ptr noalias %a{index}" for index in range(arrays))])
    handed = ", ".join(["i64 %start", "i64 %stop", *given, *(f"ptr %a{index}" for index in range(arrays))])
    body = [
        line
        for index in range(arrays)
        for line in (
            f"  %p{index} = getelementptr {kind}, ptr %a{index}, i64 %i",
            f"  %v{index} = load {kind}, ptr %p{index}, align {size}",
        )
    ]
    for place, operation in enumerate(operations, arrays):
        body += _lines(place, kind, suffix, *operation)
    changed = [(index, value) for index, value in enumerate(held) if value != index]
    body += [f"  store {kind} {_named(value)}, ptr %p{index}, align {size}" for index, value in changed]
    declared = [f"declare {kind} @{name}.{suffix}({kind})" for key, name in INTRINSIC.items() if key != "power"]
    return "\n".join([
        *declared,
        f"declare {kind} @llvm.pow.{suffix}({kind}, {kind})",
        f"declare {kind} @tanh{'f' * (size == 4)}({kind}) memory(none)",
        f"define internal void @loop({taken}) noinline {{",
        "entry:",
        "  %some = icmp slt i64 %start, %stop",
        "  br i1 %some, label %each, label %done",
        "each:",
        "  %i = phi i64 [%start, %entry], [%next, %each]",
        *body,
        "  %next = add nsw i64 %i, 1",
        "  %more = icmp slt i64 %next, %stop",
        "  br i1 %more, label %each, label %done",
        "done:",
        "  ret void",
        "}",
        "define void @update(i64 %start, i64 %stop, ptr %numbers, ptr %places) {",
        *find,
        f"  call void @loop({handed})",
        "  ret void",
        "}",
    ])  # fmt: skip


def _lines(place, kind, suffix, name, first, second):
    """One operation; %v… are values, and %n… numbers."""
    out = f"  %v{place}"
    a, b = (None if operand is None else _named(operand) for operand in (first, second))
    if name in ARITHMETIC:
        return [f"{out} = {ARITHMETIC[name]} {kind} {a}, {b}"]
    if name == "square":
        return [f"{out} = fmul {kind} {a}, {a}"]
    if name == "negative":
        return [f"{out} = fneg {kind} {a}"]
    if name == "copy":
        return [f"{out} = select i1 true, {kind} {a}, {kind} {a}"]
    if name == "tanh":
        return [f"{out} = call {kind} @tanh{'f' * (suffix == 'f32')}({kind} {a})"]
    if name in INTRINSIC:
        arguments = f"{kind} {a}" + (f", {kind} {b}" if b else "")
        return [f"{out} = call {kind} @{INTRINSIC[name]}.{suffix}({arguments})"]
    if name == "sign":
        return [
            f"  %over{place} = fcmp ogt {kind} {a}, 0.0",
            f"  %under{place} = fcmp olt {kind} {a}, 0.0",
            f"  %low{place} = select i1 %under{place}, {kind} -1.0, {kind} {a}",  # 0 and NaN stay
            f"{out} = select i1 %over{place}, {kind} 1.0, {kind} %low{place}",
        ]
    test = {"maximum": "oge", "minimum": "ole"}[name]
    return [
        f"  %first{place} = fcmp {test} {kind} {a}, {b}",
        f"  %nan{place} = fcmp uno {kind} {a}, {a}",
        f"  %take{place} = or i1 %first{place}, %nan{place}",
        f"{out} = select i1 %take{place}, {kind} {a}, {kind} {b}",
    ]


def _named(operand):
    return f"%v{operand}" if operand >= 0 else f"%n{~operand}"
