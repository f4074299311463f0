#!/usr/bin/env python3
"""The order on the real binary: strace_test.py CITRON DIR OFFSET.

Runs the demo under strace, delivers by LMTP and appends by IMAP, and checks
that between the last byte of each message read and the acknowledgement written
the server synced a file.
"""
import imaplib, re, signal, smtplib, subprocess, sys, time, os

citron, data, offset = sys.argv[1], sys.argv[2], int(sys.argv[3])
trace = data + ".strace"
server = subprocess.Popen(
    ["strace", "-f", "-qq", "-s", "70000", "-e", "trace=read,recvfrom,recvmsg,readv,write,writev,sendto,sendmsg,fsync,fdatasync",
     "-o", trace, citron, "demo", "--data", data, "--listen-offset", str(offset)],
    stdout=subprocess.PIPE, text=True)
while server.stdout.readline().strip() != "ready":
    assert server.poll() is None, "the demo ended"
with smtplib.LMTP("127.0.0.1", 1024 + offset) as s:
    s.sendmail("bob@example.org", ["alice@example.org"], b"Subject: small\r\n\r\nend-of-small\r\n")
    s.sendmail("bob@example.org", ["alice@example.org"], b"Subject: large\r\n\r\n" + b"x" * 70 + b"\r\n" * 20000 + b"end-of-large\r\n")
c = imaplib.IMAP4("127.0.0.1", 1143 + offset)
c.login("alice@example.org", "lemonade")
c.append("INBOX", None, None, b"Subject: appended\r\n\r\nend-of-append\r\n")
c.logout()
server.send_signal(signal.SIGINT)
subprocess.call(["pkill", "-INT", "-f", f"{citron} demo --data {data} "])
server.wait(30)

lines = open(trace, errors="replace").read().splitlines()


def order(ends, answer):
    start = next(i for i, l in enumerate(lines) if ends in l)
    reply = next(i for i in range(start, len(lines)) if re.search(answer, lines[i]) and re.search(r"(write|writev|sendto|sendmsg)\(", lines[i]))
    synced = [l for l in lines[start:reply] if re.search(r"(fsync|fdatasync)(\(| resumed).*= 0", l)]
    assert synced, f"{answer!r} was said before any sync after {ends!r}"
    print(f"{ends}: {len(synced)} syncs before the answer")


order("end-of-small", r'"250 2')
order("end-of-large", r'"250 2')
order("end-of-append", r"APPENDUID")
