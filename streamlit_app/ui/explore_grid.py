"""A heat map whose cells are buttons: clicked, tapped, or reached with the arrow keys. Plotly's tell Streamlit nothing.

It shows a matrix of effects, 0 in white, and returns nothing: a chosen cell arrives in the callback, as [row, column].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from plotly.colors import sample_colorscale

from dojo.show.look import ZERO_CENTRED

CSS = """
.map { container-type: inline-size; font: 0.8rem/1.2 var(--st-font); color: var(--st-text-color); }
.grid { display: grid; gap: 2px; align-items: stretch; }
.grid button { all: unset; box-sizing: border-box; height: 2.4rem; border-radius: 3px; cursor: pointer; text-align: center;
  font-size: 0.68rem; overflow: hidden; }
.grid button span { display: none; }
.grid button:hover { filter: brightness(0.92); }
.grid button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.grid button[aria-selected=true] { outline: 3px solid #e08a00; outline-offset: 0; z-index: 1; position: relative; }
.row-name { display: flex; align-items: center; justify-content: flex-end; padding-right: 0.3rem; }
.column-name { writing-mode: vertical-rl; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; max-height: 6.5rem;
  justify-self: center; padding-top: 0.3rem; }
.short .column-name { writing-mode: horizontal-tb; }
.axis { text-align: center; color: var(--st-gray-text-color); padding: 0.2rem 0; }
.key { display: flex; align-items: center; gap: 0.4rem; padding-bottom: 0.3rem; color: var(--st-gray-text-color); }
.key > :first-child { margin-right: auto; }
.key i { display: inline-block; width: min(8rem, 30%); height: 0.6rem; border-radius: 3px; }
.short button span { display: inline; }
@container (min-width: 600px) { .grid button span { display: inline; } }
"""

JS = r"""
const drawn = new WeakMap();
const two = (value) => value.toFixed(2).replace("-", "\u2212").replace("\u22120.00", "0.00");
export default function ({ parentElement, data, setTriggerValue }) {
  const host = parentElement.querySelector(".map");
  const signature = JSON.stringify([data.rows, data.columns, data.values, data.reach]);
  const name = (className, text, title) => {
    const node = document.createElement("div");
    node.className = className; node.textContent = text; node.title = title ?? text;
    return node;
  };
  if (drawn.get(host) !== signature) {
    drawn.set(host, signature);
    const grid = document.createElement("div"), n = data.columns.length;
    grid.className = data.columns.every((text) => text.length < 3) ? "grid short" : "grid";
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-label", data.title);
    grid.style.gridTemplateColumns = `max-content repeat(${n}, minmax(0, 1fr))`;
    host.style.maxWidth = n < 8 ? `${5 * n + 2}rem` : "none";
    data.values.forEach((values, i) => {
      grid.append(name("row-name", data.rows[i]));
      values.forEach((value, j) => {
        const cell = document.createElement("button"), text = document.createElement("span");
        cell.setAttribute("role", "gridcell");
        cell.dataset.cell = `${i},${j}`;
        cell.style.background = data.colours[i][j];
        cell.style.color = Math.abs(value) > 0.6 * data.reach ? "#fff" : "#222";
        const column = data.columns[j] === String(j) ? j : `${j} ${data.columns[j]}`;
        cell.title = `${data.rowTitle} ${data.rows[i]}, ${data.columnTitle} ${column}: ${two(value)}`;
        cell.setAttribute("aria-label", cell.title);
        text.textContent = two(value);
        cell.append(text);
        grid.append(cell);
      });
    });
    grid.append(name("", ""));
    for (const text of data.columns) grid.append(name("column-name", text));
    const key = document.createElement("div"), ramp = document.createElement("i");
    key.className = "key";
    ramp.style.background = `linear-gradient(90deg, ${data.ramp.join(", ")})`;
    const words = [data.rowTitle, data.keyTitle, `\u2212${data.reach.toFixed(1)}`, data.reach.toFixed(1)].map((t) => name("", t));
    key.append(words[0], words[1], words[2], ramp, words[3]);
    host.replaceChildren(key, grid, name("axis", data.columnTitle));
  }
  const chosen = data.chosen.join(",");
  for (const cell of host.querySelectorAll("[data-cell]")) {
    const here = cell.dataset.cell === chosen;
    cell.setAttribute("aria-selected", here);
    cell.tabIndex = here ? 0 : -1;
  }
  host.onclick = (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell) return;
    for (const other of host.querySelectorAll("[aria-selected=true]")) other.setAttribute("aria-selected", false);
    cell.setAttribute("aria-selected", true);
    setTriggerValue("cell", cell.dataset.cell.split(",").map(Number));
  };
  host.onkeydown = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = step && event.target.closest("[data-cell]");
    if (!cell) return;
    event.preventDefault();
    const [i, j] = cell.dataset.cell.split(",").map(Number);
    host.querySelector(`[data-cell="${i + step[0]},${j + step[1]}"]`)?.focus();
  };
}
"""


def show(
    values: list[list[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    chosen: tuple[int, int],
    on_cell: Callable[[], None],
    *,
    key: str,
    title: str,
    row_title: str,
    column_title: str,
) -> None:
    """`on_cell` is called when a cell is chosen; it finds it at `st.session_state[key].cell`."""
    reach = max(1.0, *(abs(value) for row in values for value in row))
    component = st.components.v2.component("dojo_grid", html='<div class="map"></div>', css=CSS, js=JS)
    component(
        key=key,
        data={
            "values": values,
            "rows": list(rows),
            "columns": [column.strip() for column in columns],
            "colours": [colours(row, reach) for row in values],
            "ramp": colours([-reach, -reach / 2, 0.0, reach / 2, reach], reach),
            "reach": reach,
            "chosen": list(chosen),
            "title": title,
            "rowTitle": row_title,
            "columnTitle": column_title,
            "keyTitle": "effect",
        },
        on_cell_change=on_cell,
    )


def colours(values: Sequence[float], reach: float) -> list[str]:
    return sample_colorscale(ZERO_CENTRED, [(value / reach + 1) / 2 for value in values])
