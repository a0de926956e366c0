"""Who the learner is, and links between pages that keep it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dojo.course import Chapter
from ui import world
from ui.steps import Step

STATE_ICONS = {
    "passed": ":material/check_circle:",
    "tried": ":material/contrast:",
    "started": ":material/edit:",
    "": ":material/circle:",
}
STATE_WORDS = {"passed": "passed", "tried": "tried, not passed yet", "started": "begun", "": "not begun"}


@dataclass(frozen=True)
class Me:
    """The learner of this session. `owner` names them in the browser's own storage."""

    id: int
    owner: str
    name: str
    params: dict[str, str]  # what every link must carry: {} or {"me": token}


def me() -> Me | None:
    """The learner, or None where a cohort's site does not know who this is."""
    store = world.store()
    if not world.cohort():
        return Me(store.learner(), "me", "", {})
    key = st.query_params.get("me", "")
    found = store.find_learner(key) if 0 < len(key) <= 100 else None
    return found and Me(found.id, key, found.name, {"me": key})


def page(name: str):
    return st.session_state["pages"][name]


def link(where: str, label: str, me: Me, *, icon: str | None = None, width: str = "content", **params: str) -> None:
    st.page_link(page(where), label=label, icon=icon, query_params={**params, **me.params}, width=width)


def step_link(chapter: Chapter, step: Step, label: str, me: Me, *, icon: str | None = None) -> None:
    params = {"chapter": chapter.id} | ({"exercise": step.id} if step.id else {})
    link("chapter", label, me, icon=icon, width="stretch", **params)


def dots(value: int, of: int = 5) -> str:
    return "●" * value + "○" * (of - value)


def escape(text: str) -> str:
    """A learner's text (their name) for Streamlit markdown, in which it must mean nothing."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()#+-.!|<>$:~" else c for c in " ".join(text.split()))
