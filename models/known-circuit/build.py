"""Writes this folder: a transformer that identifies indirect objects, whose weights are set by this program.

    python models/known-circuit/build.py

1. At S2, the duplicate-token head finds the earlier mention of the name that stands there, and copies the name to S2,
   with a mark that says "a name was copied to here".
2. From END, the S-inhibition head attends to the mark (K-composition) and moves the copied name to END (V-composition).
3. From END, two name movers attend to the names before S2, less to the one that was moved (Q-composition), and add the
   name that they find to the answer. One of them is sharp: its softmax is saturated. The other is soft.

All other heads attend to something and write what nobody reads; but the lister adds both names to the answer, alike.
After Wang et al. 2022, "Interpretability in the Wild"; the circuit that they found in GPT-2 small has such parts, and more.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

from words import write_model  # noqa: E402

from dojo.models import Tokenizer, load_tokenizer  # noqa: E402
from dojo.planted import parts  # noqa: E402
from dojo.planted.compiler import Head, compile_model, generator  # noqa: E402
from dojo.planted.parts import IDLE, moves  # noqa: E402
from dojo.transformer import Transformer  # noqa: E402

SHARP, SOFT = 10.0, 2.0

# What each head is, layer by layer: its role and its program.
HEADS: list[list[tuple[str, Head]]] = [
    [
        ("previous token", parts.back(1, IDLE)),
        ("duplicate token", parts.duplicate_token(moves("name", "copied"), moves("is_name", "has_copy"))),
        ("first token", parts.start(IDLE)),
        ("three tokens back", parts.back(3, IDLE)),
    ],
    [
        ("reads S2", parts.reads_s2(IDLE)),
        ("idle duplicate token", parts.duplicate_token(IDLE)),
        ("S-inhibition", parts.s_inhibition(moves("copied", "moved"))),
        ("previous token", parts.back(1, IDLE)),
    ],
    [
        ("sharp name mover", parts.name_mover(SHARP, moves("name", "answer", 4.0))),
        ("lister", parts.name_mover(0.0, moves("name", "answer", 2.0))),
        ("idle name mover", parts.name_mover(SOFT, IDLE)),
        ("soft name mover", parts.name_mover(SOFT, moves("name", "answer", 3.0))),
    ],
]
AT = {
    "duplicate token": "S2",
    "S-inhibition": "END",
    "sharp name mover": "END",
    "soft name mover": "END",
}  # the circuit
EDGES = [  # sender, receiver, the receiver's input, and where the sender writes what is read there
    ("duplicate token", "S-inhibition", "k", "S2"),
    ("duplicate token", "S-inhibition", "v", "S2"),
    ("S-inhibition", "sharp name mover", "q", "END"),
    ("S-inhibition", "soft name mover", "q", "END"),
    ("sharp name mover", "logits", None, "END"),
    ("soft name mover", "logits", None, "END"),
]


def build(tokenizer: Tokenizer) -> Transformer:
    return compile_model(
        parts.SPACE,
        embed=parts.embedding(tokenizer),
        positions=parts.SPACE["pos"],
        unembed=parts.unembedding(tokenizer),
        heads=[[head for _, head in layer] for layer in HEADS],
        d_head=parts.D_HEAD,
        d_model=parts.D_MODEL,
        rng=generator("known-circuit"),
    )


def circuit() -> dict:
    """What circuit.json says."""
    places = {role: [layer, i] for layer, row in enumerate(HEADS) for i, (role, _) in enumerate(row)}
    return {
        "algorithm": "s-inhibition",
        "heads": [{"head": places[role], "role": role, "position": at} for role, at in AT.items()],
        "edges": [
            {"sender": places[sender], "receiver": places.get(receiver, receiver), "input": part, "position": at}
            for sender, receiver, part, at in EDGES
        ],
        "other_heads": [
            {"head": [layer, i], "role": role}
            for layer, row in enumerate(HEADS)
            for i, (role, _) in enumerate(row)
            if role not in AT
        ],
    }


def as_json(truth: dict) -> str:
    """One head or edge a line."""
    lists = {key: value for key, value in truth.items() if isinstance(value, list)}
    lines = [f' "{key}": {json.dumps(value)}' for key, value in truth.items() if key not in lists]
    for key, rows in lists.items():
        body = ",\n".join(f"  {json.dumps(row)}" for row in rows)
        lines.append(f' "{key}": [\n{body}\n ]')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, help="the folder to write (default: this one)")
    args = parser.parse_args()
    tokenizer = load_tokenizer("ioi-a")
    write_model(build(tokenizer), tokenizer.fast, args.out)
    (args.out / "circuit.json").write_text(as_json(circuit()), encoding="utf-8")


if __name__ == "__main__":
    main()
