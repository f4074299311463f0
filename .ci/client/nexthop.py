#!/usr/bin/env python3
"""What nexthop_test sends, and what Postfix must have in its Maildir:

    nexthop.py PORT MODE            submits a message with 8-bit text and dots
    nexthop.py unknown PORT MODE    submits one to a recipient that is unknown there
    nexthop.py check MODE DIR       finds the first, byte for byte
    nexthop.py report PORT TEXT...  whether a report at alice's has all these lines"""
import imaplib, os, smtplib, ssl, sys

context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
ALICE = "alice@example.org"


def body(mode):
    lines = [f"Grüße, {mode}", ".", "..", ". dot", "x" * 990] + [f"line {i}" for i in range(20000)]
    return "\r\n".join(lines + [""]).encode()


def header(mode, to):
    return (f"From: {ALICE}\r\nTo: {to}\r\nSubject: next hop {mode}\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").encode()


def send(port, mode, to, mail_options, rcpt_options):
    with smtplib.SMTP("127.0.0.1", port) as s:
        s.starttls(context=context)
        s.login(ALICE, "lemonade")
        s.sendmail(ALICE, [to], header(mode, to) + body(mode), mail_options, rcpt_options)


def check(mode, directory):
    want = body(mode).replace(b"\r\n", b"\n")
    found = 0
    for name in os.listdir(directory):
        with open(os.path.join(directory, name), "rb") as f:
            head, _, text = f.read().partition(b"\n\n")
        if f"Subject: next hop {mode}".encode() in head:
            assert text == want, (len(text), len(want))
            found += 1
    assert found == 1, f"{found} messages of {mode}"


def report(port, wanted):
    c = imaplib.IMAP4("127.0.0.1", port)
    c.starttls(context)
    c.login(ALICE, "lemonade")
    c.select("INBOX", readonly=True)
    texts = [r[1].decode("utf-8", "replace") for r in c.fetch("1:*", "(BODY.PEEK[])")[1] if isinstance(r, tuple)]
    c.logout()
    sys.exit(not any("multipart/report" in t and all(w in t.split("\r\n") for w in wanted) for t in texts))


if sys.argv[1] == "report":
    report(int(sys.argv[2]), sys.argv[3:])
elif sys.argv[1] == "check":
    check(*sys.argv[2:])
elif sys.argv[1] == "unknown":
    mode = sys.argv[3]
    send(int(sys.argv[2]), "unknown", f"nobody.{mode}@example.net", [], [])
else:
    mode = sys.argv[2]
    send(int(sys.argv[1]), mode, "carol@example.net", ["BODY=8BITMIME", "RET=HDRS", f"ENVID=q+2B{mode}"],
         ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;carol@example.net"])
