"""The glossary, with the term that a link asked for on top."""

from __future__ import annotations

import streamlit as st

from ui import prose, world
from ui.nav import Me


def show(me: Me) -> None:
    course = world.course()
    st.title("Glossary", anchor=False)
    wanted = st.query_params.get("term", "")
    asked = [term for term in course.glossary.values() if term.anchor == wanted]
    for term in asked:
        with st.container(border=True):
            st.subheader(term.name, anchor=False)
            prose.show(term.text, course, params=me.params)
    if not course.glossary:
        st.markdown("This course has no glossary yet.")
    for term in sorted(course.glossary.values(), key=lambda term: term.name.lower()):
        if term not in asked:
            st.markdown(f"#### {term.name}")
            prose.show(term.text, course, params=me.params)
