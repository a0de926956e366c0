"""A cohort's front door: a name once, then a personal link that is the learner's key."""

from __future__ import annotations

import streamlit as st

from ui import world
from ui.nav import escape, page


def show() -> None:
    st.title(world.course().title, anchor=False)
    made = st.session_state.get("joined")
    if made:
        name, key = made
        st.markdown(f"Welcome, {escape(name)}. This is your personal link: keep it (a bookmark is enough).")
        address = st.context.url or ""
        st.code(f"{address.split('?')[0]}?me={key}", language=None, wrap_lines=True)
        st.markdown("It opens your drafts and progress on any device. Whoever has it is you, so do not share it.")
        st.page_link(page("home"), label="**Begin**", icon=":material/arrow_forward:", query_params={"me": key})
        return
    if "me" in st.query_params:
        st.warning("This site does not know that personal link. Look at it again (was a part cut off?), or join anew.")
    with st.form("join"):
        name = st.text_input("Your name", max_chars=60, help="Your instructor sees it beside your results.")
        if st.form_submit_button("Join", type="primary"):
            if name.strip():
                st.session_state["joined"] = (name.strip(), world.store().new_learner(name.strip()))
                st.rerun()
            st.error("Please enter a name, so that your instructor knows whose work this is.")
