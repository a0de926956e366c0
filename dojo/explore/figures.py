"""The figures of the explore pages, for anybody's numbers: a notebook's demos call them with a learner's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dojo import show
from dojo.show.look import COLOURS, INK, check_pattern, cycle, to_lists
from dojo.show.plots import draw_patterns, rounded

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLUMNS = 4  # attention patterns in a row
CURVES, PANEL, ROOM_OF_SLIDER, BETWEEN = 170, 130, 70, 48  # pixels: rows of curves and of patterns, and what is between
TICKS = 7  # labels under the curves, at phone width
CHOSEN = "chosen step"


def phase_change_figure(
    steps: Sequence[int],
    scores: Mapping[str, Any],
    patterns: Any,
    tokens: Sequence[str],
    *,
    losses: Mapping[str, Any] | None = None,
    names: Sequence[str] | None = None,
    rise: float | None = None,
    start: int | None = None,
) -> Figure:
    """Scores over training as curves, and below them every head's attention pattern at the step that a slider chooses.

    Checkpoints stand at equal distances, as on the slider, so that the change is seen where most of them are.

    Args:
        steps: training steps of the checkpoints, increasing.
        scores: name -> one number from 0 to 1 a checkpoint.
        patterns: [step, head, query, key], a tensor or nested lists.
        tokens: one string a position.
        losses: name -> one number a checkpoint, in nats: a second panel of curves.
        names: one a head, short ("1.3" is layer 1, head 3); "head 0", "head 1", ... otherwise.
        rise: the step of the steepest rise, marked with a dotted line.
        start: the step shown first; the last one if not given.

    Raises:
        ValueError: numbers of steps, scores, patterns, tokens or names that do not fit.
    """
    panels = [{k: to_lists(v) for k, v in panel.items()} for panel in (scores, losses or {}) if panel]
    heads = [check_pattern(pattern, tokens, "explore.phase_change_figure") for pattern in patterns]
    names = list(names) if names is not None else [f"head {i}" for i in range(len(heads[0]))]
    for what, found, wanted in [
        *((f"'{name}'", len(values), len(steps)) for panel in panels for name, values in panel.items()),
        ("patterns", len(heads), len(steps)),
        ("names", len(names), len(heads[0])),
    ]:
        if found != wanted:
            raise ValueError(f"explore.phase_change_figure: {found} of {what}, where {wanted} belong.")
    steps = [int(step) for step in steps]
    still: Any = _curves_and_patterns(steps, panels, heads[-1], tokens, names, rise)
    plain = still.to_plotly_json()
    frames = {step: _at(plain, i, panels, heads[i]) for i, step in enumerate(steps)}
    figure = show.slider(frames, start=steps[-1] if start is None else start)
    # Between the curves and the patterns, so that both are seen while it moves.
    top = still.layout.yaxis2.domain[0] if len(panels) > 1 else still.layout.yaxis.domain[0]
    figure.update_layout(height=still.layout.height, title_y=None)
    figure.update_layout(sliders=[{"y": top, "pad": {"t": 62}}], updatemenus=[{"y": top, "pad": {"t": 54}}])
    return figure


def _curves_and_patterns(
    steps: list[int], panels: list[dict], heads: list, tokens: Sequence[str], names: list[str], rise: float | None
) -> Figure:
    """The figure at the last step. What the slider moves has the name CHOSEN, or is a heat map."""
    from plotly.subplots import make_subplots

    columns = min(COLUMNS, len(heads))
    pattern_rows = -(-len(heads) // columns)
    heights = [*[CURVES] * len(panels), ROOM_OF_SLIDER, *[PANEL] * pattern_rows]
    wide: list = [[{"colspan": columns}, *[None] * (columns - 1)]] * len(panels)
    figure: Any = make_subplots(
        len(heights),
        columns,
        specs=[*wide, [None] * columns, *[[{}] * columns] * pattern_rows],
        row_heights=heights,
        horizontal_spacing=0.12 / columns,
        vertical_spacing=BETWEEN / (sum(heights) + BETWEEN * (len(heights) - 1)),
        subplot_titles=[*("" for _ in panels), *names],
    )
    figure.update_annotations(font={"size": 12, "color": INK})
    colours, last = cycle(COLOURS), len(steps) - 1
    shown = list(range(0, len(steps), -(-len(steps) // TICKS)))
    for row, panel in enumerate(panels, start=1):
        legend = "legend" if row == 1 else f"legend{row}"
        place: dict = {"row": row, "col": 1}
        for name, values in panel.items():
            colour = next(colours)
            figure.add_scatter(
                x=list(range(len(steps))), y=values, name=name, mode="lines", line={"color": colour, "width": 2},
                legend=legend, customdata=steps, hovertemplate="step %{customdata}: %{y:.3g}", **place,
            )  # fmt: skip
            chosen = {
                "marker": {"color": colour, "size": 9},
                "showlegend": False,
                "hoverinfo": "skip",
                "cliponaxis": False,
            }
            figure.add_scatter(x=[last], y=values[-1:], mode="markers", name=CHOSEN, **chosen, **place)
        figure.add_vline(last, name=CHOSEN, line={"color": INK, "width": 1.5}, **place)
        if rise is not None:
            line = {"color": COLOURS[4], "width": 1.5, "dash": "dot"}
            figure.add_vline(_place(rise, steps), line=line, **place)
            if row == 1:
                figure.add_scatter(
                    x=[None], y=[None], mode="lines", line=line, name=f"steepest rise: {rise:g}", **place
                )
        figure.update_yaxes(**({"title": "score", "range": [-0.03, 1.03]} if row == 1 else {"title": "nats"}), **place)
        ticks = {"tickvals": shown, "ticktext": [str(steps[i]) for i in shown], "showticklabels": row == len(panels)}
        figure.update_xaxes(range=[-0.2, last + 0.2], **ticks, **place)
    figure.update_xaxes(title="training step of the checkpoint", row=len(panels), col=1)
    draw_patterns(figure, heads, tokens, names, columns, first_row=len(panels) + 2)
    figure = show.styled(figure, "", height=sum(heights) + BETWEEN * len(heights) + 40)
    share = (PANEL * pattern_rows + BETWEEN * (pattern_rows - 1)) / (sum(heights) + BETWEEN * (len(heights) - 1))
    figure.update_layout(coloraxis_colorbar={"len": share, "y": 0, "yanchor": "bottom"})
    if len(panels) > 1:
        figure.update_layout(legend2={**figure.layout.legend.to_plotly_json(), "y": figure.layout.yaxis2.domain[1]})
    return figure


def _place(step: float, steps: list[int]) -> float:
    """Where a step lies among the checkpoints, which stand at 0, 1, 2, ..."""
    after = next((i for i, other in enumerate(steps) if other >= step), len(steps) - 1)
    before = max(0, after - 1)
    return before + (step - steps[before]) / max(1, steps[after] - steps[before])


def _at(still: dict, i: int, panels: list[dict], heads: list) -> dict:
    """The figure at checkpoint i, as a dictionary: plotly takes long over figures."""
    curves = iter([values for panel in panels for values in panel.values()])
    maps = iter(heads)
    traces = [
        trace | {"x": [i], "y": [next(curves)[i]]}
        if trace.get("name") == CHOSEN
        else trace | {"z": rounded(next(maps))}
        if trace["type"] == "heatmap"
        else trace
        for trace in still["data"]
    ]
    shapes = [
        shape | {"x0": i, "x1": i} if shape.get("name") == CHOSEN else shape for shape in still["layout"]["shapes"]
    ]
    return {"data": traces, "layout": still["layout"] | {"shapes": shapes}}


def patching_map(
    effects: Any,
    columns: Sequence[str],
    *,
    rows: Sequence[str] | None = None,
    x_title: str = "position",
    y_title: str = "layer",
    title: str = "",
) -> Figure:
    """Normalised effects of patching as a heat map: 0 (white) = nothing changed, 1 (blue) = the other run's answer.

    Args:
        effects: [layer, position] or [layer, head].
        columns: one label a column: the prompt's tokens, or "head 0", "head 1", ...
        rows: one label a row; 0, 1, 2, ... otherwise.
    """
    values = to_lists(effects)
    labels = rows if rows is not None else [str(i) for i in range(len(values))]
    figure = show.heatmap(values, columns, labels, x_title=x_title, y_title=y_title, title=title, zero_centred=True)
    reach = max(1.0, *(abs(v) for row in values for v in row))
    figure.update_traces(zmid=None, zmin=-reach, zmax=reach, colorbar_title="effect")
    return figure


def attention_comparison(clean: Any, corrupted: Any, tokens: Sequence[str], *, title: str = "") -> Figure:
    """Where one query attends in two runs: two rows over the tokens, colours from 0 to 1.

    clean, corrupted: float [key]. tokens: the clean prompt's, one a key.
    """
    figure = show.heatmap(
        [to_lists(clean), to_lists(corrupted)],
        tokens,
        ["clean", "corrupted"],
        x_title="key",
        y_title="run",
        title=title,
    )
    return figure.update_traces(zmin=0, zmax=1)


def histogram_figure(counts: Sequence[int], edges: Sequence[float], *, title: str = "") -> Figure:
    """How often each activation comes, on a logarithmic axis: rare strong ones stay visible beside many weak ones.

    Args:
        counts: one a bin.
        edges: one more than there are bins.
    """
    import plotly.graph_objects as go

    centres = [(a + b) / 2 for a, b in pairwise(edges)]
    widths = [b - a for a, b in pairwise(edges)]
    figure = go.Figure(
        go.Bar(
            x=centres,
            y=list(counts),
            width=widths,
            marker={"color": show.COLOURS[0], "line": {"width": 0}},
            hovertemplate="about %{x:.1f}<br><b>%{y} tokens</b><extra></extra>",
        )
    )
    figure.update_xaxes(title="activation", rangemode="tozero")
    figure.update_yaxes(title="tokens", type="log", dtick=1)
    return show.styled(figure, title, height=220)
