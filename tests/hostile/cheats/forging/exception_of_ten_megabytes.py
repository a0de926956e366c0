# attacks: the reader of a verdict, by a line number that is a book
# expect: failed stopped
from wire_tools import frame, reply, sockets


def attention_pattern(q, k):
    book = "x" * 10_000_000
    info = {"type": book, "text": book[:100], "mro": [], "frames": [{"line": book, "function": book[:100], "file": ""}]}
    for sock in sockets():
        sock.sendall(frame(reply(info, kind="error")))
