#!/usr/bin/env python3
"""Every message of a corpus through the real server: corpus_test.py CITRON DATA IMAP-PORT LMTP-PORT CORPUS.

Each goes in by LMTP (BDAT, so that no client changes a byte) to bob and by
import to alice, with bare LF made CRLF first, and comes back byte for byte.
"""
import glob, os, re, socket, subprocess, sys, tempfile

citron, data, imap, lmtp, corpus = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
files = sorted(f for f in glob.glob(corpus + "/**/*", recursive=True) if f.endswith(".eml") and os.path.getsize(f))
texts = [re.sub(rb"(?<!\r)\n", b"\r\n", open(f, "rb").read()) for f in files]
assert len(texts) > 100, f"only {len(texts)} messages in {corpus}"


class Line:
    def __init__(self, port):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.f = self.s.makefile("rb")

    def reply(self):
        while True:
            line = self.f.readline()
            if line[3:4] != b"-":
                return line

    def say(self, octets, want=b"2"):
        self.s.sendall(octets)
        got = self.reply()
        assert got.startswith(want), (octets[:60], got)


def deliver():
    c = Line(lmtp)
    assert c.reply().startswith(b"220")
    c.say(b"LHLO client.example\r\n")
    for text in texts:
        c.say(b"MAIL FROM:<> BODY=BINARYMIME SMTPUTF8\r\n")
        c.say(b"RCPT TO:<bob@example.org>\r\n")
        c.say(b"BDAT %d LAST\r\n" % len(text) + text)
    c.say(b"QUIT\r\n")


def fetch(user, mailbox):
    """The messages as they are stored, in the order of their UIDs."""
    c = Line(imap)
    c.f.readline()

    def command(line):
        c.s.sendall(b"a " + line + b"\r\n")
        while True:
            got = c.f.readline()
            if m := re.search(rb"~?\{(\d+)\}\r\n$", got):
                yield c.f.read(int(m[1]))
            elif got.startswith(b"a "):
                assert got.startswith(b"a OK"), (line, got)
                return

    list(command(b"LOGIN %s lemonade" % user))
    list(command(b"ENABLE UTF8=ACCEPT"))
    list(command(b"EXAMINE %s" % mailbox))
    return list(command(b"FETCH 1:* (BINARY.PEEK[])"))


before = len(fetch(b"bob@example.org", b"INBOX"))
deliver()
got = fetch(b"bob@example.org", b"INBOX")[before:]
assert len(got) == len(texts), (len(got), len(texts))
for name, want, have in zip(files, texts, got):
    assert have.startswith(b"Return-Path: <>\r\n") and have.endswith(want), (name, have[:300], want[:200])
print(f"{len(texts)} messages of the corpus by LMTP, byte for byte")

with tempfile.TemporaryDirectory() as tmp:
    names = []
    for i, text in enumerate(texts):
        names.append(f"{tmp}/{i:04}.eml")
        open(names[-1], "wb").write(text)
    subprocess.run([citron, "import", "--data", data, "--mailbox", "Junk", "alice@example.org", *names], check=True)
got = fetch(b"alice@example.org", b"Junk")
assert len(got) == len(texts), (len(got), len(texts))
for name, want, have in zip(files, texts, got):
    assert have == want, (name, have[:300], want[:300])
print(f"{len(texts)} messages of the corpus by import, byte for byte")
