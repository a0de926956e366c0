# attacks: the reader of a verdict, by errors without end
# expect: failed stopped error
# says: not defined|could not be read
from wire_tools import frame, reply, sockets

for sock in sockets():
    sock.sendall(frame(reply({"errors": [["cell", {"type": "E" * 200, "text": "x"}]] * 20_000, "names": []})))
