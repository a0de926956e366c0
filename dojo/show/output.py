"""Where pictures go: to the sandboxed worker's sink, to a notebook, or as a line to the terminal."""

from __future__ import annotations

import html as htmllib
import uuid
from typing import Any

import dojo.show

PLOTLY = "application/vnd.plotly.v1+json"


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
    if hasattr(obj, "draw"):
        obj.draw()
    elif dojo.show.sink is not None:
        mime, data = to_mime(obj)
        dojo.show.sink({"kind": "output", "slot": slot or uuid.uuid4().hex, "mime": mime, "data": data})
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
