"""Which explore pages the course has, and the links to them. A page's module is imported when it is opened: it needs torch."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import streamlit as st

from ui import world
from ui.nav import Me, link


@dataclass(frozen=True)
class Page:
    chapter: str  # shown where the course has this one
    title: str
    icon: str
    module: str

    def show(self, me: Me) -> None:
        st.title(self.title, anchor=False)
        with st.spinner("Opening"):
            module = importlib.import_module(f"ui.{self.module}")
        module.show(me)


PAGES = {
    "phase-change": Page("induction_heads", "The phase change", ":material/show_chart:", "explore_phase"),
    "patching": Page("activation_patching", "Patching", ":material/grid_on:", "explore_patching"),
    "features": Page("sparse_autoencoders", "Features", ":material/lightbulb:", "explore_features"),
}


def pages() -> dict[str, Page]:
    chapters = {chapter.id for chapter in world.course().chapters}
    return {name: page for name, page in PAGES.items() if page.chapter in chapters}


def links(me: Me, chapter: str | None = None) -> None:
    """To all pages (in the sidebar), or to those of one chapter."""
    found = {name: page for name, page in pages().items() if chapter in (None, page.chapter)}
    if found:
        st.markdown(":small[:gray[Explore]]")
    for name, page in found.items():
        link(name, page.title, me, icon=page.icon, width="stretch" if chapter is None else "content")
