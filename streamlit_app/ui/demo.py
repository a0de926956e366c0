"""The picture that a learner's own code makes, while it is being made and after."""

from __future__ import annotations

import json

import streamlit as st

from dojo import show as pictures
from dojo.course import Chapter, Demo, Predict
from ui import frame, predict, world
from ui.jobs import Job
from ui.nav import Me, escape

# These ask another host for the ground that they draw on.
FORBIDDEN_TRACES = {
    "scattergeo", "choropleth", "choroplethmap", "choroplethmapbox", "scattermap", "scattermapbox", "densitymap",
    "densitymapbox",
}  # fmt: skip
POLL = 0.4


def show(chapter: Chapter, demo: Demo, me: Me, status: dict, question: Predict | None) -> None:
    """`question` is the prediction that comes before this picture, if there is one."""
    title = demo.title or "Your picture"
    missing = missing_for(chapter, demo, status)
    with st.container(key=f"demo-{chapter.id}-{demo.id}"):
        st.markdown(f":gray[**Picture**] **{title}**")
        if missing:
            names = " and ".join(f"`{name}`" for name in missing)
            st.markdown(
                f":gray[It is drawn by your own code, once {names} {'passes' if len(missing) == 1 else 'pass'}.]"
            )
        else:
            show_run(chapter, demo, me, question)
        with st.expander("The code of this picture"):
            st.code(demo.code, language="python")


def missing_for(chapter: Chapter, demo: Demo, status: dict) -> list[str]:
    needs = [*demo.needs, *([demo.exercise] if demo.exercise else [])]
    return [name for name in needs if status.get((chapter.id, name)) != "passed"]


def hidden(chapter: Chapter, demo: Demo, me: Me, question: Predict | None) -> bool:
    """Whether the question before the picture still has to be answered."""
    early = st.session_state.get(f"early-{chapter.id}-{demo.id}")
    return question is not None and not early and not predict.answered(chapter, question, me)


def is_shown(chapter: Chapter, demo: Demo, me: Me, question: Predict | None) -> bool:
    """Whether the finished picture stands on the page, so that what it says may be read."""
    job = world.jobs().demo(me.id, chapter, demo)
    return job is not None and job.done.is_set() and not hidden(chapter, demo, me, question)


def show_run(chapter: Chapter, demo: Demo, me: Me, question: Predict | None) -> None:
    job = world.jobs().demo(me.id, chapter, demo)
    if job is None:
        note = f" It takes up to {demo.seconds:.0f} seconds." if demo.seconds > 20 else ""
        if st.button("Draw it with your code", key=f"draw-{demo.id}", icon=":material/play_arrow:", help=note or None):
            world.jobs().start_demo(me.id, chapter, demo)
            st.rerun()
        return
    if hidden(chapter, demo, me, question):
        early = f"early-{chapter.id}-{demo.id}"
        st.markdown("Your picture is on its way. Answer the question above first, then look.")
        if st.button("Show it now", key=f"{early}-button", type="tertiary"):
            st.session_state[early] = True
            st.rerun()
        return

    polling = not job.done.is_set()

    @st.fragment(run_every=POLL if polling else None)
    def live() -> None:
        show_job(job, demo)
        if polling and job.done.is_set():
            st.rerun()  # once more without the clock

    live()
    if job.done.is_set() and st.button(
        "Run it again", key=f"again-{demo.id}", type="tertiary", icon=":material/replay:"
    ):
        world.jobs().start_demo(me.id, chapter, demo)
        st.rerun()


def show_job(job: Job, demo: Demo) -> None:
    if not job.done.is_set():
        job.done.wait(0.3)
    if not job.done.is_set():
        progress = job.progress
        if job.state == "waiting":
            st.markdown(":gray[Waiting for its turn: another picture is being drawn.]")
            return
        if progress and progress.get("total"):
            done, total = progress["done"], progress["total"]
            st.progress(min(1.0, done / total), text=f"{escape(progress.get('text') or 'Running')}: {done} of {total}")
        elif not job.outputs:
            st.progress(0.0, text=f"Running your code (up to {demo.seconds:.0f} s)")
    for number, (mime, data) in enumerate(job.outputs.values()):
        show_output(mime, data, key=f"out-{demo.id}-{number}")
    if job.problem:
        st.warning(escape(job.problem), icon=":material/error:")
    elif job.done.is_set() and not job.outputs:
        st.markdown(":gray[It ran, and showed nothing.]")


def show_output(mime: str, data: str, *, key: str) -> None:
    """One output of untrusted code: figures as data, HTML in a closed frame, anything else as text."""
    if mime == pictures.PLOTLY:
        figure = figure_from(data)
        if figure is None:
            st.markdown(":gray[This figure cannot be shown.]")
        else:
            st.plotly_chart(figure, key=key, theme=None, config={"displaylogo": False, "displayModeBar": False})
    elif mime == "text/html":
        frame.show(data, key=key)
    else:
        st.code(data, language=None, wrap_lines=True)


def figure_from(data: str) -> dict | None:
    """A plotly figure as plain data, less what would load anything from elsewhere."""
    try:
        figure = json.loads(data)
        traces, layout = harmless_traces(figure["data"]), harmless_layout(figure.get("layout") or {})
        if not traces:
            return None
        frames = [
            frame
            | {"data": harmless_traces(frame.get("data") or []), "layout": harmless_layout(frame.get("layout") or {})}
            for frame in figure.get("frames") or []
        ]
        return {"data": traces, "layout": layout, **({"frames": frames} if frames else {})}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def harmless_traces(traces: list[dict]) -> list[dict]:
    kept = [trace for trace in traces if trace.get("type") not in FORBIDDEN_TRACES]
    return [{key: value for key, value in trace.items() if key != "source"} for trace in kept]


def harmless_layout(layout: dict) -> dict:
    """Without pictures and maps, and without buttons and sliders that do more than choose one of the figure's frames."""
    kept = {key: value for key, value in layout.items() if key not in ("images", "geo", "map", "mapbox")}
    for controls, parts in (("sliders", "steps"), ("updatemenus", "buttons")):
        if controls in kept:
            kept[controls] = [c for c in kept[controls] if all(chooses_frames(part) for part in c.get(parts) or [])]
    return kept


def chooses_frames(part: dict) -> bool:
    wanted = (part.get("args") or [None])[0]
    names = wanted if isinstance(wanted, list) else [wanted]
    return (
        part.get("method") == "animate" and "args2" not in part and all(n is None or isinstance(n, str) for n in names)
    )
