"""Runs a chapter's demos as the site does, on the references, and reads the pictures that they show."""

from __future__ import annotations

import ast
import json
import sys
from types import ModuleType

import torch

import dojo.show
from dojo.course.model import Chapter, ExerciseBlock, Given


def run_demo(chapter: Chapter, id: str, monkeypatch, **settings) -> list:
    """What the demo shows, in order: figures as dicts, or text. `settings` are given code's constants, such as BIG_MODEL."""
    shown: dict[str, dict | str] = {}

    def sink(event: dict) -> None:
        if event["kind"] == "output":
            figure = event["mime"] == dojo.show.PLOTLY
            shown[event["slot"]] = json.loads(event["data"]) if figure else event["data"]

    monkeypatch.setattr(dojo.show, "sink", sink)
    learner = ModuleType("learner")
    monkeypatch.setitem(sys.modules, "learner", learner)  # dataclasses look their module up
    parts = [chapter.header]
    for block in chapter.blocks:
        parts += [block.code] if isinstance(block, Given) else []
        parts += [block.exercise.solution] if isinstance(block, ExerciseBlock) else []
    exec("\n\n\n".join(parts), vars(learner))
    vars(learner).update(settings)
    torch.manual_seed(0)
    tree = ast.parse(chapter.demos[id].code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, id, "exec"), vars(learner))
    if last is not None:
        value = eval(compile(ast.Expression(last.value), id, "eval"), vars(learner))
        if value is not None:
            dojo.show.display(value)
    return list(shown.values())


def matrix(figure: dict) -> torch.Tensor:
    """The numbers of a heat map."""
    return torch.tensor(figure["data"][0]["z"])


def curves(figure: dict) -> dict[str, tuple[list, list]]:
    """The x and y of each curve, by its name."""
    return {trace["name"]: (trace["x"], trace["y"]) for trace in figure["data"]}


def bars(figure: dict) -> dict[str, dict[str, float]]:
    """The bars of each group, by their labels."""
    return {t["name"]: dict(zip(t["customdata"], t["x"], strict=True)) for t in figure["data"]}


def title(figure: dict) -> str:
    return figure["layout"]["title"]["text"]
