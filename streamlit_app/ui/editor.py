"""The code editor and what keeps a learner's text from being lost. The browser's half is editor/src/editor.js.

The browser sends {text, base, run, seq}: `base` is the digest of the stored text that it started from. A draft is stored
unless the store holds a third text, which came from another window: then the learner is asked which one stays.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

import streamlit as st

from ui import world
from ui.jobs import Job

STATIC = Path(__file__).parent.parent / "static"

# The bundle is a static file: the browser keeps it, and messages to the component stay small.
LOADER = """
const bundle = import(new URL("app/static/editor.js?v=VERSION", document.baseURI).href);
export default function (component) {
  let cleanup, gone = false;
  bundle.then((module) => { if (!gone) cleanup = module.default(component); });
  return () => { gone = true; cleanup?.(); };
}
"""

CSS = """
.dojo-editor { min-height: 14rem; }
.frame { border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); overflow: hidden;
  background: var(--st-background-color); transition: border-color 0.15s; }
.frame:focus-within { border-color: var(--st-primary-color); }
.bar { display: flex; align-items: center; gap: 0.75rem; margin-top: 0.6rem; flex-wrap: wrap; }
.check { font: 600 1rem var(--st-font); padding: 0.5rem 1.6rem; border: 0; border-radius: var(--st-base-radius); cursor: pointer;
  color: #fff; background: #2b5c88; }
.check:hover { background: #234c71; }
.check:focus-visible, .note button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.check:disabled { opacity: 0.6; cursor: progress; }
.keys { font: 0.8rem var(--st-font); color: var(--st-gray-text-color); border: 1px solid var(--st-border-color);
  border-radius: 4px; padding: 0.1rem 0.4rem; }
.status { font: 0.85rem var(--st-font); color: var(--st-gray-text-color); margin-left: auto; }
.note { font: 0.9rem/1.5 var(--st-font); color: var(--st-text-color); background: var(--st-yellow-background-color);
  border-radius: var(--st-base-radius); padding: 0.6rem 0.8rem; margin-bottom: 0.6rem; display: flex; gap: 0.4rem 0.8rem;
  flex-wrap: wrap; align-items: center; }
.note[hidden] { display: none; }
.note button { font: 600 0.85rem var(--st-font); color: var(--st-text-color); background: var(--st-background-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius); padding: 0.25rem 0.7rem; cursor: pointer; }
@media (pointer: coarse) { .cm-editor { font-size: 16px !important; } .keys { display: none; } }
"""


def digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]


def component():
    """The component, registered anew in each run (Streamlit forgets nothing, but tests start fresh runtimes)."""
    version = hashlib.sha256((STATIC / "editor.js").read_bytes()).hexdigest()[:12]
    js = LOADER.replace("VERSION", version)
    return st.components.v2.component("dojo_editor", html='<div class="dojo-editor"></div>', css=CSS, js=js)


class Draft:
    """One exercise's text in this session: what the store has, and whether this session may write over it."""

    def __init__(self, learner: int, owner: str, chapter: str, exercise: str, stub: str) -> None:
        self.place = (learner, chapter, exercise)
        self.doc = f"{owner}/{chapter}/{exercise}"
        self.stub = stub
        self.key = f"editor-{chapter}-{exercise}"
        self.memory: dict = st.session_state.setdefault(f"draft-{self.doc}", {})
        st.session_state.setdefault("session", secrets.token_hex(8))

    def stored(self) -> str | None:
        return world.store().draft(*self.place)

    def text(self) -> str:
        stored = self.stored()
        return self.stub if stored is None else stored

    def take(self, message: dict | None) -> None:
        """Store a text that the browser sent, once; or remember the conflict that it would be."""
        if not message or (message["run"], message["seq"], message["base"]) == self.memory.get("handled"):
            return
        self.memory["handled"] = (message["run"], message["seq"], message["base"])
        stored, text = self.text(), str(message["text"])
        if stored != text and digest(stored) not in (message["base"], self.memory.get("written")):
            self.memory["conflict"] = {k: message[k] for k in ("run", "seq")}
            return
        self.memory["conflict"] = None
        if stored != text:
            world.store().save_draft(*self.place, text)
        self.memory["written"] = digest(text)
        self.memory["saved"] = {"run": message["run"], "seq": message["seq"], "digest": digest(text)}

    def replace(self, text: str) -> None:
        """Put another text into the editor (an earlier attempt, the stub); the editor's undo brings the old one back."""
        world.store().save_draft(*self.place, text)
        self.memory.update(written=digest(text), replace=secrets.token_hex(8), conflict=None)

    def data(self, job: Job | None = None) -> dict:
        stored, text = self.stored(), self.text()
        conflict = self.memory.get("conflict")
        return {
            "doc": self.doc,
            "text": text,
            "digest": digest(text),
            "fresh": stored is None,
            "session": st.session_state["session"],
            "replace": self.memory.get("replace", ""),
            "saved": self.memory.get("saved"),
            "conflict": conflict and {**conflict, "text": text, "digest": digest(text)},
            "busy": job is not None and not job.done.is_set(),
            "turn": job.started if job else 0,
        }


def show(draft: Draft, job: Job | None) -> str | None:
    """The editor; returns the code when Check was pressed."""
    state = st.session_state.get(draft.key) or {}
    draft.take(state.get("draft"))
    result = component()(
        key=draft.key,
        data=draft.data(job),
        on_draft_change=lambda: None,
        on_check_change=lambda: None,
    )
    message = result.get("check")
    if not message:
        return None
    draft.take(message)
    return str(message["text"])
