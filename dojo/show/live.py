"""What changes while a demo runs: curves that grow, and progress bars."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import dojo.show
from dojo.show.look import COLOURS, cycle, styled
from dojo.show.output import display

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


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
    if dojo.show.sink is None:
        from tqdm import tqdm

        yield from tqdm(iterable, total=total, desc=text or None)
        return
    done, told = 0, 0.0
    for item in iterable:
        if time.monotonic() - told > 0.1:
            dojo.show.sink({"kind": "progress", "done": done, "total": total, "text": text})
            told = time.monotonic()
        yield item
        done += 1
    dojo.show.sink({"kind": "progress", "done": done, "total": total, "text": text})
