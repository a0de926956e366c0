"""The patching page: choose a model and a prompt, click a cell of the map, and see what was patched and what it did."""

from __future__ import annotations

import html

import streamlit as st

from dojo.explore import attention_comparison, patching
from dojo.ioi import ORDERS
from ui import explore_grid
from ui.nav import Me

CSS = """<style>
.prompt { line-height: 1.9; margin: 0; }
.prompt b { font-weight: 600; padding: 0.05rem 0.2rem; border-radius: 3px;
  background: color-mix(in srgb, #e08a00 22%, transparent); }
.prompt i { font-style: normal; opacity: 0.7; margin-right: 0.4rem; }
.ruler { position: relative; height: 4.6rem; margin: 0.4rem 4.2rem 0; font-size: 0.8rem; }
.ruler .track { position: absolute; top: 2.2rem; left: 0; right: 0; height: 4px; border-radius: 2px;
  background: color-mix(in srgb, currentColor 18%, transparent); }
.ruler .track div { position: absolute; height: 4px; border-radius: 2px; background: #2f8ac9; }
.ruler .mark { position: absolute; transform: translateX(-50%); white-space: nowrap; text-align: center; line-height: 1.2; }
.ruler .below { top: 2.7rem; opacity: 0.8; }
.ruler .above { top: 0; font-weight: 600; }
.ruler .dot { position: absolute; top: calc(2.2rem - 5px); width: 14px; height: 14px; border-radius: 50%;
  transform: translateX(-50%); background: #2f8ac9; }
table.likeliest { border-collapse: collapse; width: 100%; font-size: 0.85rem; }
table.likeliest th { text-align: left; font-weight: 600; padding: 0.1rem 0.4rem 0.3rem 0; width: 50%; }
table.likeliest td { padding: 0.12rem 1rem 0.12rem 0; }
table.likeliest div { display: flex; justify-content: space-between; padding: 0.1rem 0.4rem; border-radius: 3px; }
</style>"""
SITE_WORDS = {patching.RESIDUAL: "Residual stream", patching.HEADS: "Heads"}


def show(me: Me) -> None:
    st.html(CSS)
    models = patching.models()
    if not models:
        st.markdown("The models of this page are not in this course.")
        return
    st.markdown(
        "Two runs of one model: a clean prompt, and a corrupted one whose answer is the other name. Write one activation of the "
        "one run into the other. Where does the answer follow?"
    )

    @st.fragment
    def page() -> None:
        setting = choose(models)
        if setting is not None:
            show_experiment(patching.experiment(setting))

    page()


def choose(models: list[str]) -> patching.Setting | None:
    with st.container(horizontal=True, vertical_alignment="bottom", key="patching-choices"):
        model = st.segmented_control("Model", models, default=models[0], key="patching-model", required=True)
        order = st.segmented_control(
            "Order of names", list(ORDERS), default="ABBA", key="patching-order", required=True
        )
        mode = st.segmented_control(
            "Direction", list(patching.MODES), default="denoising", key="patching-mode", required=True,
            help="Denoising: clean activations into the corrupted run. Noising: corrupted ones into the clean run.",
        )  # fmt: skip
    names = patching.names(model)
    with st.container(horizontal=True, vertical_alignment="bottom", key="patching-names"):
        io = st.selectbox("Named once (the answer)", names, index=0, key="patching-io", width=190)
        subject = st.selectbox("Named twice", names, index=1, key="patching-subject", width=190)
        sentence = st.number_input("Sentence", 1, 50, key="patching-sentence", width=130)
    if io == subject:
        st.warning(f"{io} cannot be both: choose two different names.")
        return None
    return patching.Setting(model, order, mode, io, subject, int(sentence) - 1)


def show_experiment(experiment: patching.Experiment) -> None:
    show_prompts(experiment)
    site = st.segmented_control(
        "What is patched", list(patching.SITES), default=patching.RESIDUAL, format_func=SITE_WORDS.get,
        key="patching-site", required=True,
    )  # fmt: skip
    with st.spinner("Patching every place", show_time=False):
        effects = experiment.effects(site)
    columns = experiment.columns(site)
    row_key, column_key, grid_key = f"patching-row-{site}", f"patching-column-{site}", f"patching-map-{site}"
    if row_key not in st.session_state:
        row, column = strongest(effects)
        st.session_state[row_key], st.session_state[column_key] = row, column
    chosen = st.session_state[row_key], st.session_state[column_key]

    def take_cell() -> None:
        cell = st.session_state[grid_key].cell
        if cell:
            st.session_state[row_key], st.session_state[column_key] = cell

    what = "position" if site == patching.RESIDUAL else "head"
    layers = [str(layer) for layer in range(len(effects))]
    explore_grid.show(
        effects, layers, columns, chosen, take_cell, key=grid_key, row_title="layer", column_title=what,
        title=f"Effect of patching each layer and {what}",
    )  # fmt: skip
    with st.container(horizontal=True):
        st.selectbox("Layer", range(len(layers)), key=row_key, width=100)
        st.selectbox(
            what.capitalize(), range(len(columns)), key=column_key, width=200,
            format_func=lambda i: f"{i}: {columns[i].strip()}" if site == patching.RESIDUAL else str(i),
        )  # fmt: skip
    show_cell(experiment, experiment.cell(site, *chosen))


def strongest(effects: list[list[float]]) -> tuple[int, int]:
    places = [(i, j) for i, row in enumerate(effects) for j in range(len(row))]
    return max(places, key=lambda place: abs(effects[place[0]][place[1]]))


def show_prompts(experiment: patching.Experiment) -> None:
    clean, corrupted = experiment.strings["clean"], experiment.strings["corrupted"]
    lines = []
    for run, strings in experiment.strings.items():
        text = ""
        for string, one, other in list(zip(strings, clean, corrupted, strict=True))[1:]:  # the first is <|endoftext|>
            word = html.escape(string.strip())
            text += ("" if word in ",." else " ") + (f"<b>{word}</b>" if one != other else word)
        lines.append(
            f'<p class="prompt"><i>{run}, logit difference {two(experiment.differences[run])}</i><br>{text} …</p>'
        )
    st.html("".join(lines))


def show_cell(experiment: patching.Experiment, cell: patching.Cell) -> None:
    with st.container(key="patching-facts"):
        st.subheader("What was patched, and what it did", anchor=False)
        st.markdown(sentence(experiment, cell))
        st.html(ruler(experiment, cell))
        st.html(likeliest(experiment, cell))
        if cell.attention is not None:
            show_attention(experiment, cell.attention, f"{cell.layer}.{cell.head}")


def show_attention(experiment: patching.Experiment, attention: tuple, head: str) -> None:
    strings, places = experiment.strings["clean"], experiment.prompts.positions
    names = {position: f" ({name})" for name, position in places.items()}
    query = st.selectbox(
        f"Where head {head} attends, seen from position", range(len(strings)), index=places["END"], width=260,
        key="patching-query", format_func=lambda i: f"{i}: {strings[i].strip()}{names.get(i, '')}",
    )  # fmt: skip
    figure = attention_comparison(attention[0][query], attention[1][query], strings)
    alt = f"Attention of head {head} from position {query} in the clean and in the corrupted run"
    st.plotly_chart(figure, key="patching-attention", theme=None, config={"displayModeBar": False}, alt=alt)


def sentence(experiment: patching.Experiment, cell: patching.Cell) -> str:
    setting, base, source = experiment.setting, experiment.base, experiment.source
    if cell.position is not None:
        token, other = (experiment.strings[run][cell.position].strip() for run in (base, source))
        there = f"`{token}`" + (f" (`{other}` in the {source} run)" if token != other else "")
        place = f"the residual stream before layer {cell.layer}, at position {cell.position}, {there}"
    else:
        place = f"the output of head {cell.layer}.{cell.head}, at all positions"
    last = "0 = nothing restored, 1 = all" if setting.mode == "denoising" else "0 = nothing broken, −1 = all"
    index = f"[:, {cell.position}]" if cell.position is not None else f"[:, :, {cell.head}]"
    return (
        f"In the **{base}** run of `{setting.model}`, {place}, was replaced by what it is in the **{source}** run: "
        f"`{cell.hook}{index}`. Normalised effect **{two(cell.effect)}** ({last})."
    )


def two(value: float) -> str:
    return f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")


def ruler(experiment: patching.Experiment, cell: patching.Cell) -> str:
    """The patched logit difference on a line from the corrupted run's to the clean run's."""
    clean, corrupted = experiment.differences["clean"], experiment.differences["corrupted"]
    place = (cell.difference - corrupted) / (clean - corrupted)
    shown = min(1.0, max(0.0, place)) * 100
    start = 0.0 if experiment.base == "corrupted" else 100.0
    left, width = min(start, shown), abs(shown - start)
    return (
        f'<div class="ruler" role="img" aria-label="logit difference: corrupted {two(corrupted)}, clean {two(clean)}, '
        f'patched {two(cell.difference)}"><div class="track"><div style="left: {left:.1f}%; width: {width:.1f}%"></div></div>'
        f'<div class="dot" style="left: {shown:.1f}%"></div>'
        f'<div class="mark above" style="left: {shown:.1f}%">logit difference<br>patched {two(cell.difference)}</div>'
        f'<div class="mark below" style="left: 0">corrupted<br>{two(corrupted)}</div>'
        f'<div class="mark below" style="left: 100%">clean<br>{two(clean)}</div></div>'
    )


def likeliest(experiment: patching.Experiment, cell: patching.Cell) -> str:
    rows = "".join(
        f"<tr><td>{bar(*one, experiment)}</td><td>{bar(*other, experiment)}</td></tr>"
        for one, other in zip(cell.before, cell.after, strict=True)
    )
    head = f"<tr><th>Next token, {experiment.base} run</th><th>with the patch</th></tr>"
    return f'<table class="likeliest">{head}{rows}</table>'


def bar(token: str, probability: float, experiment: patching.Experiment) -> str:
    name = token.strip()
    rgb = {experiment.setting.io: "47, 138, 201", experiment.setting.subject: "224, 138, 0"}.get(name, "128, 132, 140")
    share = f"{100 * probability:.1f}%"
    ground = f"linear-gradient(90deg, rgba({rgb}, 0.35) {share}, rgba({rgb}, 0.06) {share})"
    return f'<div style="background: {ground}"><span>{html.escape(name)}</span><span>{share}</span></div>'
