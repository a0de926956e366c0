"""The site: `dojo serve` runs this file with Streamlit. The pages are in ui/, and all work is done by dojo."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from ui import chapter, explore, glossary, home, join, nav, world

from dojo.course import CourseError
from dojo.progress import StoreError

HERE = Path(__file__).parent


def main() -> None:
    st.set_page_config(page_title="Mech Interp Dojo", page_icon=str(HERE / "static" / "mark.svg"), layout="centered")
    st.html(HERE / "ui" / "style.css")
    st.logo(HERE / "static" / "logo.svg", size="large", icon_image=HERE / "static" / "mark.svg")
    try:
        me = nav.me()
        world.course(), world.jobs()
    except (CourseError, StoreError) as error:
        st.error(f"The site cannot start: {error}")
        st.stop()

    def view(show):
        return (lambda: show(me)) if me else join.show

    pages = {
        "home": st.Page(view(home.show), title="Map of the course", url_path="home", default=True),
        "chapter": st.Page(view(chapter.show), title="Chapter", url_path="chapter"),
        "glossary": st.Page(view(glossary.show), title="Glossary", url_path="glossary"),
        **{name: st.Page(view(p.show), title=p.title, url_path=name) for name, p in explore.pages().items()},
    }
    st.session_state["pages"] = pages
    current = st.navigation(list(pages.values()), position="hidden")
    if me:
        with st.sidebar, st.container(key="places", gap=None):
            nav.link("home", "Map of the course", me, icon=":material/map:", width="stretch")
            nav.link("glossary", "Glossary", me, icon=":material/dictionary:", width="stretch")
            explore.links(me)
    current.run()
    if me and me.name:
        with st.sidebar:
            st.caption(f"You are {nav.escape(me.name)}. The address of this page is your personal link.")


main()
