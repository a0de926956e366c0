"""A question before a picture: answered once is enough, answered wrongly costs nothing."""

from __future__ import annotations

import streamlit as st

from dojo.course import Chapter, Predict
from ui import prose, world
from ui.nav import Me


def show(chapter: Chapter, predict: Predict, me: Me) -> None:
    course, key = world.course(), f"predict-{chapter.id}-{predict.id}"
    stored = world.store().answers(me.id).get(storage_id(chapter, predict))
    with st.container(key=key):
        st.markdown(":gray[**Predict, then look**]")
        prose.show(predict.question, course, chapter, me.params)
        if predict.kind == "choice":
            texts = [option.text for option in predict.options]
            index = texts.index(stored.value) if stored and stored.value in texts else None
            value = st.radio("Your answer", texts, index=index, key=f"{key}-in", label_visibility="collapsed")
        else:
            start = as_number(stored.value) if stored else None
            with st.form(f"{key}-form", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
                value = st.number_input(
                    "Your number",
                    value=start,
                    step=None,
                    format="%g",
                    key=f"{key}-in",
                    label_visibility="collapsed",
                    placeholder="a number",
                    width=220,
                )
                st.form_submit_button("Answer")
        if value is None:
            return
        correct, reply = feedback(predict, value)
        if stored is None or stored.value != str(value):
            world.store().answer(me.id, storage_id(chapter, predict), value, correct)
        with st.container(key=f"{key}-reply-{'right' if correct else 'wrong'}"):
            prose.show(reply, course, chapter, me.params)


def feedback(predict: Predict, value: str | float) -> tuple[bool, str]:
    """Whether an answer is right, and the reply to exactly this answer."""
    if predict.kind == "choice":
        option = next(option for option in predict.options if option.text == value)
        return option.correct, option.feedback or ("Yes." if option.correct else "Not this one.")
    number, right = float(value), predict.answer or 0.0
    slack = predict.tolerance + 1e-9
    if abs(number - right) <= slack:
        return True, predict.feedback or "Yes."
    for wrong in predict.wrong:
        if abs(number - wrong.value) <= max(slack, 1e-3 * abs(wrong.value)):
            return False, wrong.feedback
    return False, predict.otherwise or "Not this number. Try once more."


def answered(chapter: Chapter, predict: Predict, me: Me) -> bool:
    return storage_id(chapter, predict) in world.store().answers(me.id)


def storage_id(chapter: Chapter, predict: Predict) -> str:
    return f"{chapter.id}/{predict.id}"


def as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
