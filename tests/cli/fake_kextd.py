#!/usr/bin/env python3
"""A kextd that answers what a test wants: argument 1 is a file of Python literals, a dictionary
from predicate to answer (an integer: the error number). Serves in $KEXT_RUNDIR until it is
killed; the protocol is that of kext-protocol(7)."""
import ast
import os
import plistlib
import socket
import struct
import sys
import threading

ANSWERS = ast.literal_eval(open(sys.argv[1]).read())


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            return None
        data += more
    return data


def send(connection, kind, number, body):
    data = plistlib.dumps(body, fmt=plistlib.FMT_BINARY)
    connection.sendall(b"KXFR" + struct.pack("<HHQII", 1, kind, number, 0, len(data)) + data)


def serve(connection):
    send(connection, 1, 0, {"Instance": "user", "Owner": os.getuid(), "Process": os.getpid()})
    while header := receive(connection, 24):
        _, _, number, _, size = struct.unpack("<HHQII", header[4:])
        request = plistlib.loads(receive(connection, size))
        answer = ANSWERS.get(request["Kext Request Predicate"], 10005)
        reply = {"Kext Request Result Code": 0, "Error Number": 0, "Diagnostics": []}
        if isinstance(answer, int):
            reply["Error Number"] = answer
        else:
            reply["Answer"] = answer
        send(connection, 3, number, reply)


folder = os.environ["KEXT_RUNDIR"]
os.makedirs(folder, 0o700, exist_ok=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind(folder + "/kextd.socket")
listener.listen()
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
