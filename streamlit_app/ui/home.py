"""The map of the course: every chapter with its exercises, and where the learner stands."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from dojo.course import Chapter
from ui import world
from ui.nav import STATE_ICONS, Me, dots, step_link
from ui.steps import Step, steps


def show(me: Me) -> None:
    course, status = world.course(), world.store().status(me.id)
    st.title(course.title, anchor=False)
    st.markdown("Write the functions that open up a language model. Each one is checked in a blink.")
    target = next_step(status)
    if target:
        chapter, step = target
        begun = any(key[0] == chapter.id for key in status)
        with st.container(key="continue"):
            words = "Continue where you were" if begun else "Begin here"
            step_link(chapter, step, f"**{words}:** {step.title}", me, icon=":material/arrow_forward:")
    for chapter in course.chapters:
        st.header(chapter.title, anchor=False)
        st.markdown(chapter.summary)
        show_map(chapter, me, status)


def next_step(status: dict) -> tuple[Chapter, Step] | None:
    """The last exercise that was touched, or where that is passed the next one that is not."""
    course = world.course()
    places = [(chapter, step) for chapter in course.chapters for step in steps(chapter) if step.exercise]
    if not status:
        chapter = course.chapters[0] if course.chapters else None
        return (chapter, steps(chapter)[0]) if chapter else None
    touched = [i for i, (chapter, step) in enumerate(places) if (chapter.id, step.id) in status]
    after = touched[-1] if touched else 0
    unpassed = [p for p in [*places[after:], *places[:after]] if status.get((p[0].id, p[1].id)) != "passed"]
    return unpassed[0] if unpassed else None


def show_map(chapter: Chapter, me: Me, status: dict) -> None:
    found = steps(chapter)
    exercises = [step for step in found if step.exercise]
    passed = sum(status.get((chapter.id, step.id)) == "passed" for step in exercises)
    hours = chapter.minutes / 60
    time = f"about {hours:.0f} hours" if hours >= 2 else f"about {chapter.minutes} minutes"
    st.progress(passed / max(1, len(exercises)), text=f"{passed} of {len(exercises)} exercises passed, {time} in all")
    with st.container(key=f"map-{chapter.id}", gap="small"):
        step_link(chapter, found[0], "Overview: what you will be able to do", me, icon=":material/menu_book:")
        for section, group in groupby(found[1:], key=lambda step: step.section):
            if section:
                st.markdown(f"##### {section}")
            for step in group:
                state = status.get((chapter.id, step.id), "") if step.exercise else ""
                step_link(chapter, step, label(step), me, icon=STATE_ICONS[state] if step.exercise else None)
    st.caption(
        "● of five: difficulty, then importance. :material/circle: not begun, :material/edit: begun, "
        ":material/contrast: tried, :material/check_circle: passed."
    )


def label(step: Step) -> str:
    exercise = step.exercise
    if exercise is None:
        return "Closing section"
    facts = f"{dots(exercise.difficulty)} · {dots(exercise.importance)} · {exercise.minutes} min"
    return f"`{exercise.name}` :gray[{facts}]"
