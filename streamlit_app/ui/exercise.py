"""One exercise: its text, the editor, the verdict, and help that opens in stages."""

from __future__ import annotations

import streamlit as st

from dojo.course import Chapter, Exercise
from dojo.progress import Attempt
from ui import editor, prose, verdict, world
from ui.nav import STATE_WORDS, Me, dots, link
from ui.prose import plain_html

POLL = 0.5


def show(chapter: Chapter, exercise: Exercise, me: Me, status: dict) -> None:
    course = world.course()
    state = status.get((chapter.id, exercise.name), "")
    facts = [
        f"<span>difficulty <i>{dots(exercise.difficulty)}</i></span>",
        f"<span>importance <i>{dots(exercise.importance)}</i></span>",
        f"<span>about {exercise.minutes} min</span>",
        f"<span>{plain_html(exercise.source)}</span>" if exercise.source else "",
        f'<span class="state-{state or "new"}">{STATE_WORDS[state]}</span>',
    ]
    st.html(f'<h3 class="exercise"><code>{plain_html(exercise.name)}</code></h3><p class="facts">{"".join(facts)}</p>')
    prose.show(exercise.prose, course, chapter, me.params)
    missing = [name for name in exercise.needs if status.get((chapter.id, name)) != "passed"]
    for name in missing:
        with st.container(key=f"needs-{name}", horizontal=True, vertical_alignment="center"):
            st.markdown(f"This exercise calls your `{name}`, which does not pass yet.", width="content")
            link("chapter", f"Go to `{name}`", me, chapter=chapter.id, exercise=name)
    draft = editor.Draft(me.id, me.owner, chapter.id, exercise.name, exercise.stub)
    show_editor(chapter, exercise, me, draft)
    show_verdict(chapter, exercise, me)
    show_help(chapter, exercise, me, draft, passed=state == "passed")


@st.fragment
def show_editor(chapter: Chapter, exercise: Exercise, me: Me, draft: editor.Draft) -> None:
    """A fragment: while the learner types, only this much of the page runs again."""
    job = world.jobs().check(me.id, chapter, exercise.name)
    code = editor.show(draft, job)
    if code is not None:
        world.jobs().start_check(me.id, chapter, exercise.name, code)
        st.rerun()


def show_verdict(chapter: Chapter, exercise: Exercise, me: Me) -> None:
    job = world.jobs().check(me.id, chapter, exercise.name)
    if job and not job.done.is_set():

        @st.fragment(run_every=POLL)
        def waiting() -> None:
            if job.done.is_set():
                st.rerun()
            words = f"{job.ahead} ahead of you" if job.ahead and job.state == "waiting" else "Checking your code"
            with st.container(key="verdict-waiting"):
                st.html(f'<div class="headline" role="status"><strong>{words} …</strong></div>')

        waiting()
        return
    attempts = world.store().attempts(me.id, chapter.id, exercise.name)
    if not attempts:
        return
    last = attempts[-1]
    with st.container(key="verdict"):
        verdict.show(last.verdict, chapter, me)
        if last.code != world.store().draft(me.id, chapter.id, exercise.name):
            st.html(f'<p class="fine">On the code as it was at {clock(last)}; you have changed it since.</p>')


def show_help(chapter: Chapter, exercise: Exercise, me: Me, draft: editor.Draft, *, passed: bool) -> None:
    course, store = world.course(), world.store()
    here = (me.id, chapter.id, exercise.name)
    opened = min(store.hints_opened(*here), len(exercise.hints))
    with st.container(key="help"):
        for number, hint in enumerate(exercise.hints[:opened], 1):
            with st.container(key=f"hint-{number}"):
                st.markdown(f":gray[**Hint {number} of {len(exercise.hints)}**]")
                prose.show(hint, course, chapter, me.params)
        with st.container(horizontal=True, key="help-row"):
            if opened < len(exercise.hints) and not passed:
                label = "A hint" if opened == 0 else "Another hint"
                if st.button(f"{label} ({opened + 1} of {len(exercise.hints)})", icon=":material/lightbulb:"):
                    store.open_hint(*here)
                    st.rerun()
            show_solution_button(exercise, here, opened, passed=passed)
            show_attempts(store.attempts(*here), draft)
            with st.popover("Start over", type="tertiary"):
                st.markdown("Put the stub back into the editor? Undo in the editor brings your text back.")
                if st.button("Put the stub back", key="reset"):
                    draft.replace(exercise.stub)
                    st.rerun()
        if exercise.symptoms:
            with st.expander("If you see …", icon=":material/troubleshoot:"):
                for symptom, cause in exercise.symptoms:
                    st.markdown(f"**{symptom}**")
                    prose.show(cause, course, chapter, me.params)
        if store.solution_opened(*here):
            with st.expander("Solution", expanded=True, icon=":material/key:"):
                st.code(exercise.solution, language="python")
                prose.show(exercise.after, course, chapter, me.params)


def show_solution_button(exercise: Exercise, here: tuple[int, str, str], opened: int, *, passed: bool) -> None:
    """Asks once; an opened solution stays open."""
    if world.store().solution_opened(*here):
        return
    with st.popover("Solution", icon=":material/key:"):
        left = len(exercise.hints) - opened
        hints = f"{left} {'hint is' if left == 1 else 'hints are'} still closed. " if left else ""
        warning = f"{hints}Once you have read the solution you cannot find it yourself any more. Open it?"
        st.markdown("Yours passes; see how the reference does it, and why." if passed else warning)
        if st.button("Open the solution", key="open-solution"):
            world.store().open_solution(*here)
            st.rerun()


def show_attempts(attempts: list[Attempt], draft: editor.Draft) -> None:
    if not attempts:
        return
    with st.popover(f"Attempts ({len(attempts)})", type="tertiary"):
        newest_first = list(reversed(attempts))[:50]
        labels = [f"{clock(a)}  {verdict.TITLES[a.verdict.status].lower()}" for a in newest_first]
        chosen = st.selectbox("Every check is kept", range(len(labels)), format_func=lambda i: labels[i], key="attempt")
        st.code(newest_first[chosen].code, language="python", height=260)
        if st.button("Put this one into the editor", key="restore"):
            draft.replace(newest_first[chosen].code)
            st.rerun()


def clock(attempt: Attempt) -> str:
    local = attempt.at.astimezone(st.context.timezone and _zone(st.context.timezone))
    return local.strftime("%d %b, %H:%M:%S")


def _zone(name: str):
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
