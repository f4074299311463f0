package message

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// smallMessage is an ordinary message of about 1.6 KB.
func smallMessage() []byte {
	return []byte(strings.ReplaceAll(`Return-Path: <bob@example.net>
Delivered-To: alice@example.org
Received: from mail.example.net (mail.example.net [192.0.2.1])
	by store.example.org (Citron) with LMTP id 12345
	for <alice@example.org>; Mon, 23 Nov 2026 15:24:54 +0000
Received: from [192.0.2.77] (unknown [192.0.2.77])
	by mail.example.net (Postfix) with ESMTPSA id 4ABCDE1234
	for <alice@example.org>; Mon, 23 Nov 2026 15:24:53 +0000 (UTC)
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=mail;
	t=1795447493; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;
	h=Date:From:To:Subject:From;
	b=dzdVyOfAKCdLXdJOc9G2q8LoXSlEniSbav+yuU4zGeeruD00lszZVoG4ZHRNiYzR
Message-ID: <20261123152453.4711@mail.example.net>
Date: Mon, 23 Nov 2026 16:24:53 +0100
MIME-Version: 1.0
User-Agent: Mozilla Thunderbird
Subject: Re: [citron] lunch on Thursday?
To: Alice Liddell <alice@example.org>
Cc: "Carroll, Lewis" <lewis@example.com>
References: <1@example.org> <2@mail.example.net>
In-Reply-To: <2@mail.example.net>
From: Bob Builder <bob@example.net>
Content-Type: text/plain; charset=UTF-8; format=flowed
Content-Transfer-Encoding: 7bit

Dear Alice,

Thursday would be fine. There is a new place at the corner where they make
lemonade from fresh fruit, and the terrace is open until late in the evening.

On 23/11/26 14:00, Alice Liddell wrote:
> shall we have lunch this week?
> I am free on Thursday and on Friday.

`+strings.Repeat("All the best, and see you there, whatever the weather may be.\n", 4)+`
-- 
Bob
`, "\n", "\r\n"))
}

func BenchmarkSmall(b *testing.B) {
	msg := smallMessage()
	p := NewParser(Limits{})
	var dst []byte
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		p.Reset()
		p.Write(msg)
		dst = p.Finish().AppendIndex(dst[:0])
	}
}

// largeMessage has a text and an attachment of size bytes in base64.
func largeMessage(size int) []byte {
	var m bytes.Buffer
	fmt.Fprintf(&m, "From: a@example.org\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b1\"\r\n\r\n--=_b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--=_b1\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n")
	line := strings.Repeat("QUJD", 19) + "\r\n"
	for m.Len() < size {
		m.WriteString(line)
	}
	m.WriteString("--=_b1--\r\n")
	return m.Bytes()
}

func BenchmarkLarge(b *testing.B) {
	msg := largeMessage(8 << 20)
	p := NewParser(Limits{})
	var dst []byte
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		p.Reset()
		for rest := msg; len(rest) > 0; {
			n := min(len(rest), 32<<10)
			p.Write(rest[:n])
			rest = rest[n:]
		}
		dst = p.Finish().AppendIndex(dst[:0])
	}
}
