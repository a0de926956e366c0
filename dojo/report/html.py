"""A verdict as a piece of HTML for notebooks and the site.

Self-contained: inline styles, no script, no address. Text keeps the page's own colour and everything else is
translucent, so the same piece is legible on a light and on a dark page. All text is escaped: it comes from learners.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from dojo.grading.verdict import TestResult, Verdict

from . import content

MAX_CELLS = 24  # rows and columns of a heat map
MAX_WRITTEN = 10  # columns up to which the numbers are written into the cells
GREEN, RED, AMBER, GREY = (
    "0,158,115",
    "213,94,0",
    "230,159,0",
    "128,128,128",
)  # Okabe and Ito: safe for colour-blind readers
POSITIVE, NEGATIVE = "0,114,178", "213,94,0"
COLOURS = {
    "passed": GREEN,
    "failed": RED,
    "skipped": GREY,
    "unwritten": AMBER,
    "blocked": AMBER,
    "error": RED,
    "stopped": RED,
}
MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:0.85em"
PRE = (
    f"{MONO};white-space:pre;overflow-x:auto;margin:0.3em 0;padding:0.4em 0.6em;border-radius:4px;"
    f"color:inherit;background:rgba({GREY},0.10)"
)


def to_html(verdict: Verdict) -> str:
    """The verdict as one <div>."""
    colour = COLOURS[verdict.status]
    first, _, rest = content.clean(verdict.headline).partition("\n")
    counts = content.counts(verdict)
    parts = [
        f'<div style="color:inherit;background:rgba({colour},0.12);border-radius:4px;padding:0.4em 0.6em">'
        f"{_mark(content.STATUS_MARKS[verdict.status], colour)}<strong>{_text(verdict.exercise)}</strong> {escape(first)}"
        + (f' <span style="opacity:0.75">({escape(counts)})</span>' if counts else "")
        + (_pre(rest.strip("\n")) if rest.strip() else "")
        + "</div>"
    ]
    if verdict.mistake:
        parts.append(
            f'<div style="color:inherit;background:rgba({AMBER},0.15);border-left:4px solid rgb({AMBER});'
            f'padding:0.4em 0.6em;margin:0.5em 0"><strong>This looks like:</strong> {_text(verdict.mistake.sentence)}</div>'
        )
    groups, more = content.told(verdict)
    parts += [_test(group, values=in_full) for group, in_full in groups]
    if more:
        parts.append(f'<div style="opacity:0.75;margin:0.3em 0.6em">{escape(more)}</div>')
    parts += [f'<div style="margin:0.3em 0.6em">Note: {_text(note)}</div>' for note in verdict.notes]
    if verdict.printed:
        parts.append(
            '<details style="margin:0.4em 0.6em"><summary>Your code printed</summary>'
            + _pre(content.cut(verdict.printed, 200, 8000))
            + "</details>"
        )
    small = "opacity:0.75;font-size:0.85em;margin:0.3em 0.6em"
    if verdict.isolation.startswith("L0"):
        parts.append(f'<div style="{small}">Isolation: {_text(verdict.isolation)}</div>')
    if content.has_inputs(verdict):
        again = escape(content.check_again(verdict))
        parts.append(f'<div style="{small}">Same inputs again: <span style="{MONO}">{again}</span></div>')
    style = f"color:inherit;border-left:4px solid rgb({colour});padding-left:0.6em;margin:0.4em 0;line-height:1.5"
    return f'<div class="dojo-verdict" style="{style}">{"".join(parts)}</div>'


def _test(group: content.Cases, *, values: bool) -> str:
    test = group.shown
    cases = f' <span style="opacity:0.75">({escape(group.counted)})</span>' if group.counted else ""
    inner = [
        f"<div>{_mark(content.MARKS[test.outcome], COLOURS[test.outcome])}{_text(test.sentence or test.name)}{cases}</div>"
    ]
    details = [f"<div>{_text(test.message)}</div>"] if test.message else []
    if values:
        details += [_sides(test)]
        details += [f"<div>{_text(test.where)}</div>"] if test.where else []
        if test.trace:
            details.append(_pre(content.cut(test.trace, 30)))
    if any(details):
        inner.append(f'<div style="margin-left:1.6em">{"".join(details)}</div>')
    return f'<div style="margin:0.3em 0.6em">{"".join(inner)}</div>'


def _sides(test: TestResult) -> str:
    expected, actual = content.grid(test.expected), content.grid(test.actual)
    shown = [rows for rows in (expected, actual) if rows]
    write = content.formatter(*shown)
    numbers = [abs(float(n)) for rows in shown for row in rows for n in row if n is not None]
    scale = max(numbers, default=0.0) or 1.0
    wrong = content.differs(expected, actual) if expected and actual else None
    labels = [content.label(value) if value else "" for value in (test.expected, test.actual)]
    shared = labels[0] if labels[0] == labels[1] else ""
    boxes = [
        f'<div style="min-width:0;max-width:100%"><div><strong>{title}</strong> '
        f'<span style="opacity:0.75">{escape("" if shared else label)}</span></div>'
        + (_matrix(rows, marks, write, scale) if rows else _pre(content.cut(value.text, 12, 1000)))
        + "</div>"
        for title, value, label, rows, marks in (
            ("expected", test.expected, labels[0], expected, None),
            ("yours", test.actual, labels[1], actual, wrong),
        )
        if value is not None
    ]
    if not boxes:
        return ""
    heading = f'<div style="opacity:0.75">{escape(shared)}</div>' if shared else ""
    style = "display:flex;flex-wrap:wrap;gap:0.5em 2em;margin:0.3em 0"
    return f'{heading}<div style="{style}">{"".join(boxes)}</div>'


def _matrix(rows: content.Grid, wrong: list[list[bool]] | None, write: Callable, scale: float) -> str:
    """A heat map: blue above zero, orange below, the more the farther from it; what differs is framed and bold."""
    width = max(map(len, rows))
    written = width <= MAX_WRITTEN
    size = "padding:0.1em 0.4em" if written else "padding:0;width:0.9em;height:0.9em;min-width:0.9em"
    body = []
    for i, row in enumerate(rows[:MAX_CELLS]):
        cells = []
        for j, number in enumerate(row[:MAX_CELLS]):
            style = f"{size};text-align:right;border:1px solid rgba({GREY},0.25);color:inherit"
            if number is None:
                style += f";background:rgba({GREY},0.5)"
            elif number:
                hue = POSITIVE if number > 0 else NEGATIVE
                style += f";background:rgba({hue},{0.6 * min(abs(float(number)) / scale, 1):.2f})"
            else:
                style += ";background:transparent"
            if wrong and wrong[i][j]:
                style += ";font-weight:bold;box-shadow:inset 0 0 0 2px rgb(204,121,167)"
            cells.append(
                f'<td title="[{i}, {j}]: {write(number)}" style="{style}">{write(number) if written else ""}</td>'
            )
        more = "<td>…</td>" if len(row) > MAX_CELLS else ""
        body.append(f'<tr style="background:transparent">{"".join(cells)}{more}</tr>')
    if len(rows) > MAX_CELLS:
        body.append(f'<tr style="background:transparent"><td colspan="{min(width, MAX_CELLS)}">…</td></tr>')
    table = f'<table style="border-collapse:collapse;{MONO};color:inherit;margin:0">{"".join(body)}</table>'
    return f'<div style="overflow-x:auto">{table}</div>'


def _mark(mark: str, colour: str) -> str:
    return f'<span style="color:rgb({colour});font-weight:bold;margin-right:0.4em">{mark}</span>'


def _text(text: str) -> str:
    return escape(content.clean(text)).replace("\n", "<br>")


def _pre(text: str) -> str:
    return f'<pre style="{PRE}">{escape(text)}</pre>'
