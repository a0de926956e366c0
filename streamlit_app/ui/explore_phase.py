"""The phase-change page: scores over the shipped checkpoints, and every head's attention at the step that is chosen."""

from __future__ import annotations

import threading

import streamlit as st

from dojo.explore import phase
from ui.nav import Me

MODELS = {"induction": "Two layers", "induction-1-layer": "One layer"}
_lock = threading.Lock()
_measured: dict[str, phase.Series] = {}


def show(me: Me) -> None:
    st.markdown(
        "A model that is trained on sequences that repeat learns to repeat them, but not little by little. Move the slider "
        "through its training: the curves say how well, the small maps where each head attends."
    )
    name = st.segmented_control(
        "Model", list(MODELS), default="induction", format_func=MODELS.get, key="phase-model", required=True
    )
    series = measured(name)
    st.plotly_chart(series.figure, key=f"phase-{name}", theme=None, config={"displayModeBar": False}, alt=alt(series))
    st.markdown(what_it_shows(series))
    with st.expander("The numbers of every checkpoint"):
        st.dataframe(table(series), hide_index=True)


def measured(name: str) -> phase.Series:
    """Measured once in this process; whoever comes first sees the progress."""
    if name not in _measured:
        bar = st.progress(0.0, text="Measuring the checkpoints")
        with _lock:
            if name not in _measured:
                series = phase.measure(
                    name,
                    lambda done, total: bar.progress(done / total, text=f"Measuring checkpoint {done + 1} of {total}"),
                )
                bar.progress(1.0, text="Drawing")
                _ = series.figure  # drawn once, too
                _measured[name] = series
        bar.empty()
    return _measured[name]


def what_it_shows(series: phase.Series) -> str:
    """The figures in words, from the numbers."""
    last = {name: (values[-1], series.best[name][-1]) for name, values in series.scores.items()}
    (previous, previous_head), (induction, induction_head) = last[phase.PREVIOUS], last[phase.INDUCTION]
    rise = (
        f"The induction score rises fastest at step {series.rise:g}."
        if series.rise is not None
        else "The induction score never rises: there is no phase change."
    )
    return (
        f"{rise} At the end the best previous-token head is {previous_head} ({previous:.2f}), the best induction head "
        f"{induction_head} ({induction:.2f}), and a token costs {series.losses[phase.LOSS][-1]:.2f} nats in the second half. "
        f":gray[Scores are those of the best head at each step, on {phase.ROWS} random sequences that come twice. A head is "
        "named layer.head; queries run down, keys across. Checkpoints stand at equal distances; most are where the change is. "
        "The maps are of one sequence: "
        f"{' '.join(word.strip() for word in series.tokens[1:])}.]"
    )


def alt(series: phase.Series) -> str:
    scores = "; ".join(f"{name} from {values[0]:.2f} to {values[-1]:.2f}" for name, values in series.scores.items())
    return f"Scores of {series.model} over training: {scores}. Below, attention patterns of all heads at one step."


def table(series: phase.Series) -> dict[str, list]:
    columns: dict[str, list] = {"step": series.steps}
    for name, values in series.scores.items():
        columns[name] = [round(value, 3) for value in values]
        columns[f"{name.removesuffix(' score')}: best head"] = series.best[name]
    return columns | {f"{name} (nats)": [round(v, 3) for v in values] for name, values in series.losses.items()}
