"""The feature browser: an autoencoder's latents one by one, found by number, by chance or by a token; a learner's own too."""

from __future__ import annotations

import hashlib
import html
import random
import threading

import streamlit as st

from dojo.explore import features, histogram_figure
from ui.nav import Me

CSS = """<style>
.example { font-family: var(--st-code-font, monospace); font-size: 0.8rem; line-height: 1.75; margin: 0 0 0.55rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.example i { font-style: normal; opacity: 0.65; font-family: var(--st-font); font-size: 0.72rem; margin-right: 0.5rem; }
.example span { border-radius: 3px; padding: 1px 0; }
.example .here { outline: 1.5px solid #e08a00; }
table.logits { border-collapse: collapse; width: 100%; font-size: 0.82rem; }
table.logits th { text-align: left; font-weight: 600; padding: 0.1rem 0 0.3rem; width: 50%; }
table.logits td { padding: 0.1rem 0.7rem 0.1rem 0; }
table.logits td:last-child, table.logits th:last-child { padding-right: 0; }
table.logits div { display: flex; justify-content: space-between; gap: 0.4rem; padding: 0.1rem 0.4rem; border-radius: 3px;
  font-family: var(--st-code-font, monospace); }
</style>"""
OWN, SHIPPED = "Your own", "The course's"
KEPT = 4  # autoencoders of learners that stay open in this process
_lock = threading.Lock()
_opened: dict[str, features.Features] = {}


def show(me: Me) -> None:
    st.html(CSS)
    st.markdown(
        "A sparse autoencoder writes each state of the language model as a sum of a few *latents* out of many. What does each of "
        "them stand for? Look at where it is active, guess, and look for what speaks against your guess."
    )
    which = st.segmented_control("Autoencoder", [SHIPPED, OWN], default=SHIPPED, key="features-which", required=True)
    try:
        browser = opened() if which == SHIPPED else own()
    except features.UnusableAutoencoder as problem:
        st.error(str(problem))
        return
    if browser is not None:
        show_browser(browser)


def opened(key: str = SHIPPED, files: tuple[bytes, bytes] | None = None) -> features.Features:
    """Read once in this process; whoever comes first sees the progress."""
    if key not in _opened:
        bar = st.progress(0.0, text="Reading the texts")

        def tell(done: int, total: int) -> None:
            bar.progress(done / total, text="Reading the texts")

        try:
            with _lock:
                if key not in _opened:
                    found = features.open_files(*files, tell) if files else features.open_shipped(tell)
                    for old in [k for k in _opened if k != SHIPPED][: max(0, len(_opened) - KEPT)]:
                        del _opened[old]
                    _opened[key] = found
        finally:
            bar.empty()
    return _opened[key]


def own() -> features.Features | None:
    st.markdown(
        f'In a notebook, `to_saelens(sae, "my-sae", hook_name, "{features.MODEL}")` writes two files into the folder `my-sae`. '
        "Choose both."
    )
    files = st.file_uploader(
        "cfg.json and sae_weights.safetensors",
        type=["json", "safetensors"],
        accept_multiple_files=True,
        key="features-files",
    )
    found = {file.name.rpartition(".")[2]: file.getvalue() for file in files or []}
    if not found:
        return None
    if len(found) < 2:
        missing = "sae_weights.safetensors" if "json" in found else "cfg.json"
        st.info(f"Choose {missing}, too.")
        return None
    cfg, weights = found["json"], found["safetensors"]
    return opened(hashlib.sha256(cfg + weights).hexdigest(), (cfg, weights))


def show_browser(browser: features.Features) -> None:
    st.markdown(
        f"{browser.n_latents:,} latents, trained on `{browser.site}` of `{features.MODEL}`. On "
        f"{browser.tokens.numel():,} tokens of held-out text: **{browser.explained_variance:.2f}** of the variance explained, "
        f"**{browser.l0:.1f}** latents active a token, **{100 * browser.unused:.1f}%** never active."
    )
    if not 0 <= st.session_state.get("feature", -1) < browser.n_latents:
        asked = st.query_params.get("feature", "")
        st.session_state["feature"] = min(int(asked), browser.n_latents - 1) if asked.isdigit() else first(browser)

    def move(step: int) -> None:
        st.session_state["feature"] = (st.session_state["feature"] + step) % browser.n_latents

    def any_used() -> None:
        used = browser.counts.nonzero().flatten().tolist()
        st.session_state["feature"] = random.choice(used or [0])

    with st.container(horizontal=True, vertical_alignment="bottom", key="features-choice"):
        st.number_input("Latent", 0, browser.n_latents - 1, key="feature", width=130)
        st.button("Previous", on_click=move, args=(-1,))
        st.button("Next", on_click=move, args=(1,))
        st.button("Any", on_click=any_used, icon=":material/casino:")
        word = st.text_input("Search by token", key="features-word", placeholder="such as king", width=220)
    if word.strip():
        show_search(browser, word)
    st.query_params["feature"] = str(st.session_state["feature"])
    show_page(browser, browser.page(st.session_state["feature"]))


def first(browser: features.Features) -> int:
    """A page to begin with: the first latent that is active neither rarely nor all the time."""
    usual = [i for i, count in enumerate(browser.counts.tolist()) if 0.004 < count / browser.tokens.numel() < 0.02]
    return usual[0] if usual else 0


def choose(latent: int) -> None:
    st.session_state["feature"] = latent


def buttons(browser: features.Features, found: list[tuple[int, float]], key: str, what: str) -> None:
    with st.container(horizontal=True, key=key):
        for latent, value in found:
            label = html.escape(browser.label(latent)).replace("[", "").replace("]", "")
            st.button(
                f"{latent} · {label} · {value:.2f}", key=f"{key}-{latent}", on_click=choose, args=(latent,), help=what
            )


def show_search(browser: features.Features, word: str) -> None:
    times, found = browser.search(word)
    if not times:
        st.info(
            f"No token of these texts reads '{word.strip()}'. Longer words are several tokens: try a short, common one."
        )
        return
    st.markdown(f"`{word.strip()}` comes {times} times. Most active on it, with their mean activation there:")
    buttons(browser, found, "features-found", "number · the token it is most active on in all · mean activation")


def show_page(browser: features.Features, page: features.Page) -> None:
    with st.container(key="features-page"):
        st.subheader(f"Latent {page.latent}", anchor=False)
        if not page.counts:
            st.markdown("It is not active on any token of these texts.")
        else:
            share = ", ".join(f"`{visible(word)}` {100 * part:.0f}%" for word, part in page.tokens)
            st.markdown(
                f"Active on **{100 * page.density:.2f}%** of the tokens, up to **{page.highest:.1f}**. "
                f"Its activation by token: {share}."
            )
            way = st.segmented_control(
                "Examples", ["Strongest", "Across its range"], default="Strongest", key="features-way", required=True,
                help="The strongest alone flatter: look across the whole range before you believe a name.",
            )  # fmt: skip
            places = page.strongest if way == "Strongest" else page.across
            st.html("".join(example(place, page.highest) for place in places))
            st.plotly_chart(
                histogram_figure(page.counts, page.edges), key="features-histogram", theme=None,
                config={"displayModeBar": False}, alt="How often each activation comes, on a logarithmic axis",
            )  # fmt: skip
        st.markdown(
            "**Next tokens that its direction favours and disfavours**, past all later layers, up to a common factor"
        )
        st.html(logits(page))
        st.markdown("**Neighbours**: latents whose directions are most like it (cosine)")
        buttons(
            browser, page.neighbours, "features-neighbours", "number · the token it is most active on in all · cosine"
        )


def visible(word: str) -> str:
    return word.replace("\n", "↵").replace("`", "'").strip(" ") or "␣"


def example(place: features.Place, highest: float) -> str:
    spans = []
    for i, (word, value) in enumerate(zip(place.words, place.values, strict=True)):
        colour = f' style="background: rgba(47, 138, 201, {0.75 * value / highest:.2f})"' if value > 0 else ""
        here = ' class="here"' if i == place.position else ""
        word = html.escape(word.replace("\n", "↵"))
        spans.append(f'<span{here}{colour} title="{value:.2f}">{word}</span>')
    told = f"<i>{html.escape(place.text)} {place.values[place.position]:.1f}</i>"
    return f'<p class="example">{told}{"".join(spans)}</p>'


def logits(page: features.Page) -> str:
    largest = max(abs(value) for _, value in [*page.positive, *page.negative]) or 1.0

    def bar(word: str, value: float) -> str:
        rgb, share = ("47, 138, 201" if value > 0 else "213, 94, 0"), f"{100 * abs(value) / largest:.0f}%"
        ground = f"linear-gradient(90deg, rgba({rgb}, 0.35) {share}, rgba({rgb}, 0.06) {share})"
        number = f"{value:+.2f}".replace("-", "−")
        return f'<div style="background: {ground}"><span>{html.escape(visible(word))}</span><span>{number}</span></div>'

    rows = "".join(
        f"<tr><td>{bar(*up)}</td><td>{bar(*down)}</td></tr>"
        for up, down in zip(page.positive, page.negative, strict=True)
    )
    return f'<table class="logits"><tr><th>favoured</th><th>disfavoured</th></tr>{rows}</table>'
