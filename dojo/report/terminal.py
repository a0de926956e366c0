"""A verdict on a terminal, with rich."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from dojo.grading.verdict import TestResult, Verdict

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
MAX_ROWS = 12  # of a matrix
GAP = 4  # between what stands side by side

Write = Callable[[float | int | bool | None], str]


def to_terminal(verdict: Verdict, console: Console | None = None) -> None:
    """Prints a verdict: the headline, each test, what was expected and what came, and what we recognise."""
    console = console or Console()
    console.print(_headline(verdict), soft_wrap=False)
    if verdict.mistake:
        body = Text(content.clean(verdict.mistake.sentence))
        console.print(Padding(Panel(body, title="This looks like", title_align="left", border_style="yellow"), (0, 2)))
    groups, more = content.told(verdict)
    for group, in_full in groups:
        console.print(_test(group, values=in_full))
    if more:
        console.print(Padding(Text(more, style="dim"), (0, 2)))
    for note in verdict.notes:
        console.print(Padding(Text(f"Note: {content.clean(note)}"), (0, 2)))
    if verdict.printed:
        body = Text(content.cut(verdict.printed, 20))
        console.print(
            Padding(Panel(body, title="Your code printed", title_align="left", border_style="dim"), (1, 2, 0, 2))
        )
    live = verdict.isolation.startswith("none")
    if live or verdict.isolation.startswith("L0"):
        console.print(Padding(Text(f"Isolation: {content.clean(verdict.isolation)}", style="dim"), (0, 2)))
    if content.has_inputs(verdict):
        again = content.check_again(verdict) if live else f"--seed {verdict.seed}"
        console.print(Padding(Text(f"Same inputs again: {again}", style="dim"), (0, 2)))


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
    if verdict.status == "unwritten":
        rest = f"{rest}\n  Write it, then check again. Hints: dojo hint {content.clean(verdict.exercise)}".lstrip("\n")
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
        if test.expected is not None or test.actual is not None:
            parts.append(Padding(_Sides(test), (0, 4)))
        if test.where:
            parts.append(Padding(Text(content.clean(test.where)), (0, 4)))
        if test.trace:
            parts.append(Padding(Text(content.cut(test.trace, 30), style="dim"), (0, 4)))
    return Group(*parts)


class _Sides:
    """Expected and actual; matrices as numbers, with what differs marked and no number ever cut short.

    Side by side where both fit; otherwise one under the other; where that is too wide as well, the columns around the largest
    difference. Two decimals where that helps to fit and every difference can still be seen.
    """

    def __init__(self, test: TestResult) -> None:
        self.titles = [(t, v) for t, v in (("expected", test.expected), ("yours", test.actual)) if v is not None]
        self.expected, self.actual = content.grid(test.expected), content.grid(test.actual)
        self.grids = [rows for rows in (self.expected, self.actual) if rows]
        self.wrong = content.differs(self.expected, self.actual) if self.expected and self.actual else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        labels = [content.label(value) for _, value in self.titles]
        shared = labels[0] if len(set(labels)) == 1 else ""
        if shared:
            yield Text(shared)
        headings = [
            Text.assemble((title, "bold"), "" if shared else f"  {label}")
            for (title, _), label in zip(self.titles, labels, strict=True)
        ]
        writers = self._writers()
        columns = max((len(row) for rows in self.grids for row in rows), default=0)
        whole = 0, columns
        for write in writers:
            bodies = self._bodies(write, whole)
            widths = [max(map(_width, pair)) for pair in zip(headings, bodies, strict=True)]
            if sum(widths) + GAP * (len(widths) - 1) <= options.max_width:
                table = Table.grid(padding=(0, GAP, 0, 0))
                table.add_row(*(Group(*pair) for pair in zip(headings, bodies, strict=True)))
                yield table
                return
        for write in writers:
            if sum(self._widths(write)) + columns - 1 <= options.max_width:
                bodies = self._bodies(write, whole)
                break
        else:
            shown = self._window(writers[-1], columns, options.max_width)
            bodies = self._bodies(writers[-1], shown)
            first, end = shown
            which = f"columns {first} to {end - 1}" if end - first > 1 else f"column {first}"
            yield Text(f"{which} of 0 to {columns - 1}", style="dim")
        for heading, body in zip(headings, bodies, strict=True):
            yield heading
            yield body

    def _writers(self) -> list[Write]:
        """How numbers may be written, the widest first."""
        full, tight = content.formatter(*self.grids), content.formatter(*self.grids, decimals=2)
        hidden = any(
            marked and j < len(wanted) and full(wanted[j]) != full(number) and tight(wanted[j]) == tight(number)
            for wanted, row, marks in zip(self.expected or [], self.actual or [], self.wrong or [], strict=False)
            for j, (number, marked) in enumerate(zip(row, marks, strict=True))
        )
        return [full] if hidden else [full, tight]

    def _bodies(self, write: Write, shown: tuple[int, int]) -> list[Text]:
        widths = self._widths(write)
        rows = _around(self._worst()[0], max(map(len, self.grids), default=0), MAX_ROWS)
        return [
            _matrix(grid, marks, write, widths, rows, shown) if grid else Text(content.cut(value.text, 12, 600))
            for (title, value) in self.titles
            for grid, marks in [(self.expected, None) if title == "expected" else (self.actual, self.wrong)]
        ]

    def _widths(self, write: Write) -> list[int]:
        """Of each column, the same in both matrices."""
        widths: list[int] = []
        for row in (row for rows in self.grids for row in rows):
            widths += [0] * (len(row) - len(widths))
            widths[: len(row)] = [max(w, len(write(n))) for w, n in zip(widths, row, strict=False)]
        return widths

    def _worst(self) -> tuple[int, int]:
        """Where the two differ most."""
        cells = [
            (inf if wanted is None or number is None else abs(wanted - number), (i, j))
            for i, (left, right) in enumerate(zip(self.expected or [], self.actual or [], strict=False))
            for j, (wanted, number) in enumerate(zip(left, right, strict=False))
            if self.wrong and self.wrong[i][j]
        ]
        return max(cells, key=lambda cell: cell[0], default=(0, (0, 0)))[1]

    def _window(self, write: Write, columns: int, room: int) -> tuple[int, int]:
        """As many whole columns as fit, around the largest difference."""
        widths = self._widths(write)
        first = min(self._worst()[1], columns - 1)
        end = first + 1

        def fits(first: int, end: int) -> bool:
            cut = 2 * (first > 0) + 2 * (end < columns)
            return sum(widths[first:end]) + (end - first - 1) + cut <= room

        grown = True
        while grown:
            grown = False
            if end < columns and fits(first, end + 1):
                end, grown = end + 1, True
            if first > 0 and fits(first - 1, end):
                first, grown = first - 1, True
        return first, end


def _around(at: int, count: int, most: int) -> tuple[int, int]:
    """`most` of `count` places, around one of them."""
    first = max(0, min(at - most // 2, count - most))
    return first, min(first + most, count)


def _matrix(
    grid: content.Grid,
    wrong: list[list[bool]] | None,
    write: Write,
    widths: list[int],
    rows: tuple[int, int],
    columns: tuple[int, int],
) -> Text:
    """Some rows and columns of a matrix as lines, with … for those that are left out."""
    text, (first, end) = Text(no_wrap=True, overflow="crop"), columns
    lines = []
    for i in range(rows[0], min(rows[1], len(grid))):
        row, line = grid[i], Text()
        if first > 0:
            line.append("… ")
        for j in range(first, min(end, len(row))):
            number = write(row[j])
            line.append(" " * (widths[j] - len(number) + (j > first)))
            line.append(number, style="bold red underline" if wrong and wrong[i][j] else "")
        if len(row) > end:
            line.append(" …")
        lines.append(line)
    if rows[0] > 0:
        lines.insert(0, Text("…"))
    if len(grid) > rows[1]:
        lines.append(Text("…"))
    return text.append_text(Text("\n").join(lines))


def _width(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))
