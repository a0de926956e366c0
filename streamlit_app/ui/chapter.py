"""A chapter's page: the opening, one exercise, or the closing, with the way on and back."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from dojo.course import Chapter, CourseError, Demo, ExerciseBlock, Given, Predict, Prose
from ui import demo, exercise, explore, home, predict, prose, world
from ui.nav import STATE_ICONS, Me, link, step_link
from ui.steps import Step, steps

SCROLL = """
let last;
export default function ({ data }) {
  if (last !== undefined && last !== data) document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  last = data;
}
"""


def show(me: Me) -> None:
    course = world.course()
    try:
        chapter = course.chapter(st.query_params.get("chapter") or course.chapters[0].id)
    except CourseError as error:
        st.error(f"This link leads nowhere: {error}.")
        link("home", "To the map of the course", me)
        return
    found = steps(chapter)
    wanted = st.query_params.get("exercise", "")
    place = next((i for i, step in enumerate(found) if step.id == wanted), 0)
    step = found[place]
    # Streamlit leaves the address as it was when a link leads to the same page with other parameters.
    st.query_params.from_dict({"chapter": chapter.id, **({"exercise": step.id} if step.id else {}), **me.params})
    st.components.v2.component("dojo_scroll", js=SCROLL)(key="scroll", data=f"{chapter.id}/{step.id}", height=1)
    if step.exercise:
        world.jobs().wait_briefly(me.id, chapter, step.id)
    status = world.store().status(me.id)
    show_sidebar(chapter, found, step, me, status)
    following = found[place + 1] if place + 1 < len(found) else None
    with st.container(key="crumbs", horizontal=True):
        step_title = f" / {step.section}" if step.section else ""
        st.markdown(f":gray[{chapter.title}{step_title}]")
    if place == 0:
        st.title(chapter.title, anchor=False)
    show_blocks(chapter, step, me, status)
    if place == 0 and any(s.exercise for s in found):
        st.header("The exercises", anchor=False)
        home.show_map(chapter, me, status)
    if not step.exercise:
        explore.links(me, chapter.id)
    with st.container(key="way", horizontal=True, horizontal_alignment="distribute"):
        if place > 0:
            step_link(chapter, found[place - 1], found[place - 1].title, me, icon=":material/arrow_back:")
        passed = status.get((chapter.id, step.id)) == "passed"
        with st.container(key="onward" if passed or place == 0 else "way-on", width="content"):
            if following:
                step_link(chapter, following, following.title, me, icon=":material/arrow_forward:")


def show_blocks(chapter: Chapter, step: Step, me: Me, status: dict) -> None:
    course, question = world.course(), None
    untold = False  # a picture stands above whose meaning must not be told before it is seen
    for block in step.blocks:
        if untold and isinstance(block, Prose) and not block.text.lstrip().startswith("#"):
            with st.expander("What the picture says"):
                prose.show(block.text, course, chapter, me.params)
        elif isinstance(block, Prose):
            prose.show(block.text, course, chapter, me.params)
        elif isinstance(block, Given):
            names = ", ".join(f"`{name}`" for name in block.names)
            with st.expander(f"Given code: {names}" if names else "Given code", icon=":material/inventory_2:"):
                st.code(block.code, language="python")
        elif isinstance(block, ExerciseBlock):
            exercise.show(chapter, block.exercise, me, status)
        elif isinstance(block, Predict):
            question = block
            predict.show(chapter, block, me)
        elif isinstance(block, Demo):
            demo.show(chapter, block, me, status, question)
        untold = isinstance(block, Demo) and not demo.is_shown(chapter, block, me, question)
        question = None if isinstance(block, Demo) else question


def show_sidebar(chapter: Chapter, found: list[Step], here: Step, me: Me, status: dict) -> None:
    with st.sidebar, st.container(key="steps", gap=None):
        st.markdown(f"**{chapter.title}**")
        for section, group in groupby(found, key=lambda step: step.section):
            if section:
                st.markdown(f":small[:gray[{section}]]")
            for step in group:
                state = status.get((chapter.id, step.id), "")
                icon = STATE_ICONS[state] if step.exercise else ":material/menu_book:"
                title = f"`{step.title}`" if step.exercise else step.title
                with st.container(key="step-here") if step is here else st.container():
                    step_link(chapter, step, title, me, icon=icon)
