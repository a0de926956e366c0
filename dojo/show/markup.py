"""Pictures made of HTML: attention patterns to explore, coloured tokens, plain text. None asks the network for anything."""

from __future__ import annotations

import html as htmllib
import importlib.util
import json
import uuid
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from dojo.show.look import INK, check_pattern, to_lists, visible
from dojo.show.output import Html


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
    heads = check_pattern(pattern, tokens, "show.attention")
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
