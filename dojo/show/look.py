"""The look that all pictures share, and the small conversions that all need.

Colours are safe for the colour-blind (Okabe and Ito 2008; viridis; red-blue around zero) and backgrounds are
transparent, so that the same figure reads in a light and in a dark theme.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

COLOURS = ["#2f8ac9", "#e08a00", "#12a37a", "#cc79a7", "#d55e00", "#56b4e9", "#8f7ee7", "#a8a000"]
INK = "#767b84"  # readable on white and on near-black
GRID = "rgba(128, 132, 140, 0.22)"
ZERO_CENTRED = "RdBu"
SEQUENTIAL = "Viridis"


def styled(figure: Figure, title: str, height: float) -> Figure:
    """No background, quiet grid, room for labels at phone width."""
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
    return {"tickmode": "array", "tickvals": places, "ticktext": [html.escape(names[i]) for i in places]}


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


def flat(values: Any) -> list:
    return [number for item in values for number in flat(item)] if isinstance(values, list) else [values]


def check_pattern(pattern: Any, tokens: Sequence[str], who: str) -> list:
    """A pattern as nested lists [head, query, key]; a ValueError that says what was expected if it has another shape."""
    given = to_lists(pattern)
    heads = given if depth(given) == 3 else [given]
    if depth(heads) != 3 or any(len(row) != len(tokens) for head in heads for row in [head, *head]):
        raise ValueError(
            f"{who} needs a pattern of shape [head, query, key] with {len(tokens)} queries and keys, "
            f"one for each token; it got shape {shape(given)}."
        )
    return heads
