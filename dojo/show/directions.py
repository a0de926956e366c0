"""Feature directions in the plane: the columns of a toy model's W as arrows, several models side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dojo.show.look import COLOURS, GRID, INK, depth, shape, styled, to_lists, visible

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def directions(
    W: Any,
    names: Sequence[str] | None = None,
    *,
    features: Sequence[str] | None = None,
    title: str = "",
    columns: int = 4,
) -> Figure:
    """Each model's features as arrows from the origin, on one scale for all models, around a dotted circle of length 1.

    A feature keeps its colour in all models, and its number stands at the arrow's end (where the arrow is long enough to
    have one). Hovering tells its length.

    Args:
        W: [instance, 2, n_features], or [2, n_features] for one model: column i is the direction of feature i.
        names: one an instance; none otherwise.
        features: one a feature; "0", "1", ... otherwise.
        columns: how many models stand in a row.
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    given = to_lists(W)
    models = given if depth(given) == 3 else [given]
    if depth(models) != 3 or any(len(model) != 2 for model in models):
        raise ValueError(f"show.directions needs W of shape [instance, 2, n_features]; it got shape {shape(given)}.")
    n_features = len(models[0][0])
    names = [str(name) for name in names] if names is not None else [""] * len(models)
    features = [visible(str(f)) for f in features] if features is not None else [str(i) for i in range(n_features)]
    if len(names) != len(models) or len(features) != n_features:
        raise ValueError(
            f"show.directions has {len(models)} models of {n_features} features, but {len(names)} names and "
            f"{len(features)} features' names."
        )
    columns = min(columns, len(models))
    rows = -(-len(models) // columns)
    figure = make_subplots(
        rows, columns, subplot_titles=names, horizontal_spacing=0.06 / columns, vertical_spacing=0.22 / rows
    )
    figure.update_annotations(font={"size": 12, "color": INK})
    # Trained arrows are up to 1.2 long: so the scale stays the same over the steps of a slider.
    reach = 1.25 * max(1.2, *(math.hypot(x, y) for model in models for x, y in zip(*model, strict=True)))
    circle = [2 * math.pi * k / 60 for k in range(61)]
    for i, model in enumerate(models):
        row, column = i // columns + 1, i % columns + 1
        unit = go.Scatter(
            x=[math.cos(a) for a in circle],
            y=[math.sin(a) for a in circle],
            mode="lines",
            line={"color": GRID, "width": 1, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_trace(unit, row=row, col=column)
        for feature, (x, y) in enumerate(zip(*model, strict=True)):
            figure.add_trace(_arrow(features[feature], feature, x, y, reach, first=i == 0), row=row, col=column)
        bare = {"range": [-reach, reach], "showticklabels": False, "showgrid": False, "zeroline": True, "ticks": ""}
        figure.update_xaxes(bare, constrain="domain", row=row, col=column)
        number = i + 1 if i else ""
        figure.update_yaxes(bare, constrain="domain", scaleanchor=f"x{number}", row=row, col=column)
    height = 72 + (24 if title else 0) + (170 if columns > 2 else 260) * rows
    styled(figure, title, height=height)
    figure.update_layout(
        margin_t=50 if title else 30,
        hovermode="closest",
        legend={"y": 0, "yanchor": "top", "title": "feature", "itemsizing": "constant"},
    )
    return figure


def _arrow(name: str, feature: int, x: float, y: float, reach: float, *, first: bool) -> Any:
    import plotly.graph_objects as go

    length, colour = math.hypot(x, y), COLOURS[feature % len(COLOURS)]
    side = "right" if x > 0.38 * length else "left" if x < -0.38 * length else "center"
    height = "top" if y > 0.38 * length else "bottom" if y < -0.38 * length else "middle"
    return go.Scatter(
        x=[0, x],
        y=[0, y],
        mode="lines+markers+text",
        text=["", name if length > 0.2 * reach else ""],
        textposition=f"{height} {side}" if length else "top center",
        textfont={"color": INK, "size": 11},
        line={"color": colour, "width": 2.5},
        marker={"color": colour, "size": [0, 8], "opacity": 1},
        name=name,
        legendgroup=name,
        cliponaxis=False,  # at phone width the labels stand outside
        showlegend=first,
        hovertemplate=f"feature {name}<br>length <b>{length:.3f}</b><extra></extra>",
    )
