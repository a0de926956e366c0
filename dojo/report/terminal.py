"""A verdict on a terminal, with rich."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dojo.grading.verdict import TestResult, Value, Verdict

from . import content

STYLES = {
    "passed": "green",
    "failed": "red",
    "skipped": "bright_black",
    "unwritten": "yellow",
    "blocked": "yellow",
    "error": "red",
    "stopped": "red",
}
MAX_CELLS = 12  # rows and columns of a matrix that a terminal shows


def to_terminal(verdict: Verdict, console: Console | None = None) -> None:
    """Prints a verdict: the headline, each test, what was expected and what came, and what we recognise."""
    console = console or Console()
    console.print(_headline(verdict), soft_wrap=False)
    in_full = content.SHOWN_IN_FULL
    for group in content.groups(verdict):
        failed = group.shown.outcome == "failed"
        console.print(_test(group, values=failed and in_full > 0))
        in_full -= failed
    if verdict.mistake:
        body = Text(content.clean(verdict.mistake.sentence))
        console.print(
            Padding(Panel(body, title="This looks like", title_align="left", border_style="yellow"), (1, 2, 0, 2))
        )
    for note in verdict.notes:
        console.print(Padding(Text(f"Note: {content.clean(note)}"), (0, 2)))
    if verdict.printed:
        body = Text(content.cut(verdict.printed, 20))
        console.print(
            Padding(Panel(body, title="Your code printed", title_align="left", border_style="dim"), (1, 2, 0, 2))
        )
    if verdict.isolation:
        console.print(Padding(Text(f"Isolation: {content.clean(verdict.isolation)}", style="dim"), (0, 2)))


def _headline(verdict: Verdict) -> RenderableType:
    style = STYLES[verdict.status]
    first, _, rest = content.clean(verdict.headline).partition("\n")
    line = Text.assemble(
        (f"{content.STATUS_MARKS[verdict.status]} ", f"bold {style}"),
        (content.clean(verdict.exercise), f"bold {style}"),
    )
    line.append(f"  {first}")
    if counts := content.counts(verdict):
        line.append(f"  ({counts})", style="dim")
    return Group(line, Text(rest, no_wrap=True, overflow="ellipsis")) if rest else line


def _test(group: content.Cases, *, values: bool) -> RenderableType:
    test, style = group.shown, STYLES[group.shown.outcome]
    line = Text.assemble((f"{content.MARKS[test.outcome]} ", style), content.clean(test.sentence or test.name))
    if group.counted:
        line.append(f"  ({group.counted})", style="dim")
    parts: list[RenderableType] = [Padding(line, (0, 2))]
    if test.message:
        parts.append(
            Padding(Text(content.clean(test.message), style=style if test.outcome == "failed" else ""), (0, 4))
        )
    if values:
        if sides := _sides(test):
            parts.append(Padding(sides, (0, 4)))
        if test.where:
            parts.append(Padding(Text(content.clean(test.where)), (0, 4)))
        if test.trace:
            parts.append(Padding(Text(content.cut(test.trace, 30), style="dim"), (0, 4)))
    return Group(*parts)


def _sides(test: TestResult) -> RenderableType | None:
    """Expected and actual side by side; matrices as numbers, with what differs marked."""
    if test.expected is None and test.actual is None:
        return None
    expected, actual = content.grid(test.expected), content.grid(test.actual)
    write = content.formatter(*(rows for rows in (expected, actual) if rows))
    wrong = content.differs(expected, actual) if expected and actual else None
    labels = [content.label(value) if value else "" for value in (test.expected, test.actual)]
    shared = labels[0] if labels[0] == labels[1] else ""
    table, cells = Table.grid(padding=(0, 4)), []
    for title, value, label, numbers, marks in (
        ("expected", test.expected, labels[0], expected, None),
        ("yours", test.actual, labels[1], actual, wrong),
    ):
        if value is not None:
            table.add_column(vertical="top")
            heading = Text.assemble((title, "bold"), "" if shared else f"  {label}")
            cells.append(Group(heading, _value(value, numbers, marks, write)))
    table.add_row(*cells)
    return Group(Text(shared), table) if shared else table


def _value(value: Value, rows: content.Grid | None, wrong: list[list[bool]] | None, write: Callable) -> RenderableType:
    if rows is None:
        return Text(content.cut(value.text, 12, 600))
    table = Table.grid(padding=(0, 1))
    width = min(max(map(len, rows)), MAX_CELLS)
    for _ in range(width + 1):
        table.add_column(justify="right", no_wrap=True)
    for i, row in enumerate(rows[:MAX_CELLS]):
        cells = [
            Text(write(number), style="bold red underline" if wrong and wrong[i][j] else "")
            for j, number in enumerate(row[:width])
        ]
        table.add_row(*cells, Text("…" if len(row) > width else ""))
    if len(rows) > MAX_CELLS:
        table.add_row(*[Text("…")] * width)
    return table
