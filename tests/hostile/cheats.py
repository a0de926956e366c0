"""The cheats are files in `cheats/<family>/`, each a submission with a head that says what it is:

    # attacks: what it tries, in a few words
    # expect: failed stopped        the statuses that are right; "passed" never is
    # says: regular expression      in the verdict's headline, first failing message or notes
    # exercise: LayerNorm           (attention_pattern where the line is missing)
    # level: 2                      run only at this isolation level or a stronger one: a bomb, or a door that only it shuts
    # endless                       runs into the time limit

`{ROOT}` and `{CHECKOUT}` stand for the folders of the course and of this repository. A cheat that got through its door says so by
`print("BROKE OUT", ...)`, or passes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "cheats"
HEAD = re.compile(r"^# (attacks|expect|says|exercise|level|endless):? ?(.*)$")


@dataclass(frozen=True)
class Cheat:
    name: str
    attacks: str
    source: str
    expect: frozenset[str]
    says: str = ""
    exercise: str = "attention_pattern"
    level: int = 0
    endless: bool = False


def load(path: Path) -> Cheat:
    text = path.read_text(encoding="utf-8")
    found = dict(m.groups() for line in text.splitlines() if (m := HEAD.match(line)))
    return Cheat(
        name=f"{path.parent.name}/{path.stem}",
        attacks=found["attacks"],
        source=text,
        expect=frozenset(found["expect"].split()),
        says=found.get("says", ""),
        exercise=found.get("exercise", "attention_pattern"),
        level=int(found.get("level", 0)),
        endless="endless" in found,
    )


CHEATS = [load(path) for path in sorted(FOLDER.glob("*/*.py"))]
