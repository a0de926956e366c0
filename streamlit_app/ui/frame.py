"""HTML made by a learner's code, in a frame that can reach neither the page nor the network.

Streamlit's own frames are same-origin with the site, so a script in them could act as the learner. This one has an opaque
origin (`sandbox` without allow-same-origin) and a policy that lets it load nothing from anywhere.
"""

from __future__ import annotations

import streamlit as st

JS = r"""
const policy = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; style-src 'unsafe-inline' data:; " +
  "img-src data: blob:; font-src data:; media-src data: blob:; worker-src blob:";
const tell = `<script>
  const page = document.documentElement;
  const tell = () => parent.postMessage({ dojoFrameHeight: Math.ceil(page.getBoundingClientRect().height) }, "*");
  new ResizeObserver(tell).observe(page); addEventListener("load", tell);
</script>`;
const shown = new WeakMap();
export default function ({ parentElement, data }) {
  const host = parentElement.querySelector(".frame-host");
  const style = getComputedStyle(host);
  const colour = style.getPropertyValue("--st-text-color"), paper = style.getPropertyValue("--st-background-color");
  const source = `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}">` +
    `<meta name="viewport" content="width=device-width, initial-scale=1"><style>html { color: ${colour}; background: ${paper}; ` +
    `font: 15px/1.5 system-ui, sans-serif; } body { margin: 0; overflow-x: auto; }</style>${tell}${data.html}`;
  if (shown.get(parentElement)?.source === source) return;
  shown.get(parentElement)?.stop();
  host.replaceChildren();
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.title = data.title;
  frame.srcdoc = source;
  // A script draws only once its frame is on the screen; until then keep room, so that nothing jumps when it does.
  const [first, least] = data.html.includes("<script") ? [480, 120] : [60, 24];
  frame.style.cssText = `width: 100%; border: 0; height: ${first}px; display: block; color-scheme: normal;`;
  const listen = (event) => {
    const height = event.source === frame.contentWindow && event.data?.dojoFrameHeight;
    if (Number.isFinite(height) && height >= least) frame.style.height = Math.min(height, 1600) + "px";
  };
  window.addEventListener("message", listen);
  host.append(frame);
  const stop = () => { window.removeEventListener("message", listen); shown.delete(parentElement); };
  shown.set(parentElement, { source, stop });
  return stop;
}
"""


def show(html: str, *, key: str, title: str = "A picture made by your code") -> None:
    component = st.components.v2.component("dojo_frame", html='<div class="frame-host"></div>', js=JS)
    component(key=key, data={"html": html, "title": title})
