"""What a cheat that speaks the wire's own protocol needs; put into its process as the module `wire_tools`."""

import os
import socket
import stat
import struct

from msgspec import msgpack

OPENED = {}


def ext(code, data):
    return msgpack.Ext(code, data)


def sockets():
    """Every socket among the inherited descriptors: the one to the judge."""
    for fd in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode) and fd not in OPENED:
                OPENED[fd] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fd)
        except OSError:
            continue
    return list(OPENED.values())


def frame(body):
    return struct.pack(">I", len(body)) + body


def reply(value, kind="value"):
    """A reply as the worker's own half of the wire would write it, as far as that can write it."""
    from dojo.grading import wire

    try:
        return wire.encode(["reply", kind, value, []], lambda v: wire.Handle(0, "x", "object"), lambda v: None)
    except wire.WireError:
        return msgpack.encode(["reply", kind, value, []])
