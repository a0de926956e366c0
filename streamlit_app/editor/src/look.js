// Colours come from Streamlit's theme (CSS variables on the component), so light and dark need no code of their own.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

const highlight = HighlightStyle.define([
  { tag: [t.keyword, t.controlKeyword, t.moduleKeyword, t.definitionKeyword], color: "var(--st-violet-text-color)" },
  { tag: [t.operatorKeyword, t.self, t.bool, t.null], color: "var(--st-violet-text-color)" },
  { tag: [t.string, t.special(t.string)], color: "var(--st-green-text-color)" },
  { tag: [t.number], color: "var(--st-orange-text-color)" },
  { tag: [t.comment], color: "var(--st-gray-text-color)", fontStyle: "italic" },
  { tag: [t.function(t.definition(t.variableName)), t.definition(t.className)], color: "var(--st-blue-text-color)", fontWeight: "600" },
  { tag: [t.className, t.function(t.variableName), t.function(t.propertyName)], color: "var(--st-blue-text-color)" },
  { tag: [t.meta], color: "var(--st-orange-text-color)" },
  { tag: [t.invalid], textDecoration: "underline wavy var(--st-red-text-color)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--st-text-color)", backgroundColor: "transparent", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--st-code-font), monospace", lineHeight: "1.55", maxHeight: "75vh", overflow: "auto" },
  ".cm-content": { padding: "10px 0", minHeight: "9em", caretColor: "var(--st-text-color)" },
  ".cm-line": { padding: "0 12px 0 6px" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--st-gray-text-color)", border: "none" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "2.4em", paddingRight: "10px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--st-text-color) 4%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--st-text-color)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--st-primary-color) 28%, transparent) !important",
  },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--st-primary-color) 16%, transparent)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "color-mix(in srgb, var(--st-primary-color) 22%, transparent)",
    outline: "1px solid color-mix(in srgb, var(--st-primary-color) 50%, transparent)",
  },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "color-mix(in srgb, var(--st-red-color) 25%, transparent)" },
  ".cm-panels": { backgroundColor: "var(--st-secondary-background-color)", color: "var(--st-text-color)" },
  ".cm-textfield, .cm-button": {
    backgroundColor: "var(--st-background-color)", backgroundImage: "none",
    color: "var(--st-text-color)", border: "1px solid var(--st-border-color)", borderRadius: "4px",
  },
});

export const look = [syntaxHighlighting(highlight), theme];
