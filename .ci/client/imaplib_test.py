#!/usr/bin/env python3
"""Python's imaplib against a running demo: imaplib_test.py PORT LMTP-PORT MBOX.

The mbox was imported into alice's Archive; every message must come back byte
for byte, and flags, moves, deletes and new mail by IDLE must work both ways.
"""
import imaplib, mailbox, os, smtplib, ssl, sys, threading, time

port, lmtp, mbox = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
imaplib._MAXLINE = 10_000_000


def login(user="alice@example.org"):
    c = imaplib.IMAP4("127.0.0.1", port)
    c.starttls(context)
    c.login(user, "lemonade")
    return c


def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def texts(name):
    """The messages as the mbox holds them, with CRLF."""
    data = open(name, "rb").read()
    for part in data[5:].split(b"\n\nFrom "):
        body = part.split(b"\n", 1)[1]
        if not body.endswith(b"\n"):
            body += b"\n"
        lines = [l[1:] if l.startswith(b">") and l.lstrip(b">").startswith(b"From ") else l for l in body.split(b"\n")]
        yield b"\r\n".join(lines)


def check_bytes(c):
    want = list(texts(mbox))
    have = int(ok(c.select("Archive"))[0])
    assert have == len(want), (have, len(want))
    for start in range(1, have + 1, 500):
        got = [r[1] for r in ok(c.fetch(f"{start}:{min(have, start + 499)}", "(BODY.PEEK[])")) if isinstance(r, tuple)]
        for i, text in enumerate(got):
            expect = want[start + i - 1]
            assert text.rstrip(b"\r\n") == expect.rstrip(b"\r\n"), (start + i, text[:200], expect[:200])
    print(f"{have} messages byte for byte")


def check_flags(a, b):
    a.select("Archive"); b.select("Archive")
    ok(a.store("1:3", "+FLAGS", r"(\Flagged $Work)"))
    b.noop()
    flags = ok(b.fetch("1:4", "(FLAGS)"))
    assert all(any(f.startswith(n + b" (FLAGS") and rb"\Flagged" in f and b"$Work" in f for f in flags) for n in (b"1", b"2", b"3")), flags
    found = ok(b.search(None, "KEYWORD", "$Work"))
    assert found == [b"1 2 3"], found
    ok(b.store("1:3", "-FLAGS", r"(\Flagged $Work)"))
    print("flags both ways")


def check_move(a, b):
    ok(a.create("Moved")); a.select("Archive"); b.select("Archive")
    before = int(ok(b.select("Archive"))[0])
    a._simple_command("MOVE", "1:2", "Moved")
    a.untagged_responses.clear()
    ok(b.noop())
    b.select("Archive")
    assert int(ok(b.select("Archive"))[0]) == before - 2
    assert int(ok(a.select("Moved"))[0]) == 2
    ok(a.store("1:2", "+FLAGS", r"(\Deleted)")); ok(a.expunge()); ok(a.close())
    ok(a.delete("Moved"))
    print("move, expunge, delete")


def check_idle(c):
    c.select("INBOX")
    tag = c._new_tag()
    c.send(tag + b" IDLE\r\n")
    line = c.readline()
    assert line.startswith(b"+"), line
    threading.Thread(target=deliver).start()
    while b"EXISTS" not in line:
        line = c.readline()
    c.send(b"DONE\r\n")
    while not line.startswith(tag):
        line = c.readline()
    assert b"OK" in line, line
    print("new mail by IDLE")


def deliver():
    with smtplib.LMTP("127.0.0.1", lmtp) as s:
        s.sendmail("bob@example.org", ["alice@example.org"], b"Subject: idle\r\n\r\nhello\r\n")


def check_search(c):
    c.select("Archive")
    assert ok(c.search(None, "ALL"))[0]
    assert ok(c.uid("SEARCH", "SUBJECT", '"uploaded"'))[0]
    data = ok(c.fetch("1:5", "(UID FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])"))
    assert len(data) >= 5
    print("search and fetch")


a, b = login(), login()
check_bytes(a); check_flags(a, b); check_move(a, b); check_idle(a); check_search(a)
a.logout(); b.logout()
