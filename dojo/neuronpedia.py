"""Features on Neuronpedia: their JSON by one GET, and the addresses of their pages. Nothing here runs unless it is called.

A feature is named by a model ("gpt2-small"), a source, which is an autoencoder ("8-res-jb"), and an index. Reading needs no key.
"""

from __future__ import annotations

import html
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

ADDRESS = "https://www.neuronpedia.org"
LARGEST = 16 * 2**20  # a page is well below a megabyte


class NeuronpediaError(Exception):
    """A feature cannot be had from Neuronpedia. `str()` says which, why, and what to do."""


def page_url(model: str, source: str, index: int | str) -> str:
    """Where people read about a feature."""
    return f"{ADDRESS}/{_path(model, source, index)}"


def embed_url(model: str, source: str, index: int | str) -> str:
    """The same page without the site around it, for an iframe."""
    return f"{page_url(model, source, index)}?embed=true"


def embedded(model: str, source: str, index: int | str, height: int = 600) -> Any:
    """The feature's page inside a notebook, and a link to it. Showing this asks Neuronpedia for the page."""
    from dojo.show import Html

    link = f'<a href="{html.escape(page_url(model, source, index))}">{html.escape(f"{model} / {source} / {index}")}</a>'
    frame = (
        f'<iframe src="{html.escape(embed_url(model, source, index))}" title="feature {html.escape(str(index))} on Neuronpedia" '
        f'style="width: 100%; height: {int(height)}px; border: 1px solid rgba(128, 132, 140, 0.4)"></iframe>'
    )
    return Html(f"<div>On Neuronpedia: {link}</div>{frame}", f"[on Neuronpedia: {page_url(model, source, index)}]")


def fetch_feature(model: str, source: str, index: int | str, timeout: float = 15) -> dict:
    """What Neuronpedia's API says of a feature, as parsed JSON; chapter 5's `parse_neuronpedia` reads it.

    Args:
        timeout: seconds that all of it may take; connecting alone may take as long again.

    Raises:
        NeuronpediaError: there is no network, no answer in time, no such feature, or the answer is not a feature's JSON.
    """
    what = f"{model} / {source} / {index}"
    request = urllib.request.Request(
        f"{ADDRESS}/api/feature/{_path(model, source, index)}",
        headers={"Accept": "application/json", "User-Agent": "mechinterp-dojo"},
    )
    deadline = time.monotonic() + timeout
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            body = _read(answer, deadline)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 404:
                raise NeuronpediaError(_unknown(what)) from None
            raise NeuronpediaError(
                f"Neuronpedia refused {what} (HTTP {error.code}): wait a minute, then try again."
            ) from None
    except TimeoutError:
        raise NeuronpediaError(
            f"Neuronpedia did not answer within {timeout:g} s for {what}: try again later."
        ) from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise NeuronpediaError(
                f"Neuronpedia did not answer within {timeout:g} s for {what}: try again later."
            ) from None
        raise NeuronpediaError(
            f"Neuronpedia cannot be reached ({error.reason}): connect to the network, or leave the switch at None."
        ) from None
    except Exception as error:  # a broken connection raises what http.client and the socket please
        raise NeuronpediaError(f"The answer about {what} broke off ({type(error).__name__}): try again.") from None
    try:
        found = json.loads(body)
    except ValueError:
        raise NeuronpediaError(f"Neuronpedia's answer about {what} is not JSON: try again later.") from None
    if found is None:
        raise NeuronpediaError(_unknown(what))
    if not isinstance(found, dict):
        raise NeuronpediaError(f"Neuronpedia's answer about {what} is not a feature: try again later.")
    if "modelId" not in found:
        raise NeuronpediaError(f"{_unknown(what)} It says: {str(found.get('error') or found.get('message'))[:200]}")
    return found


def _read(answer: Any, deadline: float) -> bytes:
    """The whole body; TimeoutError where it drips on past the deadline."""
    parts, size = [], 0
    while part := answer.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise ValueError("too large")
        if time.monotonic() > deadline:
            raise TimeoutError
    if answer.length:  # so many bytes were announced and did not come
        raise ValueError("cut short")
    return b"".join(parts)


def _path(model: str, source: str, index: int | str) -> str:
    return "/".join(urllib.parse.quote(str(part), safe="") for part in (model, source, index))


def _unknown(what: str) -> str:
    return f"Neuronpedia has no feature {what}: look up the names of model and source on {ADDRESS}."
