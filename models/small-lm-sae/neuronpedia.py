"""Write one feature of small-lm-sae in the shape in which Neuronpedia's API gives a feature:

    python models/small-lm-sae/neuronpedia.py           neuronpedia.json, in seconds

Neuronpedia knows nothing of our model: the numbers are computed here, on held-out text, and the explanation is ours. Keys,
types and nesting are those of GET /api/feature/{model}/{source}/{index}; the key "madeBy" is not, it says so in the file itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import dojo  # noqa: E402
from dojo.models import sae_path  # noqa: E402
from solutions import sparse_autoencoders as chapter  # noqa: E402

MODEL, SITE, SOURCE, SET = "small-lm", "blocks.3.hook_resid_pre", "3-res-dojo", "res-dojo"
FEATURE = 724
EXPLANATION = "the first part of a word that goes on with -ion or -ive: attent, discret, express"
CONTEXT, ROWS = 128, 128  # tokens a row, rows a voice
BEFORE, AFTER = 20, 8  # tokens of an example around its maximum


def rows(tokenizer) -> Tensor:
    """Held-out text of the three voices, int64 [3 * ROWS, CONTEXT]."""
    parts = []
    for voice in ("austen", "bible", "shakespeare"):
        tokens = tokenizer.encode(dojo.load_text(f"{voice}-held-out")[:120_000])[0]
        parts.append(tokens[: len(tokens) // CONTEXT * CONTEXT].view(-1, CONTEXT)[:ROWS])
    return torch.cat(parts)


def histogram(values: Tensor, bars: int) -> tuple[list, list]:
    """Heights, and the middle of each bar."""
    low, high = values.min().item(), values.max().item()
    width = (high - low) / bars
    return values.histc(bars, low, high).tolist(), numbers([low + (i + 0.5) * width for i in range(bars)])


def numbers(values) -> list[float]:
    return [round(float(value), 4) for value in values]


@torch.no_grad()
def response(index: int, explanation: str) -> dict:
    model, tokenizer = dojo.load_model(MODEL), dojo.load_tokenizer(MODEL)
    sae, tokens = chapter.from_saelens(sae_path("small-lm-sae")), rows(tokenizer)
    x = chapter.collect_activations(model, tokens, SITE, rows=32)
    f = torch.cat([sae.encode(part)[..., index] for part in x.split(32)])
    logits = chapter.feature_logits(model, sae.W_dec[index])
    name = {"modelId": MODEL, "layer": SOURCE, "index": str(index)}
    activations = []
    for row, place, largest in sorted(chapter.top_activating_examples(f, 12)):
        part = slice(max(0, place - BEFORE), place + AFTER)
        values = f[row, part]
        activations.append(
            {"id": f"{row}-{place}", "tokens": [tokenizer.decode([t]) for t in tokens[row, part].tolist()]}
            | {"values": numbers(values), "maxValue": round(largest, 4), "maxValueTokenIndex": int(values.argmax())}
            | {"minValue": round(values.min().item(), 4), "dataIndex": None, "dataSource": None}
            | name
        )
    high, low = logits.topk(10), (-logits).topk(10)
    frequencies, logit_bars = histogram(f[f > 0], 30), histogram(logits, 40)
    return name | {
        "madeBy": "models/small-lm-sae/neuronpedia.py, in the format of Neuronpedia's API; it does not come from Neuronpedia.",
        "sourceSetName": SET,
        "hookName": SITE,
        "maxActApprox": round(f.max().item(), 4),
        "frac_nonzero": round(chapter.feature_density(f[..., None]).item(), 6),
        "hasVector": False,
        "vector": [],
        "pos_str": [tokenizer.decode([t]) for t in high.indices.tolist()],
        "pos_values": numbers(high.values),
        "neg_str": [tokenizer.decode([t]) for t in low.indices.tolist()],
        "neg_values": numbers(-low.values),
        "freq_hist_data_bar_heights": frequencies[0],
        "freq_hist_data_bar_values": frequencies[1],
        "logits_hist_data_bar_heights": logit_bars[0],
        "logits_hist_data_bar_values": logit_bars[1],
        "explanations": [
            {"id": "ours", "description": explanation, "typeName": None, "explanationModelName": None, "scores": []}
            | name
        ],
        "activations": activations,
        "comments": [],
        "lists": [],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feature", type=int, default=FEATURE)
    parser.add_argument("--explanation", default=EXPLANATION, help="say what the feature means, if it is another one")
    parser.add_argument("--out", type=Path, default=HERE / "neuronpedia.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    page = response(options.feature, options.explanation)
    options.out.write_text(json.dumps(page, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    parsed = chapter.parse_neuronpedia(page)
    print(f"{options.out}: active on {parsed.density:.2%} of the tokens, at most {parsed.max_activation:.2f}")


if __name__ == "__main__":
    main()
