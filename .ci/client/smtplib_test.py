#!/usr/bin/env python3
"""Python's smtplib submits to a running demo, and imaplib sees what arrives:
smtplib_test.py SUBMISSION-PORT IMAP-PORT."""
import email, email.policy, imaplib, os, smtplib, ssl, sys, time
from email.message import EmailMessage

submission, imap = int(sys.argv[1]), int(sys.argv[2])
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
imaplib._MAXLINE = 50_000_000
ALICE, BOB = "alice@example.org", "bob@example.org"
run = os.urandom(6).hex()


def connect(login=True):
    s = smtplib.SMTP("127.0.0.1", submission)
    s.starttls(context=context)
    s.ehlo()
    if login:
        s.login(ALICE, "lemonade")
    return s


def mail(subject, body="hello\r\n", to=BOB, **fields):
    m = EmailMessage(policy=email.policy.SMTP)
    m["From"], m["To"], m["Subject"] = ALICE, to, f"{subject} {run}"
    for name, value in fields.items():
        m[name.replace("_", "-")] = value
    m.set_content(body)
    return m


def arrived(user, *criteria):
    """The one message that a search finds, once it is there."""
    c = imaplib.IMAP4("127.0.0.1", imap)
    c.starttls(context)
    c.login(user, "lemonade")
    c.select("INBOX")
    for _ in range(600):
        found = c.search(None, *criteria[:-1], f'"{criteria[-1]}"')[1][0].split()
        if found:
            break
        c.noop()
        time.sleep(0.05)
    assert len(found) == 1, (user, criteria, found)
    text = c.fetch(found[0], "(BODY.PEEK[])")[1][0][1]
    c.logout()
    return text


def refused(code, fn):
    try:
        fn()
    except smtplib.SMTPResponseException as e:
        assert e.smtp_code == code, e
        return e.smtp_error
    except smtplib.SMTPRecipientsRefused as e:
        (got, text), = e.recipients.values()
        assert got == code, (got, text)
        return text
    raise AssertionError(f"accepted, {code} expected")


def check_offer():
    s = connect(False)
    for keyword in ("8bitmime", "auth", "binarymime", "burl", "chunking", "dsn", "enhancedstatuscodes", "pipelining", "size", "smtputf8"):
        assert s.has_extn(keyword), (keyword, s.esmtp_features)
    assert not s.has_extn("starttls"), "STARTTLS offered under TLS"
    refused(530, lambda: s.sendmail(ALICE, [BOB], b"Subject: x\r\n\r\n"))
    refused(535, lambda: s.login(ALICE, "wrong"))
    s.quit()
    print("offer, 530 before AUTH, 535 for a wrong password")


def check_attachment():
    m = mail("attachment", Message_ID=f"<{run}.attachment@example.org>")
    octets = os.urandom(300_000)
    m.add_attachment(octets, maintype="application", subtype="octet-stream", filename="bild.bin")
    sent = m.as_bytes()
    with connect() as s:
        s.sendmail(ALICE, [BOB], sent)
    text = arrived(BOB, "SUBJECT", f"attachment {run}")
    assert text.endswith(sent.split(b"\r\n\r\n", 1)[1]), "the body is another one"
    got = email.message_from_bytes(text, policy=email.policy.default)
    assert next(got.iter_attachments()).get_content() == octets
    assert got["Message-ID"] == m["Message-ID"] and got["Date"], got.keys()
    assert got["Return-Path"] == f"<{ALICE}>", got["Return-Path"]
    assert any("with ESMTPSA" in r for r in got.get_all("Received")), got.get_all("Received")
    print("attachment byte for byte, Date added, Return-Path, Received")


def check_bcc():
    m = mail("hidden")
    with connect() as s:
        s.sendmail(ALICE, [BOB, ALICE], m.as_bytes().replace(b"Subject:", b"Bcc: alice@example.org\r\nSubject:", 1))
    for user in (ALICE, BOB):
        assert b"bcc" not in arrived(user, "SUBJECT", f"hidden {run}").lower()
    print("Bcc is not told")


def check_dots():
    body = b"..\r\n.\r\n. one\r\n" + b"x" * 900 + b"\r\n.\r\n"
    with connect() as s:
        s.sendmail(ALICE, [BOB], f"From: {ALICE}\r\nSubject: dots {run}\r\n\r\n".encode() + body)
    assert arrived(BOB, "SUBJECT", f"dots {run}").endswith(b"\r\n\r\n" + body)
    print("dots")


def check_utf8():
    m = EmailMessage(policy=email.policy.SMTPUTF8)
    m["From"], m["To"], m["Subject"], m["X-Run"] = ALICE, BOB, "Grüße aus Zürich", run
    m.set_content("schön\r\n", cte="8bit")
    with connect() as s:
        s.sendmail(ALICE, [BOB], m.as_bytes(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    text = arrived(BOB, "HEADER", "X-Run", run)
    assert "schön".encode() in text, text
    print("SMTPUTF8, 8BITMIME")


def check_dsn():
    m = mail("receipt", Message_ID=f"<{run}.dsn@example.org>")
    with connect() as s:
        s.sendmail(ALICE, [BOB], m.as_bytes(), mail_options=["RET=HDRS", f"ENVID={run}+2Bx"],
                   rcpt_options=["NOTIFY=SUCCESS,FAILURE", f"ORCPT=rfc822;{BOB}"])
    arrived(BOB, "SUBJECT", f"receipt {run}")
    report = email.message_from_bytes(arrived(ALICE, "HEADER", "In-Reply-To", f"{run}.dsn@"), policy=email.policy.default)
    assert report.get_content_type() == "multipart/report" and report["Return-Path"] == "<>", report.items()
    human, status, header = report.iter_parts()
    assert status.get_content_type() == "message/delivery-status" and header.get_content_type() == "text/rfc822-headers"
    per_message, per_recipient = status.get_payload()
    assert per_message["Original-Envelope-Id"] == f"{run}+x", per_message.items()
    assert per_recipient["Action"] == "delivered" and per_recipient["Status"].startswith("2."), per_recipient.items()
    assert per_recipient["Original-Recipient"] == f"rfc822;{BOB}", per_recipient.items()
    print("DSN: a report of success with RET and ENVID")


def check_refusals():
    s = connect()
    assert b"5.1.1" in refused(550, lambda: s.sendmail(ALICE, ["nobody@example.org"], b"Subject: x\r\n\r\n"))
    s.rset()
    code, text = s.docmd("MAIL", f"FROM:<{BOB}>")
    assert code in (550, 553), (code, text)
    code, text = s.docmd("MAIL", f"FROM:<{ALICE}> SIZE=999999999999")
    assert code == 552 and b"5.3.4" in text, (code, text)
    s.quit()
    print("unknown recipient, another's address, too large")


def check_lost_client():
    s = connect()
    s.mail(ALICE); s.rcpt(BOB)
    s.docmd("DATA")
    s.send(f"From: {ALICE}\r\nSubject: half {run}\r\n\r\nbroken off".encode())
    s.sock.close()
    with connect() as s:
        s.send_message(mail("after"))
    arrived(BOB, "SUBJECT", f"after {run}")
    c = imaplib.IMAP4("127.0.0.1", imap)
    c.login(BOB, "lemonade"); c.select("INBOX")
    assert not c.search(None, "SUBJECT", f'"half {run}"')[1][0], "half a message was sent"
    c.logout()
    print("half a message is none")


for check in (check_offer, check_attachment, check_bcc, check_dots, check_utf8, check_dsn, check_refusals, check_lost_client):
    check()
