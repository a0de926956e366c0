"""One figure with a slider, made of several figures that differ in their numbers only.

1. Each figure becomes plain data, and all must have the same traces.
2. What the eye compares between steps stays put: a colour scale or an axis that a figure leaves open spans all steps.
3. A frame holds only what differs from step to step (plotly keeps the rest), so the figure stays small.
4. The slider and the play button are plotly's own: no server and no network takes part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dojo.show.look import COLOURS, GRID, INK

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

BELOW = 62  # pixels between the axes and the slider: tick labels and an axis title
ROOM = 88  # pixels of the slider itself


def slider(frames: Mapping[Any, Figure | dict], *, label: str = "step", start: Any = None) -> Figure:
    """Figures of the same layout as one figure with a slider and a play button.

    Args:
        frames: what the slider says at each step -> the figure of that step: `{0: figure, 100: figure, ...}`; a figure may
            be its dictionary, too.
        label: what the steps count; it stands before the value, "step 300".
        start: the step shown first; the first one if not given.

    Raises:
        ValueError: no figures, a `start` that is no step, or figures with different traces.
    """
    import plotly.graph_objects as go

    names = [str(name) for name in frames]
    first = names.index(str(start)) if str(start) in names else None if start is not None else 0
    if not names or first is None:
        raise ValueError(f"show.slider needs at least one figure, and a start ({start!r}) among its steps: {names}.")
    plain = [_plain(f if isinstance(f, dict) else f.to_plotly_json()) for f in frames.values()]
    kinds = [[(t.get("type"), t.get("xaxis"), t.get("yaxis")) for t in one["data"]] for one in plain]
    for name, kind in zip(names, kinds, strict=True):
        if kind != kinds[0]:
            raise ValueError(
                f"show.slider needs the same traces in every figure: {names[0]!r} has {len(kinds[0])} "
                f"({_types(kinds[0])}), {name!r} has {len(kind)} ({_types(kind)})."
            )
    _share_colours(plain)
    _share_axes(plain)
    traces = [[one["data"][i] for one in plain] for i in range(len(kinds[0]))]
    changing = {i: keys for i, versions in enumerate(traces) if (keys := _varying(versions))}
    layouts = [one["layout"] for one in plain]
    layout_keys = _varying(layouts) - {"height"}
    moves = [
        {
            "name": name,
            "data": [
                {"type": kinds[0][i][0]} | {k: one["data"][i].get(k) for k in keys} for i, keys in changing.items()
            ],
            "traces": list(changing),
            "layout": {key: one["layout"].get(key) for key in layout_keys},
        }
        for name, one in zip(names, plain, strict=True)
    ]
    figure = go.Figure(data=plain[first]["data"], layout=plain[first]["layout"], frames=moves)
    height = max(layout.get("height", 340) for layout in layouts) + BELOW + ROOM
    return figure.update_layout(
        height=height, sliders=[_slider(names, first, label)], updatemenus=[_play_and_stop()], title_y=1 - 14 / height
    )


def _slider(names: list[str], first: int, label: str) -> dict:
    now = {"mode": "immediate", "frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}}
    return {
        "active": first,
        "steps": [{"label": name, "method": "animate", "args": [[name], now]} for name in names],
        "currentvalue": {"prefix": f"{label} ", "font": {"size": 15, "color": INK}, "xanchor": "left", "offset": 14},
        "pad": {"t": BELOW, "l": 12, "r": 12, "b": 0},
        "bgcolor": COLOURS[0],
        "activebgcolor": COLOURS[5],
        "borderwidth": 0,
        "tickcolor": GRID,
        "minorticklen": 0,
        "font": {"color": INK, "size": 11},
    }


def _play_and_stop() -> dict:
    play = {"frame": {"duration": 350, "redraw": True}, "transition": {"duration": 0}, "fromcurrent": True}
    stop = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}}
    return {
        "type": "buttons",
        "direction": "right",
        "showactive": False,
        "x": 1,
        "xanchor": "right",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": BELOW - 8, "r": 12},
        "bgcolor": "rgba(0,0,0,0)",
        "bordercolor": INK,
        "borderwidth": 1,
        "font": {"color": INK, "size": 13},
        "buttons": [
            {"label": "play", "method": "animate", "args": [None, {"mode": "immediate", **play}]},
            {"label": "stop", "method": "animate", "args": [[None], {"mode": "immediate", **stop}]},
        ],
    }


def _share_colours(plain: list[dict]) -> None:
    """A heat map's colours mean the same at every step."""
    for i, trace in enumerate(plain[0]["data"]):
        if trace.get("type") != "heatmap" or "zmin" in trace or "coloraxis" in trace:
            continue
        versions = [one["data"][i] for one in plain]
        low, high = _span([v for version in versions for row in version["z"] for v in row])
        reach = max(abs(low), abs(high))
        for version in versions:
            centred = version.pop("zmid", None) == 0
            version.update({"zmin": -reach, "zmax": reach} if centred else {"zmin": low, "zmax": high})


def _share_axes(plain: list[dict]) -> None:
    """An axis whose numbers change from step to step, and whose range is left open, has room for all of them."""
    for letter in "xy":
        for axis in {trace.get(f"{letter}axis", letter) for trace in plain[0]["data"]}:
            key = axis.replace(letter, f"{letter}axis")
            versions = [
                [
                    t.get(letter)
                    for t in one["data"]
                    if t.get(f"{letter}axis", letter) == axis and t["type"] != "heatmap"
                ]
                for one in plain
            ]
            settings = plain[0]["layout"].get(key, {})
            if all(v == versions[0] for v in versions) or "range" in settings:
                continue
            numbers = [v for one in versions for values in one for v in values or []]
            if any(isinstance(v, str) for v in numbers):
                continue
            if any(t["type"] == "bar" for t in plain[0]["data"]):
                numbers.append(0.0)
            logarithmic = settings.get("type") == "log"
            low, high = _span([math.log10(v) for v in numbers if v and v > 0] if logarithmic else numbers)
            room = 0.05 * (high - low) or 0.5
            for one in plain:
                layout = one["layout"].setdefault(key, {})
                layout["range"] = [low - room, high + room][:: -1 if layout.pop("autorange", "") == "reversed" else 1]


def _span(numbers: list) -> tuple[float, float]:
    finite = [v for v in numbers if v is not None and math.isfinite(v)]
    return (min(finite), max(finite)) if finite else (0.0, 1.0)


def _varying(versions: list[dict]) -> set[str]:
    keys = {key for version in versions for key in version}
    return {key for key in keys if any(version.get(key) != versions[0].get(key) for version in versions)}


def _types(kind: list[tuple]) -> str:
    return ", ".join(str(type) for type, *_ in kind)


def _plain(value: Any) -> Any:
    """Dictionaries, lists and numbers that can be compared: arrays become lists."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
