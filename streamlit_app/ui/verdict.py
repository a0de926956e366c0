"""A verdict as a person would like to read it: what happened, what you did, then the tests, the failed ones first.

Everything here may hold a learner's text (exceptions, printed output), so it is shown as escaped HTML or as code.
"""

from __future__ import annotations

import streamlit as st

from dojo import show as pictures
from dojo.course import Chapter
from dojo.grading.verdict import TestResult, Value, Verdict
from ui.nav import Me, link
from ui.prose import plain_html

TITLES = {
    "passed": "Passed",
    "failed": "Not yet",
    "unwritten": "Not written yet",
    "blocked": "Waiting for another exercise",
    "stopped": "Stopped",
    "error": "It could not run",
}
SMALL = 8  # matrices up to this size show their numbers


def show(verdict: Verdict, chapter: Chapter, me: Me) -> None:
    tone = {"passed": "passed", "failed": "failed", "stopped": "failed", "error": "failed"}.get(
        verdict.status, "waiting"
    )
    with st.container(key=f"verdict-{tone}"):
        failed = [test for test in verdict.tests if test.outcome == "failed"]
        passed = [test for test in verdict.tests if test.outcome == "passed"]
        sentence, _, lines = verdict.headline.partition("\n")
        st.html(
            f'<div class="headline" role="status"><strong>{TITLES[verdict.status]}</strong>'
            f"<p>{plain_html(sentence)}</p></div>"
        )
        if lines.strip():  # the line that does not parse, with a caret under the place
            st.code(lines.strip("\n"), language=None)
        if verdict.mistake:
            st.html(f'<div class="mistake"><b>What your code does</b>{plain_html(verdict.mistake.sentence)}</div>')
        if verdict.status == "blocked" and verdict.blocked_by in chapter.exercises:
            link("chapter", f"Go to `{verdict.blocked_by}`", me, chapter=chapter.id, exercise=verdict.blocked_by)
        for note in verdict.notes:
            st.html(f'<p class="fine">{plain_html(note)}</p>')
        if failed:
            show_failed(failed[0], said=verdict.headline)
        if failed[1:]:
            count = len(failed) - 1
            with st.expander(f"{count} more {'test' if count == 1 else 'tests'} failed"):
                st.html("".join(briefly(test) for test in failed[1:]))
        if passed:
            with st.expander(f"{len(passed)} {'test' if len(passed) == 1 else 'tests'} passed"):
                st.html(
                    "<ul>" + "".join(f"<li>{plain_html(test.sentence or test.name)}</li>" for test in passed) + "</ul>"
                )
        skipped = len(verdict.tests) - len(failed) - len(passed)
        if skipped:
            st.html(f'<p class="fine">{skipped} more not run.</p>')
        if verdict.printed.strip():
            with st.expander("What your code printed", expanded=verdict.status != "passed"):
                st.code(verdict.printed, language=None, wrap_lines=True)
        st.html(f'<p class="fine">{plain_html(small_print(verdict))}</p>')


def small_print(verdict: Verdict) -> str:
    parts = [f"{verdict.seconds:.2f} s"] if verdict.seconds else []
    parts += [f"sandbox {verdict.isolation}"] if verdict.isolation else []
    parts += [f"seed {verdict.seed}"] if verdict.seed else []
    return " · ".join(parts)


def show_failed(test: TestResult, *, said: str) -> None:
    """The first failed test in full. `said` is on the page already and is not repeated."""
    st.html(f'<p class="sentence"><b>✗</b> {plain_html(test.sentence or test.name)}</p>')
    if test.message and test.message not in said:
        st.html(f'<p class="message">{plain_html(test.message)}</p>')
    if test.expected and test.actual:
        show_sides(test.expected, test.actual)
    if test.where:
        st.html(f'<p class="fine">{plain_html(test.where)}</p>')
    if test.trace:
        st.code(test.trace, language="python")


def briefly(test: TestResult) -> str:
    """Any further failed test: they mostly say the same in other ways, so no pictures."""
    lines = [f'<p class="sentence"><b>✗</b> {plain_html(test.sentence or test.name)}</p>']
    lines += [f'<p class="message">{plain_html(test.message)}</p>'] if test.message else []
    lines += [f'<p class="fine">{plain_html(test.where)}</p>'] if test.where else []
    return "".join(lines)


def show_sides(expected: Value, actual: Value) -> None:
    """Expected and actual side by side, as pictures where both are tables of the same shape."""
    one, other = table(expected), table(actual)
    comparable = bool(one and other and len(one) == len(other) and len(one[0]) == len(other[0]))
    low, high = span(one, other) if comparable else (0.0, 1.0)
    columns = st.columns(2)
    for column, side, title, cells in ((columns[0], expected, "expected", one), (columns[1], actual, "yours", other)):
        with column:
            st.html(f'<p class="side"><b>{title}</b> {plain_html(describe(side))}</p>')
            if comparable and cells:
                figure = heatmap(cells, low, high, worst(one, other))
                st.plotly_chart(
                    figure,
                    key=f"side-{title}",
                    theme=None,
                    config={"displayModeBar": False},
                    alt=f"{title}: {side.text}",
                )
            else:
                st.code(side.text, language=None, wrap_lines=True)


def describe(side: Value) -> str:
    shape = f"shape {list(side.shape)}" if side.shape is not None else ""
    return ", ".join(part for part in (shape, side.dtype, f"shown: {side.shown}" if side.shown else "") if part)


def table(side: Value) -> list[list[float | None]] | None:
    """A value's numbers as rows, with a vector as a single row; None where there is no picture in it."""
    data = side.data
    if not data:
        return None
    rows = data if isinstance(data[0], list) else [data]
    if not rows[0] or len(rows) * len(rows[0]) < 2:
        return None
    return [[None if cell is None else float(cell) for cell in row] for row in rows]


def span(one: list | None, other: list | None) -> tuple[float, float]:
    cells = [cell for rows in (one or [], other or []) for row in rows for cell in row if cell is not None]
    return (min(cells), max(cells)) if cells else (0.0, 1.0)


def worst(one: list | None, other: list | None) -> tuple[int, int] | None:
    """Row and column of the largest difference; a cell that is nan on one side only counts as the largest."""
    best, place = 0.0, None
    for i, (row, row2) in enumerate(zip(one or [], other or [], strict=True)):
        for j, (a, b) in enumerate(zip(row, row2, strict=True)):
            gap = 0.0 if a is None and b is None else float("inf") if a is None or b is None else abs(a - b)
            if gap > best:
                best, place = gap, (i, j)
    return place


def heatmap(cells: list[list[float | None]], low: float, high: float, mark: tuple[int, int] | None):
    """One side. Both sides share the colour range, and the cell with the largest difference is framed in both."""
    centred = low < 0 < high
    figure = pictures.heatmap(cells, zero_centred=centred)
    reach = max(abs(low), abs(high)) if centred else None
    small = len(cells) <= SMALL and len(cells[0]) <= SMALL
    figure.update_traces(
        zmin=-reach if reach else low,
        zmax=reach if reach else high,
        hovertemplate="[%{y}, %{x}]<br><b>%{z:.5g}</b><extra></extra>",
        texttemplate="%{z:.2f}" if small else None,
        showscale=not small,
    )
    if mark:
        i, j = mark
        figure.add_shape(
            type="rect", x0=j - 0.5, x1=j + 0.5, y0=i - 0.5, y1=i + 0.5, line={"color": "#d55e00", "width": 3}
        )
    figure.update_layout(height=max(90, min(420, 40 + 34 * len(cells))), margin={"l": 4, "r": 4, "t": 4, "b": 4})
    figure.update_xaxes(showticklabels=len(cells[0]) <= 40, dtick=1 if len(cells[0]) <= 12 else None)
    figure.update_yaxes(showticklabels=len(cells) > 1, dtick=1 if len(cells) <= 12 else None)
    return figure
