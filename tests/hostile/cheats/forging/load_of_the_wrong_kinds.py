# attacks: the judge, by an answer to `load` whose parts are of kinds that it does not expect
# expect: failed stopped error
from wire_tools import frame, reply, sockets

for sock in sockets():
    sock.sendall(frame(reply({"errors": [7, [1, 2], ["x", {"mro": 3}]], "names": 5})))
