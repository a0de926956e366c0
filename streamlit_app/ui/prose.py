"""Course prose as Streamlit markdown: glossary links with tooltips, pictures inline, LaTeX by Streamlit's own KaTeX."""

from __future__ import annotations

import base64
import html
import mimetypes
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from dojo.course import Chapter, Course, replace_links

IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)\)")
MARKUP = re.compile(r"[`*_$\\\[\]]")
DISPLAY_MATHS = re.compile(r"^\$\$(.+?)\$\$[ \t]*$", re.DOTALL | re.MULTILINE)
TOOLTIP = 240


def show(text: str, course: Course, chapter: Chapter | None = None, params: dict[str, str] | None = None) -> None:
    """Course-written markdown; never call it with a learner's text."""
    st.markdown(prepare(text, course, chapter, params or {}))


def prepare(text: str, course: Course, chapter: Chapter | None, params: dict[str, str]) -> str:
    def link(term: str, shown: str) -> str:
        entry = course.glossary.get(term.lower())
        if entry is None:
            return shown
        address = "glossary?" + urlencode({"term": entry.anchor, **params})
        return f'[{shown}]({address} "{tooltip(entry.text)}")'

    def picture(match: re.Match[str]) -> str:
        path = chapter.folder / match["target"] if chapter else None
        return f"![{match['alt']}]({data_uri(path)})" if path and path.is_file() else match[0]

    # Streamlit takes $$...$$ for a formula of its own only with the dollars on their own lines.
    text = DISPLAY_MATHS.sub(lambda match: f"\n$$\n{match[1].strip()}\n$$\n", text)
    return IMAGE.sub(picture, replace_links(text, link))


def tooltip(text: str) -> str:
    """The first sentences of a glossary entry without markup, as a link's title."""
    plain = MARKUP.sub("", " ".join(text.split()))
    if len(plain) > TOOLTIP:
        plain = plain[:TOOLTIP].rsplit(" ", 1)[0] + " …"
    return plain.replace('"', "”")


@cache
def data_uri(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def plain_html(text: str) -> str:
    """Somebody's text as HTML in which nothing but `code` between backticks means anything."""
    parts = re.split(r"`([^`\n]+)`", text)
    return "".join(f"<code>{html.escape(p)}</code>" if i % 2 else html.escape(p) for i, p in enumerate(parts))
