"""Holding an answer against what it should be, and saying where they part.

Kind first, then shape, then dtype, then nan, then values: the first thing that is wrong is the one worth telling.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from .rpc import Remote
from .verdict import Value

SHOWN = 64  # at most so many rows and columns of a tensor go into a verdict


class Mismatch(AssertionError):
    """An answer that is not the expected one. `kind` is type, shape, dtype, nan, value or mutation."""

    def __init__(
        self, kind: str, message: str, expected: Value | None = None, actual: Value | None = None, where: str = ""
    ):
        super().__init__(message)
        self.kind, self.expected, self.actual, self.where = kind, expected, actual, where


def compare(
    actual: Any,
    expected: Any,
    *,
    what: str = "the result",
    axes: str = "",
    atol: float = 1e-4,
    rtol: float = 1e-3,
    hint: str = "",
) -> None:
    """Raise Mismatch unless `actual` equals `expected` (tensor, number, or list, tuple or dict of them) within tolerance.

    `axes` names the tensor's axes for the message ("batch head query key"); `hint` is added to the message.
    Floating-point answers must have the expected dtype; whole numbers may have any integer dtype, a number may be a 0-d tensor.
    """
    try:
        _compare(actual, expected, what, axes.split(), atol, rtol)
    except Mismatch as mismatch:
        if hint:
            mismatch.args = (f"{mismatch.args[0]} {hint}",)
        raise


def _compare(actual: Any, expected: Any, what: str, axes: list[str], atol: float, rtol: float) -> None:
    if isinstance(expected, torch.Tensor):
        return _compare_tensors(actual, expected, what, axes, atol, rtol)
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        if type(actual) is torch.Tensor and actual.numel() == 1 and actual.dtype == torch.bool:
            actual = bool(actual)
        if type(actual) is not type(expected):
            raise _wrong_kind(actual, expected, what)
        if actual != expected:
            raise Mismatch("value", f"{_cap(what)} is {actual!r}, expected {expected!r}.", show(expected), show(actual))
        return None
    if isinstance(expected, (int, float)):
        if isinstance(actual, bool) or not isinstance(actual, (int, float, torch.Tensor, np.generic, np.ndarray)):
            raise _wrong_kind(actual, expected, what)
        tensor = torch.as_tensor(actual)
        if tensor.numel() != 1:
            message = f"{_cap(what)} should be one number, but is a tensor of shape {tuple(tensor.shape)}."
            raise Mismatch("shape", message, show(expected), show(actual))
        return _compare_values(
            tensor.reshape(()).double(), torch.tensor(float(expected)).double(), what, [], atol, rtol
        )
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            raise _wrong_kind(actual, expected, what)
        missing = [k for k in expected if k not in actual]
        extra = [k for k in actual if k not in expected]
        if missing or extra:
            parts = [f"lacks {_names(missing)}"] * bool(missing) + [f"has {_names(extra)} too many"] * bool(extra)
            raise Mismatch("type", f"{_cap(what)} {' and '.join(parts)}.", show(sorted(expected)), show(sorted(actual)))
        for key, value in expected.items():
            _compare(actual[key], value, f"{what}[{key!r}]", axes, atol, rtol)
        return None
    if not isinstance(actual, (list, tuple)):
        raise _wrong_kind(actual, expected, what)
    if len(actual) != len(expected):
        message = f"{_cap(what)} has {len(actual)} entries, expected {len(expected)}."
        raise Mismatch("shape", message, show(expected), show(actual))
    for i, value in enumerate(expected):
        _compare(actual[i], value, f"{what}[{i}]", axes, atol, rtol)


def _compare_tensors(actual: Any, expected: torch.Tensor, what: str, axes: list[str], atol: float, rtol: float) -> None:
    if expected.ndim == 0 and isinstance(actual, (int, float)) and not isinstance(actual, bool):
        actual = torch.tensor(actual, dtype=expected.dtype)
    if type(actual) is not torch.Tensor:
        raise _wrong_kind(actual, expected, what)
    if actual.shape != expected.shape:
        raise Mismatch("shape", _shape_sentence(actual, expected, what, axes), only_shape(expected), show(actual))
    if not _same_kind_of_number(actual.dtype, expected.dtype):
        message = f"{_cap(what)} has dtype {_name(actual.dtype)}, expected {_name(expected.dtype)}."
        raise Mismatch("dtype", message, only_shape(expected), only_shape(actual))
    _compare_values(actual, expected, what, axes, atol, rtol)


def _compare_values(
    actual: torch.Tensor, expected: torch.Tensor, what: str, axes: list[str], atol: float, rtol: float
) -> None:
    a, e = actual.detach().double(), expected.detach().double()
    if actual.dtype.is_complex:
        a, e = torch.view_as_real(actual.detach()).double(), torch.view_as_real(expected.detach()).double()
    close = torch.isclose(a, e, rtol=rtol, atol=atol, equal_nan=True)
    if bool(close.all()):
        return
    gap = torch.where(close, 0.0, (a - e).abs().nan_to_num(nan=math.inf, posinf=math.inf))
    flat = int(gap.argmax())
    index = [int(i) for i in np.unravel_index(flat, tuple(gap.shape))] if gap.ndim else []
    got, want = float(a.reshape(-1)[flat]), float(e.reshape(-1)[flat])
    place = _place(index, axes)
    # with an infinite tolerance the test was about the shape: what it was compared with means nothing
    sides = only_shape(expected) if math.isinf(atol) else show(expected, index), show(actual, index)
    new_nan = torch.isnan(a) & ~torch.isnan(e)
    if bool(new_nan.any()):
        message = f"{_cap(what)} is nan in {int(new_nan.sum())} of {a.numel()} places."
        at = [int(i) for i in torch.nonzero(new_nan)[0]] if a.ndim else []
        raise Mismatch("nan", message, *sides, where=f"first nan{_place(at, axes)}")
    wrong = int((~close).sum())
    if a.ndim == 0:
        message = f"{_cap(what)} is {got:.6g}, expected {want:.6g}."
        raise Mismatch("value", message, *sides)
    message = f"{_cap(what)} differs in {wrong} of {a.numel()} entries."
    where = f"largest difference{place}: {got:.6g}, expected {want:.6g}"
    raise Mismatch("value", message, *sides, where=where)


def _same_kind_of_number(a: torch.dtype, b: torch.dtype) -> bool:
    whole = {torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8}
    return a == b or (a in whole and b in whole)


def _wrong_kind(actual: Any, expected: Any, what: str) -> Mismatch:
    want = describe(expected)
    if actual is None:
        return Mismatch(
            "type", f"{_cap(what)} is None, expected {want}: is a `return` missing?", show(expected), show(None)
        )
    return Mismatch("type", f"{_cap(what)} is {describe(actual)}, expected {want}.", show(expected), show(actual))


def describe(value: Any) -> str:
    """What kind of thing `value` is, in words."""
    if value is None:
        return "None"
    if isinstance(value, Remote):
        article = "a" if value._handle.kind in ("class", "function", "module") else "an object of type"
        return f"{article} {value._handle.kind if article == 'a' else value._handle.type}"
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, np.ndarray):
        return "a numpy array"
    names = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}
    for kind, name in (*names.items(), (list, "a list"), (tuple, "a tuple"), (dict, "a dict")):
        if type(value) is kind:
            return name
    return f"an object of type {type(value).__name__}"


def _shape_sentence(actual: torch.Tensor, expected: torch.Tensor, what: str, axes: list[str]) -> str:
    named = f" ({', '.join(axes)})" if len(axes) == expected.ndim else ""
    text = f"{_cap(what)} has shape {tuple(actual.shape)}, expected {tuple(expected.shape)}{named}."
    if actual.ndim != expected.ndim:
        return f"{text} It has {actual.ndim} axes instead of {expected.ndim}."
    if sorted(actual.shape) == sorted(expected.shape):
        return f"{text} The sizes are right but the axes stand in another order."
    return text


def _place(index: list[int], axes: list[str]) -> str:
    if not index:
        return ""
    named = f" ({', '.join(f'{a} {i}' for a, i in zip(axes, index, strict=True))})" if len(axes) == len(index) else ""
    return f" at {index}{named}"


def only_shape(value: torch.Tensor) -> Value:
    """A tensor of which only the form is at issue."""
    return Value(text=describe(value), shape=list(value.shape), dtype=_name(value.dtype))


def show(value: Any, index: list[int] | None = None) -> Value:
    """What a verdict can hold of a value: its text, shape, and at most a matrix of it, the one through `index`."""
    if isinstance(value, torch.Tensor):
        return _show_tensor(value.detach(), index or [0] * value.ndim)
    if isinstance(value, Remote):
        return Value(text=describe(value))
    text = repr(value)
    return Value(text=text if len(text) <= 300 else text[:297] + "...")


def _show_tensor(value: torch.Tensor, index: list[int]) -> Value:
    shape, dtype = list(value.shape), _name(value.dtype)
    if value.dtype.is_complex:
        return Value(text=f"a complex tensor of shape {tuple(shape)}", shape=shape, dtype=dtype)
    leading = [min(i, n - 1) for i, n in zip(index[:-2], shape[:-2], strict=False)] if value.ndim > 2 else []
    if value.numel() == 0:
        return Value(text=f"an empty tensor of shape {tuple(shape)}", shape=shape, dtype=dtype)
    part = value[tuple(leading)]
    starts = [max(0, min(i - SHOWN // 2, n - SHOWN)) for i, n in zip(index[len(leading) :], part.shape, strict=True)]
    for axis, start in enumerate(starts):
        part = part.narrow(axis, start, min(SHOWN, part.shape[axis]))
    cut = [
        f"{s}:{s + n}" if n < full else ":"
        for s, n, full in zip(starts, part.shape, shape[len(leading) :], strict=True)
    ]
    whole = not leading and all(c == ":" for c in cut)
    data = _numbers(part)
    return Value(
        text=_text(part),
        shape=shape,
        dtype=dtype,
        data=data if isinstance(data, list) else [data],
        shown="" if whole else f"[{', '.join([*map(str, leading), *cut])}]",
    )


def _numbers(part: torch.Tensor) -> Any:
    if part.dtype in (torch.bool, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        return part.tolist()
    if part.ndim == 0:
        number = float(part)
        return float(f"{number:.6g}") if math.isfinite(number) else None
    return [_numbers(row) for row in part]


def _text(part: torch.Tensor) -> str:
    torch.set_printoptions(precision=4, sci_mode=False, linewidth=100, threshold=100, edgeitems=4)
    return str(part.tolist() if part.ndim == 0 else part).removeprefix("tensor(").removesuffix(")")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _cap(what: str) -> str:
    return what[:1].upper() + what[1:]


def _names(keys: list) -> str:
    shown = ", ".join(f"`{k}`" for k in keys[:5])
    return shown + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")
