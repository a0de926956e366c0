// A Python editor for one exercise. It speaks with streamlit_app/editor.py:
//   data in:  doc, text, digest, session, replace, saved, conflict, busy, turn
//   out:      state "draft" {text, base, run, seq}, trigger "check" {the same}
// A text is never lost: each keystroke goes to localStorage at once, and to Python 0.6 s later, on blur and when the tab
// is hidden. `base` is the digest of the stored text that this one was made from; Python refuses to write over another
// one, and asks through `conflict`.
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Prec, Transaction } from "@codemirror/state";
import {
  EditorView, crosshairCursor, drawSelection, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars,
  keymap, lineNumbers, rectangularSelection,
} from "@codemirror/view";
import { look } from "./look.js";

const SEND_AFTER = 600;
const WORRY_AFTER = 5000;
const editors = new WeakMap();

export default function mount(component) {
  const { parentElement, data } = component;
  let editor = editors.get(parentElement);
  if (!editor || editor.doc !== data.doc) {
    editor?.destroy();
    editor = new Editor(component);
    editors.set(parentElement, editor);
  } else {
    editor.update(component);
  }
  return () => {
    editor.destroy();
    editors.delete(parentElement);
  };
}

class Editor {
  constructor(component) {
    const { data, parentElement } = component;
    this.doc = data.doc;
    this.key = `dojo-draft:${data.doc}`;
    this.run = Math.random().toString(36).slice(2);
    this.seq = 0;
    this.root = parentElement;
    this.build(parentElement.querySelector(".dojo-editor"));
    this.view = new EditorView({ parent: this.frame, root: parentElement, state: this.state("") });
    this.listeners = [
      [window, "storage", (event) => event.key === this.key && event.newValue && this.follow(JSON.parse(event.newValue))],
      [document, "visibilitychange", () => document.hidden && this.send()],
      [window, "pagehide", () => this.send()],
    ];
    for (const [target, name, listener] of this.listeners) target.addEventListener(name, listener);
    this.open(component);
  }

  build(host) {
    host.replaceChildren();
    this.note = element(host, "div", "note");
    this.note.setAttribute("role", "status");
    this.note.hidden = true;
    this.frame = element(host, "div", "frame");
    const bar = element(host, "div", "bar");
    this.button = element(bar, "button", "check");
    this.button.type = "button";
    this.button.onclick = () => this.check();
    const mac = /Mac|iP(hone|ad)/.test(navigator.platform);
    element(bar, "kbd", "keys").textContent = mac ? "⌘ ⏎" : "Ctrl ⏎";
    this.status = element(bar, "span", "status");
    this.status.setAttribute("role", "status");
  }

  state(text) {
    return EditorState.create({
      doc: text,
      extensions: [
        Prec.highest(keymap.of([
          { key: "Mod-Enter", run: () => this.check() },
          { key: "Ctrl-Enter", run: () => this.check() },
          { key: "Mod-s", run: () => this.send() || true },
        ])),
        lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), history(), drawSelection(),
        EditorState.allowMultipleSelections.of(true), indentUnit.of("    "), EditorState.tabSize.of(4), indentOnInput(),
        bracketMatching(), closeBrackets(), rectangularSelection(), crosshairCursor(), highlightActiveLine(),
        highlightSelectionMatches(),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, indentWithTab]),
        python(), look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Your code. Escape, then Tab, leaves the editor.", spellcheck: "false" }),
        EditorView.updateListener.of((update) => update.docChanged && !update.transactions.some((t) => t.annotation(Transaction.remote)) && this.typed()),
        EditorView.domEventHandlers({ blur: () => { this.send(); } }),
      ],
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /** Show `text` without counting it as typed. Only the part that differs is replaced, so the cursor stays. */
  put(text) {
    const old = this.text;
    let start = 0, end = 0;
    const shorter = Math.min(old.length, text.length);
    while (start < shorter && old[start] === text[start]) start++;
    while (end < shorter - start && old[old.length - 1 - end] === text[text.length - 1 - end]) end++;
    if (old === text) return;
    this.view.dispatch({
      changes: { from: start, to: old.length - end, insert: text.slice(start, text.length - end) },
      annotations: Transaction.remote.of(true),
    });
  }

  /** First sight of the stored text: on opening, and when a new session begins after the connection was lost. */
  open(component) {
    const { data } = component;
    const local = this.readLocal();
    this.component = component;
    this.session = data.session;
    this.replace = data.replace;
    this.base = data.digest;
    this.clean = true;
    // A clean copy matters too where the store has nothing at all: somebody's progress file was moved or lost.
    const unsaved = local && local.text !== data.text && (!local.clean || data.fresh);
    if (unsaved) {
      this.put(local.text);
      this.clean = false;
      this.seq++;
      if (local.base === data.digest || data.fresh) {
        this.tell("Restored from this browser: what you had typed here had not been saved.", [["Use the saved text instead", () => this.take(data.text, data.digest)]]);
        this.send();
      } else {
        this.base = local.base;
        this.ask(data.text, data.digest);
      }
    } else {
      // A fresh state, so that undo does not lead to an empty editor.
      if (!this.text) this.view.setState(this.state(data.text));
      this.put(data.text);
      this.writeLocal();
    }
    this.draw();
  }

  update(component) {
    const { data } = component;
    if (data.turn !== this.component.data.turn) this.release();
    this.component = component;
    if (data.session !== this.session) return this.open(component);
    if (data.replace && data.replace !== this.replace) {
      this.replace = data.replace;
      this.take(data.text, data.digest, false);
    }
    const saved = data.saved;
    if (saved && saved.run === this.run) {
      this.base = saved.digest;
      if (saved.seq === this.seq) this.clean = true;
      this.writeLocal();
      if (this.conflict) this.tell("");
      this.conflict = null;
    }
    const conflict = data.conflict;
    if (conflict && conflict.run === this.run && conflict.seq === this.seq) this.ask(conflict.text, conflict.digest);
    this.draw();
  }

  typed() {
    this.seq++;
    this.clean = false;
    this.writeLocal();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), SEND_AFTER);
    this.draw();
  }

  message() {
    return { text: this.text, base: this.base, run: this.run, seq: this.seq };
  }

  send() {
    clearTimeout(this.timer);
    if (this.clean || this.conflict || this.sent === this.seq + this.base) return;
    this.sent = this.seq + this.base;
    try {
      this.component.setStateValue("draft", this.message());
    } catch {
      // Not connected: the local copy stays, and goes out when the next session opens.
    }
    clearTimeout(this.worry);
    this.worry = setTimeout(() => this.draw(), WORRY_AFTER);
  }

  check() {
    if (this.component.data.busy || this.pressed) return true;
    clearTimeout(this.timer);
    this.pressed = setTimeout(() => this.release(), 4000);
    this.draw();
    this.sent = this.seq + this.base;
    this.component.setTriggerValue("check", this.message());
    return true;
  }

  /** Python has heard of the press (`turn` changed), or never will. */
  release() {
    clearTimeout(this.pressed);
    this.pressed = null;
    this.draw();
  }

  /** Another tab of this browser wrote. If nothing of ours waits to be saved, show what it wrote. */
  follow(record) {
    if (record.run === this.run || !this.clean || this.conflict) return;
    this.put(record.text);
    this.base = record.base;
    this.sent = null;
    this.draw();
  }

  /** Replace the text; undo brings the old one back. */
  take(text, digest, save = true) {
    this.put(text);
    this.base = digest;
    this.conflict = null;
    this.clean = true;
    this.seq++;
    this.writeLocal();
    this.tell("");
    if (save) {
      this.clean = false;
      this.send();
    }
    this.draw();
  }

  ask(text, digest) {
    this.conflict = { text, digest };
    this.tell("This exercise was changed in another window since you opened it here. Nothing is lost yet: which text should stay?", [
      ["Keep what stands here", () => { this.base = digest; this.conflict = null; this.clean = false; this.seq++; this.tell(""); this.send(); this.draw(); }],
      ["Take the other text", () => this.take(text, digest)],
    ]);
  }

  tell(message, choices = []) {
    this.note.replaceChildren();
    this.note.hidden = !message;
    if (!message) return;
    element(this.note, "span").textContent = message;
    for (const [label, act] of choices) {
      const button = element(this.note, "button");
      button.type = "button";
      button.textContent = label;
      button.onclick = () => { this.tell(""); act(); };
    }
  }

  draw() {
    const busy = this.component.data.busy || this.pressed;
    this.button.textContent = busy ? "Checking…" : "Check";
    this.button.disabled = Boolean(busy);
    const waiting = !this.clean && this.sent === this.seq + this.base;
    this.status.textContent = this.conflict ? "Not saved: see above"
      : this.clean ? "Saved"
      : waiting && this.component && Date.now() - this.editedAt() > WORRY_AFTER ? "Not saved yet; kept in this browser"
      : "Saving…";
  }

  editedAt() {
    return this.readLocal()?.time ?? 0;
  }

  readLocal() {
    try {
      return JSON.parse(localStorage.getItem(this.key));
    } catch {
      return null;
    }
  }

  writeLocal() {
    const record = { text: this.text, base: this.base, clean: this.clean, run: this.run, time: Date.now() };
    try {
      localStorage.setItem(this.key, JSON.stringify(record));
    } catch {
      // Storage is full or forbidden: Python still gets every draft.
    }
  }

  destroy() {
    this.send();
    clearTimeout(this.timer);
    clearTimeout(this.worry);
    clearTimeout(this.pressed);
    for (const [target, name, listener] of this.listeners) target.removeEventListener(name, listener);
    this.view.destroy();
  }
}

function element(parent, tag, className) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  parent.append(made);
  return made;
}
