"""Pictures for demos: attention patterns, heat maps, curves, coloured tokens, live figures and progress bars.

Every function returns a plotly figure or an `Html` object, so that a notebook shows the last expression of a cell.
`display` shows more than one picture from a cell, and replaces an earlier one that has the same `slot`. Pictures go to
`sink` if one is set (the sandboxed worker collects them for the site), else to IPython, else a line is printed.

Colours are safe for the colour-blind (Okabe and Ito 2008; viridis; red-blue around zero) and backgrounds are
transparent, so that the same figure reads in a light and in a dark theme. No picture asks the network for anything.
"""

from __future__ import annotations

import html as htmllib
import importlib.util
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PLOTLY = "application/vnd.plotly.v1+json"
COLOURS = ["#2f8ac9", "#e08a00", "#12a37a", "#cc79a7", "#d55e00", "#56b4e9", "#8f7ee7", "#a8a000"]
INK = "#767b84"  # readable on white and on near-black
GRID = "rgba(128, 132, 140, 0.22)"
ZERO_CENTRED = "RdBu"
SEQUENTIAL = "Viridis"

sink: Callable[[dict], None] | None = None


class Html:
    """HTML to show, made by this module; `text` stands in for it where HTML cannot be shown."""

    def __init__(self, source: str, text: str) -> None:
        self.source, self.text = source, text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.source


class Bundle:
    """A figure as the data that its `_ipython_display_` would show: plotly's forgets the display id."""

    def __init__(self, figure: Any) -> None:
        self.figure = figure

    def __repr__(self) -> str:
        return to_text(self.figure)

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        return self.figure._repr_mimebundle_()


def display(obj: Any, slot: str | None = None) -> None:
    """Show `obj` now; the same `slot` again replaces what that slot showed before."""
    if isinstance(obj, LiveLines):
        obj.draw()
    elif sink is not None:
        mime, data = to_mime(obj)
        sink({"kind": "output", "slot": slot or uuid.uuid4().hex, "mime": mime, "data": data})
    elif in_ipython():
        display_in_notebook(obj, slot)
    else:
        print(to_text(obj))


def to_mime(obj: Any) -> tuple[str, str]:
    """The richest of plotly, HTML and text that `obj` offers."""
    if hasattr(obj, "to_plotly_json"):
        return PLOTLY, obj.to_json()
    source = obj._repr_html_() if hasattr(obj, "_repr_html_") else None
    return ("text/html", source) if source else ("text/plain", to_text(obj))


def to_text(obj: Any) -> str:
    if hasattr(obj, "to_plotly_json"):
        return f"[figure: {obj.layout.title.text or 'untitled'}]"
    return obj if isinstance(obj, str) else repr(obj)


def in_ipython() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


_shown: set[str] = set()


def display_in_notebook(obj: Any, slot: str | None) -> None:
    """IPython's display; a slot is replaced in place, also when its cell runs again."""
    from IPython.display import display as show
    from IPython.display import update_display

    obj = Html(f"<pre>{htmllib.escape(obj)}</pre>", obj) if isinstance(obj, str) else obj
    if slot is not None and hasattr(obj, "_ipython_display_"):
        obj = Bundle(obj)
    if slot is None:
        show(obj)
    elif slot in _shown:
        update_display(obj, display_id=slot)
    else:
        _shown.add(slot)
        show(obj, display_id=slot)


def text(string: str) -> Html:
    """Plain text with its line breaks kept."""
    return Html(f'<pre style="white-space: pre-wrap; font-size: 0.9rem">{htmllib.escape(string)}</pre>', string)


def attention(pattern: Any, tokens: Sequence[str], *, names: Sequence[str] | None = None) -> Html:
    """Attention patterns to explore, drawn by CircuitsVis.

    Args:
        pattern: [head, query, key] or [query, key], a tensor or nested lists.
        tokens: one string a position.
        names: one a head; "head 0", "head 1", ... otherwise.
    """
    heads = to_lists(pattern)
    heads = heads if depth(heads) == 3 else [heads]
    if depth(heads) != 3 or any(len(row) != len(tokens) for head in heads for row in [head, *head]):
        raise ValueError(
            f"show.attention needs a pattern of shape [head, query, key] with {len(tokens)} queries and keys, "
            f"one for each token; it got shape {shape(to_lists(pattern))}."
        )
    # CircuitsVis writes tokens into the page as HTML, so they are escaped here.
    props = {
        "attention": [[[round(value, 4) for value in row] for row in head] for head in heads],
        "tokens": [htmllib.escape(visible(token)) for token in tokens],
        "attentionHeadNames": [htmllib.escape(n) for n in names or [f"head {i}" for i in range(len(heads))]],
    }
    return circuitsvis("AttentionHeads", props, f"[attention patterns of {len(heads)} heads over {len(tokens)} tokens]")


def circuitsvis(element: str, props: dict, text: str) -> Html:
    """One CircuitsVis element with its JavaScript inline.

    The package itself is not imported: that takes seconds, and its own `_repr_html_` goes to the network.
    """
    name = f"circuits-vis-{uuid.uuid4().hex[:12]}"
    data = json.dumps(props).replace("</", "<\\/")
    # A light ground of its own: CircuitsVis draws in dark ink on nothing.
    return Html(
        f'<div style="background: #fff; color: #222; border-radius: 6px; padding: 4px 10px; overflow-x: auto">'
        f'<div id="{name}"></div></div>'
        f'<script type="module">{circuitsvis_javascript()}\n'
        f'CircuitsVis.render("{name}", CircuitsVis.{element}, {data})</script>',
        text,
    )


@cache
def circuitsvis_javascript() -> str:
    spec = importlib.util.find_spec("circuitsvis")
    if spec is None or spec.origin is None:
        raise ImportError("circuitsvis is not installed: `pip install circuitsvis` and run this again.")
    source = (Path(spec.origin).parent / "dist" / "cdn" / "iife.js").read_text(encoding="utf-8")
    return source.replace("</script>", "")


def tokens(
    tokens: Sequence[str], values: Any, *, title: str = "", zero_centred: bool = False, name: str = "value"
) -> Html:
    """Text coloured by one number a token; hovering over a token shows its number."""
    values = to_lists(values)
    if len(values) != len(tokens):
        raise ValueError(f"show.tokens needs one value a token: {len(tokens)} tokens, {len(values)} values.")
    finite = [v for v in values if v == v and abs(v) != float("inf")] or [0.0]
    low, high = min(finite), max(finite)
    size = max(abs(low), abs(high)) if zero_centred else high - low
    spans = []
    for token, value in zip(tokens, values, strict=True):
        strength = ((value if zero_centred else value - low) / size) if size else 0.0
        rgb = "47, 138, 201" if strength >= 0 else "213, 94, 0"
        style = f"background: rgba({rgb}, {abs(strength) * 0.75:.3f}); border-radius: 3px; padding: 1px 0"
        label = f"{htmllib.escape(name)} {value:.4g}"
        spans.append(f'<span title="{label}" style="{style}">{htmllib.escape(visible(token))}</span>')
    scale = f'<div style="color: {INK}; font-size: 0.8rem">{htmllib.escape(name)}: {low:.3g} to {high:.3g}</div>'
    head = f"<div><strong>{htmllib.escape(title)}</strong></div>" if title else ""
    body = f'<div style="white-space: pre-wrap; line-height: 1.9; font-family: monospace">{"".join(spans)}</div>'
    return Html(head + body + scale, f"[{title or 'tokens'}: {name} from {low:.3g} to {high:.3g}]")


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
            colorbar={"thickness": 10, "outlinewidth": 0, "len": 0.9},
        )
    )
    figure.update_xaxes(**label_ticks(x_names, x is not None), title=x_title, showgrid=False, zeroline=False)
    figure.update_yaxes(
        **label_ticks(y_names, y is not None), title=y_title, showgrid=False, zeroline=False, autorange="reversed"
    )
    return styled(figure, title, height=min(560, max(220, 110 + 24 * n_rows)))


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


class LiveLines:
    """Curves that grow while a demo runs: `live = show.live_lines("loss")`, then `live.add(step, train=1.2)`.

    Redrawn at most five times a second, in one place. As the last expression of a cell it draws the final state.
    """

    def __init__(self, slot: str, *, title: str = "", x_title: str = "", y_title: str = "") -> None:
        self.slot = f"{slot}-{uuid.uuid4().hex[:6]}"
        self.titles = {"title": title, "x_title": x_title, "y_title": y_title}
        self.points: dict[str, tuple[list[float], list[float]]] = {}
        self.drawn_at = 0.0

    def add(self, x: float, **values: Any) -> None:
        """One more point at `x` for each named curve."""
        for name, value in values.items():
            xs, ys = self.points.setdefault(name, ([], []))
            xs.append(float(x))
            ys.append(float(value))
        if time.monotonic() - self.drawn_at > 0.2:
            self.draw()

    def figure(self) -> Figure:
        import plotly.graph_objects as go

        figure = go.Figure()
        for colour, (name, (xs, ys)) in zip(cycle(COLOURS), self.points.items(), strict=False):
            figure.add_scatter(x=xs, y=ys, name=name, mode="lines", line={"color": colour, "width": 2})
        figure.update_xaxes(title=self.titles["x_title"])
        figure.update_yaxes(title=self.titles["y_title"])
        figure.update_layout(showlegend=len(self.points) > 1)
        return styled(figure, self.titles["title"], height=340)

    def draw(self) -> None:
        display(self.figure(), self.slot)
        self.drawn_at = time.monotonic()

    def __repr__(self) -> str:
        return f"[curves: {', '.join(self.points)}]"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict:
        self.draw()  # the figure stands above already, in its slot
        return {"text/plain": ""}


def live_lines(slot: str, *, title: str = "", x_title: str = "", y_title: str = "") -> LiveLines:
    return LiveLines(slot, title=title, x_title=x_title, y_title=y_title)


def progress(iterable: Iterable, total: int | None = None, text: str = "") -> Iterator:
    """The items of `iterable`, with a progress bar beside them."""
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)  # type: ignore[arg-type]
    if sink is None:
        from tqdm import tqdm

        yield from tqdm(iterable, total=total, desc=text or None)
        return
    done, told = 0, 0.0
    for item in iterable:
        if time.monotonic() - told > 0.1:
            sink({"kind": "progress", "done": done, "total": total, "text": text})
            told = time.monotonic()
        yield item
        done += 1
    sink({"kind": "progress", "done": done, "total": total, "text": text})


def styled(figure: Figure, title: str, height: float) -> Figure:
    """The look that all figures share: no background, quiet grid, room for labels at phone width."""
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True, "title": {"standoff": 8}}
    figure.update_layout(
        template={"layout": {"colorway": COLOURS, "xaxis": axis, "yaxis": axis}},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "size": 12},
        title={"text": title, "font": {"size": 14}, "x": 0, "xanchor": "left", "yanchor": "top", "y": 0.98},
        margin={"l": 8, "r": 8, "t": 40 if title else 12, "b": 8},
        height=height,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "xanchor": "left"},
    )
    return figure


def label_ticks(names: Sequence[str], named: bool) -> dict:
    """Ticks by position, so that two equal labels are two rows."""
    if not named:
        return {}
    step = max(1, len(names) // 64)
    places = list(range(0, len(names), step))
    return {"tickmode": "array", "tickvals": places, "ticktext": [htmllib.escape(names[i]) for i in places]}


def visible(token: str) -> str:
    return token.replace("\n", "↵").replace("\t", "⇥")


def cycle(items: list[str]) -> Iterator[str]:
    while True:
        yield from items


def to_lists(values: Any) -> list:
    """Numbers as nested lists, from a tensor, an array or lists that hold either."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().float()
    if hasattr(values, "tolist"):
        return values.tolist()
    return [to_lists(v) if isinstance(v, list | tuple) or hasattr(v, "tolist") else v for v in values]


def depth(values: Any) -> int:
    return 1 + depth(values[0]) if isinstance(values, list) and values else 0


def shape(values: Any) -> list[int]:
    return [len(values), *shape(values[0])] if isinstance(values, list) and values else []
