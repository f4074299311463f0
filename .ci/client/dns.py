#!/usr/bin/env python3
"""A DNS server of one zone file's worth, for the other scripts: dns.py PORT NAME TYPE VALUE...

Types are A, MX (preference,host) and TXT. Any other name does not exist."""
import socket, struct, sys

port, rest = int(sys.argv[1]), sys.argv[2:]
TYPES = {"A": 1, "MX": 15, "TXT": 16}


def encode(name):
    return b"".join(bytes([len(l)]) + l.encode() for l in name.rstrip(".").split(".")) + b"\0"


def rdata(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "MX":
        preference, host = value.split(",")
        return struct.pack("!H", int(preference)) + encode(host)
    return bytes([len(value)]) + value.encode()


zone = {}
for i in range(0, len(rest), 3):
    name, kind, value = rest[i:i + 3]
    zone.setdefault(name.lower(), []).append((TYPES[kind], rdata(kind, value)))


def answer(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    question, kind = query[12:at + 5], struct.unpack("!H", query[at + 1:at + 3])[0]
    known = zone.get(".".join(labels))
    found = [r for r in known or [] if r[0] == kind]
    flags = 0x8580 | (0 if known is not None else 3)
    out = query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question
    for code, data in found:
        out += b"\xc0\x0c" + struct.pack("!HHIH", code, 1, 60, len(data)) + data
    return out


s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", port))
print("ready", flush=True)
while True:
    query, peer = s.recvfrom(4096)
    s.sendto(answer(query), peer)
