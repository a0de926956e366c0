"""Pictures for demos: attention patterns, heat maps, curves, points, arrows, coloured tokens, sliders, live figures, progress.

Every function returns a plotly figure or an `Html` object, so that a notebook shows the last expression of a cell.
`display` shows more than one picture from a cell, and replaces an earlier one that has the same `slot`. Pictures go to
`sink` if one is set (the sandboxed worker collects them for the site), else to IPython, else a line is printed.
"""

from __future__ import annotations

from collections.abc import Callable

from dojo.show.directions import directions
from dojo.show.frames import slider
from dojo.show.live import LiveLines, live_lines, progress
from dojo.show.look import COLOURS, GRID, INK, styled
from dojo.show.markup import attention, circuitsvis_javascript, text, tokens
from dojo.show.output import PLOTLY, Html, display
from dojo.show.plots import bars, heatmap, lines, patterns, scatter

__all__ = [
    "COLOURS", "GRID", "INK", "PLOTLY", "Html", "LiveLines", "attention", "bars", "circuitsvis_javascript",
    "directions", "display", "heatmap", "lines", "live_lines", "patterns", "progress", "scatter", "sink", "slider", "styled",
    "text", "tokens",
]  # fmt: skip

sink: Callable[[dict], None] | None = None
