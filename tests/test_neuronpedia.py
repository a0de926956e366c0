"""Asking Neuronpedia for a feature, against a server on this machine: no test goes to the network."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dojo import neuronpedia
from dojo.neuronpedia import NeuronpediaError, embed_url, embedded, fetch_feature, page_url

PAGE = {"modelId": "gpt2-small", "layer": "8-res-jb", "index": "7", "pos_str": ["é"]}


class Handler(BaseHTTPRequestHandler):
    """Answers by the feature's index."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        status, body = 200, json.dumps(PAGE, ensure_ascii=False).encode()
        match self.path.rpartition("/")[2]:
            case "404":
                status, body = 404, b"no such page"
            case "429":
                status, body = 429, b""
            case "null":
                body = b"null"
            case "list":
                body = b"[1]"
            case "error":
                body = b'{"error": "Feature Not Found"}'
            case "html":
                body = b"<html>hello</html>"
            case "bytes":
                body = b"\xff\xfe{"
            case "large":
                body = b" " * 4000
            case "slow":
                time.sleep(1.5)
            case "drip":
                self.send_response(200)
                self.end_headers()
                for _ in range(20):
                    self.wfile.write(b" ")
                    self.wfile.flush()
                    time.sleep(0.1)
                return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (100 if self.path.endswith("short") else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

    def handle(self):
        with contextlib.suppress(OSError):  # the client has hung up
            super().handle()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(Handler, "asked", [], raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    monkeypatch.setattr(neuronpedia, "ADDRESS", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield Handler
    server.shutdown()
    server.server_close()


def test_a_feature(server):
    assert fetch_feature("gpt2-small", "8-res-jb", 7) == PAGE
    assert server.asked == ["/api/feature/gpt2-small/8-res-jb/7"]


def test_odd_names_stay_one_part_of_the_path(server):
    fetch_feature("a/b", "c?d", "7")
    assert server.asked == ["/api/feature/a%2Fb/c%3Fd/7"]


@pytest.mark.parametrize(
    "index, said",
    [
        ("404", "has no feature gpt2-small / 8-res-jb / 404"),
        ("429", "HTTP 429"),
        ("null", "has no feature"),
        ("list", "is not a feature"),
        ("error", "Feature Not Found"),
        ("html", "is not JSON"),
        ("bytes", "is not JSON"),
        ("short", "broke off"),
        ("large", "broke off"),
    ],
)
def test_answers_that_are_no_feature(server, monkeypatch, index, said):
    monkeypatch.setattr(neuronpedia, "LARGEST", 1000)
    with pytest.raises(NeuronpediaError, match=said) as raised:
        fetch_feature("gpt2-small", "8-res-jb", index)
    assert "\n" not in str(raised.value) and "Traceback" not in str(raised.value)


@pytest.mark.parametrize("index", ["slow", "drip"])
def test_no_answer_in_time(server, index):
    start = time.monotonic()
    with pytest.raises(NeuronpediaError, match="did not answer within"):
        fetch_feature("gpt2-small", "8-res-jb", index, timeout=0.3)
    assert time.monotonic() - start < 1.2


def test_no_network(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(neuronpedia, "ADDRESS", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(NeuronpediaError, match=r"cannot be reached .*: connect to the network"):
        fetch_feature("gpt2-small", "8-res-jb", 7, timeout=2)


def test_addresses():
    assert page_url("gpt2-small", "8-res-jb", 7) == "https://www.neuronpedia.org/gpt2-small/8-res-jb/7"
    assert embed_url("gpt2-small", "8-res-jb", 7) == "https://www.neuronpedia.org/gpt2-small/8-res-jb/7?embed=true"


def test_a_page_in_a_notebook_is_made_without_asking_anyone(server):
    shown = embedded('"><script>', "8-res-jb", 7)
    assert "<script>" not in shown.source and "iframe" in shown.source and not server.asked
