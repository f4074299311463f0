#!/usr/bin/env python3
"""COMPRESS=DEFLATE (RFC 4978) with zlib itself as the peer: compress_test.py PORT LMTP-PORT.

zlib flushes in three ways, and clients use all of them: each must have the
server answer at once. alice's Archive was imported before.
"""
import imaplib, os, smtplib, ssl, sys, threading, zlib

port, lmtp = int(sys.argv[1]), int(sys.argv[2])
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
imaplib._MAXLINE = 10_000_000


class Compressed(imaplib.IMAP4):
    """An IMAP4 that compresses from compress() on."""
    packer = None

    def compress(self, flush, level=6, window=-15):
        status, data = self._simple_command("COMPRESS", "DEFLATE")
        assert status == "OK", data
        self.packer, self.flush = zlib.compressobj(level, zlib.DEFLATED, window), flush
        self.unpacker, self.have = zlib.decompressobj(-15), b""
        self.came = self.plain = 0

    def send(self, data):
        if self.packer:
            data = self.packer.compress(data) + self.packer.flush(self.flush)
        super().send(data)

    def more(self):
        packed = self.sock.recv(65536)
        if not packed:
            raise self.abort("the server has closed")
        text = self.unpacker.decompress(packed)
        self.came, self.plain, self.have = self.came + len(packed), self.plain + len(text), self.have + text

    def read(self, size):
        if not self.packer:
            return super().read(size)
        while len(self.have) < size:
            self.more()
        text, self.have = self.have[:size], self.have[size:]
        return text

    def readline(self):
        if not self.packer:
            return super().readline()
        while b"\n" not in self.have:
            self.more()
        line, _, self.have = self.have.partition(b"\n")
        return line + b"\n"


imaplib.Commands["COMPRESS"] = ("AUTH", "SELECTED")


def connect(flush, **how):
    c = Compressed("127.0.0.1", port)
    c.sock.settimeout(20)
    c.starttls(context)
    c.login("alice@example.org", "lemonade")
    assert "COMPRESS=DEFLATE" in ok(c.capability())[0].decode().split()
    c.compress(flush, **how)
    return c


def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def check(name, flush, **how):
    c = connect(flush, **how)
    have = int(ok(c.select("Archive"))[0])
    envelopes = ok(c.fetch(f"1:{min(have, 1000)}", "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"))
    assert len(envelopes) >= min(have, 1000), len(envelopes)
    assert c.came * 4 <= c.plain, f"{c.came} bytes for {c.plain}"
    share = c.came / c.plain
    for size in (1, 1000, 2_000_000):
        text = b"Subject: compressed\r\n\r\n" + (os.urandom(size // 2).hex().encode() + b"\r\n")
        ok(c.append("Compressed", None, None, text))
        ok(c.select("Compressed"))
        assert ok(c.fetch("*", "(BODY.PEEK[])"))[0][1] == text, size
    idle(c)
    again(c)
    c.logout()
    print(f"COMPRESS, {name}: {share:.3f} of the bytes of {min(have, 1000)} envelopes")


def again(c):
    """COMPRESS a second time is refused."""
    tag = c._new_tag()
    c.send(tag + b" COMPRESS DEFLATE\r\n")
    line = c.readline()
    assert line.startswith(tag + b" BAD [COMPRESSIONACTIVE]"), line


def idle(c):
    ok(c.select("INBOX"))
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


def deliver():
    with smtplib.LMTP("127.0.0.1", lmtp) as s:
        s.sendmail("bob@example.org", ["alice@example.org"], b"Subject: idle\r\n\r\nhello\r\n")


def check_broken():
    """What is not compressed gets BYE, and so does a bomb."""
    c = connect(zlib.Z_SYNC_FLUSH)
    imaplib.IMAP4.send(c, b"a NOOP\r\n")
    assert c.readline().startswith(b"* BYE"), "plain text is taken"
    c = connect(zlib.Z_SYNC_FLUSH, level=9)
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(b"a APPEND Compressed {104857000+}\r\n" + bytes(104857000) + b"\r\n")
    try:
        for _ in range(20):
            imaplib.IMAP4.send(c, packed + bomb.flush(zlib.Z_SYNC_FLUSH))
            packed = bomb.compress(b"a APPEND Compressed {104857000+}\r\n" + bytes(104857000) + b"\r\n")
        line = c.readline()
        while not line.startswith(b"* BYE"):
            line = c.readline()
    except OSError:
        pass  # cut while we were sending
    print("COMPRESS: plain text and a bomb are cut")


c = imaplib.IMAP4("127.0.0.1", port)
c.login("alice@example.org", "lemonade")
c.create("Compressed")
check("partial flush", zlib.Z_PARTIAL_FLUSH)
check("sync flush", zlib.Z_SYNC_FLUSH)
check("full flush", zlib.Z_FULL_FLUSH)
check("fast, small window", zlib.Z_SYNC_FLUSH, level=1, window=-9)
check("stored", zlib.Z_PARTIAL_FLUSH, level=0)
check_broken()
ok(c.delete("Compressed"))
c.logout()
