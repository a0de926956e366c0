"""Still figures: heat maps, curves, bars, points, and attention patterns side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dojo.show.look import (
    COLOURS,
    INK,
    SEQUENTIAL,
    ZERO_CENTRED,
    check_pattern,
    cycle,
    depth,
    flat,
    label_ticks,
    shape,
    styled,
    to_lists,
    visible,
)

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def heatmap(
    matrix: Any,
    x: Sequence[str] | None = None,
    y: Sequence[str] | None = None,
    *,
    x_title: str = "",
    y_title: str = "",
    title: str = "",
    zero_centred: bool = False,
) -> Figure:
    """A matrix [row, column] as colours, the first row at the top.

    x, y: labels of columns and rows; equal labels stay apart. zero_centred: red below zero, blue above, white at zero.
    """
    import plotly.graph_objects as go

    rows = to_lists(matrix)
    if depth(rows) != 2:
        raise ValueError(f"show.heatmap needs a matrix [row, column]; it got shape {shape(rows)}.")
    n_rows, n_columns = len(rows), len(rows[0])
    x_names = [visible(str(t)) for t in x] if x is not None else [str(i) for i in range(n_columns)]
    y_names = [visible(str(t)) for t in y] if y is not None else [str(i) for i in range(n_rows)]
    if (len(y_names), len(x_names)) != (n_rows, n_columns):
        raise ValueError(
            f"show.heatmap has {n_rows} rows and {n_columns} columns, but {len(y_names)} row labels (y) "
            f"and {len(x_names)} column labels (x)."
        )
    figure = go.Figure(
        go.Heatmap(
            z=rows,
            customdata=[[[a, b] for b in x_names] for a in y_names],
            hovertemplate=f"{y_title or 'row'} %{{customdata[0]}}<br>{x_title or 'column'} %{{customdata[1]}}"
            "<br><b>%{z:.4g}</b><extra></extra>",
            colorscale=ZERO_CENTRED if zero_centred else SEQUENTIAL,
            zmid=0 if zero_centred else None,
            xgap=1 if n_columns <= 40 else 0,
            ygap=1 if n_rows <= 40 else 0,
            colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.9, "nticks": 3 if n_rows <= 6 else 0},
        )
    )
    figure.update_xaxes(**label_ticks(x_names, x is not None), title=x_title, showgrid=False, zeroline=False)
    figure.update_yaxes(
        **label_ticks(y_names, y is not None), title=y_title, showgrid=False, zeroline=False, autorange="reversed"
    )
    # Long labels of columns stand upright at phone width, below the map.
    room = 60 + 6 * min(14, max(map(len, x_names))) if x is not None else 60
    return styled(figure, title, height=min(600, max(220, 50 + room + 24 * n_rows)))


def lines(
    series: dict[str, Any], x: Any = None, *, x_title: str = "", y_title: str = "", title: str = "", log_y: bool = False
) -> Figure:
    """Curves, one a name; `x` is shared, or 0, 1, 2, ... if it is not given."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for colour, (name, values) in zip(cycle(COLOURS), series.items(), strict=False):
        ys = to_lists(values)
        xs = list(range(len(ys))) if x is None else to_lists(x)
        if len(xs) != len(ys):
            raise ValueError(f"show.lines: {name!r} has {len(ys)} values, but x has {len(xs)}.")
        mode = "lines+markers" if len(ys) <= 12 else "lines"
        figure.add_scatter(x=xs, y=ys, name=name, mode=mode, line={"color": colour, "width": 2})
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title, type="log" if log_y else "linear")
    figure.update_layout(showlegend=len(series) > 1)
    return styled(figure, title, height=340)


def bars(values: Any, labels: Sequence[str], *, title: str = "", x: str = "", y: str = "") -> Figure:
    """Horizontal bars, one a label, the first at the top; a dict of lists gives groups.

    x, y: axis titles. Equal labels stay apart.
    """
    import plotly.graph_objects as go

    groups = values if isinstance(values, dict) else {"": values}
    names = [visible(str(label)) for label in labels]
    figure = go.Figure()
    for colour, (name, group) in zip(cycle(COLOURS), groups.items(), strict=False):
        numbers = to_lists(group)
        if len(numbers) != len(names):
            raise ValueError(f"show.bars needs one value a label: {len(names)} labels, {len(numbers)} values.")
        figure.add_bar(
            x=numbers,
            y=list(range(len(names))),
            orientation="h",
            name=name,
            customdata=names,
            hovertemplate="%{customdata}<br><b>%{x:.4g}</b><extra>" + name + "</extra>",
            marker={"color": colour},
        )
    figure.update_xaxes(title=x)
    figure.update_yaxes(**label_ticks(names, True), title=y, autorange="reversed", showgrid=False)
    figure.update_layout(showlegend=len(groups) > 1, barmode="group", bargap=0.25)
    return styled(figure, title, height=min(640, 110 + 26 * len(names) * max(1, 0.7 * len(groups))))


def scatter(
    x: Any,
    y: Any,
    *,
    labels: Sequence[str] | None = None,
    x_title: str = "",
    y_title: str = "",
    title: str = "",
    diagonal: bool = False,
    correlation: bool = False,
) -> Figure:
    """One point for each pair of numbers; hovering shows its label.

    x, y: of any one shape, read row by row. diagonal: the line on which both are equal. correlation: Pearson's, in the
    title.
    """
    import plotly.graph_objects as go

    xs, ys = flat(to_lists(x)), flat(to_lists(y))
    if len(xs) != len(ys) or (labels is not None and len(labels) != len(xs)):
        raise ValueError(
            f"show.scatter needs as many x as y and labels: {len(xs)} x, {len(ys)} y"
            + (f", {len(labels)} labels." if labels is not None else ".")
        )
    figure = go.Figure()
    if diagonal and xs:
        ends = [min(xs + ys), max(xs + ys)]
        line = {"color": INK, "width": 1, "dash": "dot"}
        figure.add_scatter(x=ends, y=ends, mode="lines", line=line, name="equal", hoverinfo="skip")
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="markers",
        name="",
        text=[visible(str(label)) for label in labels] if labels is not None else None,
        hovertemplate=f"{'<b>%{text}</b><br>' if labels is not None else ''}{x_title or 'x'} %{{x:.4g}}<br>"
        f"{y_title or 'y'} %{{y:.4g}}<extra></extra>",
        marker={
            "color": COLOURS[0],
            "size": 8,
            "opacity": 0.75,
            "line": {"width": 1, "color": "rgba(255,255,255,0.6)"},
        },
    )
    figure.update_xaxes(title=x_title)
    figure.update_yaxes(title=y_title)
    figure.update_layout(showlegend=False, hovermode="closest")
    if correlation:
        title = f"{title}{', ' if title else ''}correlation {pearson(xs, ys):.2f}"
    return styled(figure, title, height=380)


def pearson(xs: list[float], ys: list[float]) -> float:
    """Pearson's correlation; nan where one of the two does not vary."""
    x_mean, y_mean = sum(xs) / max(1, len(xs)), sum(ys) / max(1, len(ys))
    xy = sum((a - x_mean) * (b - y_mean) for a, b in zip(xs, ys, strict=True))
    xx, yy = sum((a - x_mean) ** 2 for a in xs), sum((b - y_mean) ** 2 for b in ys)
    return xy / (xx * yy) ** 0.5 if xx and yy else float("nan")


def patterns(
    pattern: Any, tokens: Sequence[str], *, names: Sequence[str] | None = None, title: str = "", columns: int = 4
) -> Figure:
    """Attention patterns of several heads side by side, small: queries down, keys across, colours from 0 to 1.

    For one head at a time, larger and with its tokens, use `attention`.

    Args:
        pattern: [head, query, key] or [query, key], a tensor or nested lists.
        tokens: one string a position; hovering over a cell names its two.
        names: one a head; "head 0", "head 1", ... otherwise.
        columns: how many heads stand in a row.
    """
    from plotly.subplots import make_subplots

    heads = check_pattern(pattern, tokens, "show.patterns")
    names = list(names) if names is not None else [f"head {i}" for i in range(len(heads))]
    if len(names) != len(heads):
        raise ValueError(f"show.patterns needs one name a head: {len(heads)} heads, {len(names)} names.")
    columns = min(columns, len(heads))
    rows = -(-len(heads) // columns)
    figure = make_subplots(
        rows, columns, subplot_titles=names, horizontal_spacing=0.12 / columns, vertical_spacing=0.3 / rows
    )
    figure.update_annotations(font={"size": 12, "color": INK})
    draw_patterns(figure, heads, tokens, names, columns)
    styled(figure, title, height=60 + (34 if title else 0) + 150 * rows)
    return figure.update_layout(margin_t=62 if title else 30)


def draw_patterns(
    figure: Figure, heads: list, tokens: Sequence[str], names: Sequence[str], columns: int, first_row: int = 1
) -> None:
    """Heat maps of attention, `columns` in a row, into the subplots of `figure` from `first_row` on."""
    import plotly.graph_objects as go

    strings = [f"{i}: {visible(token)}" for i, token in enumerate(tokens)]
    last_row = first_row + (len(heads) - 1) // columns
    for i, head in enumerate(heads):
        row, column = first_row + i // columns, i % columns + 1
        heatmap = go.Heatmap(
            z=rounded(head),
            x=strings,
            y=strings,
            coloraxis="coloraxis",
            name=names[i],
            hovertemplate="query %{y}<br>key %{x}<br><b>%{z:.3f}</b>",
        )
        figure.add_trace(heatmap, row=row, col=column)
        bare = {"showticklabels": False, "showgrid": False, "zeroline": False, "ticks": ""}
        figure.update_xaxes(**bare, title="key" if row == last_row else None, row=row, col=column)
        figure.update_yaxes(**bare, title="query" if column == 1 else None, autorange="reversed", row=row, col=column)
    colorbar = {"thickness": 8, "outlinewidth": 0, "len": 0.9, "tickvals": [0, 0.5, 1], "xpad": 6}
    figure.update_layout(coloraxis={"colorscale": SEQUENTIAL, "cmin": 0, "cmax": 1, "colorbar": colorbar})


def rounded(rows: list) -> list:
    """Attention weights to three digits: a slider over many patterns stays small."""
    return [[round(value, 3) for value in row] for row in rows]
