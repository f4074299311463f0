package imap_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

func status(tag string, kind imap.StatusKind, code imap.Code, text string) *imap.StatusResponse {
	return &imap.StatusResponse{Tag: tag, Kind: kind, Code: code, Text: text}
}

func ns(s string) imap.NString { return imap.NString{Value: s, Valid: true} }

func list(attrs string, sep byte, mailbox string) imap.ListData {
	return imap.ListData{Attributes: strings.Fields(attrs), Separator: sep, Mailbox: mailbox}
}

var (
	terry     = imap.Address{Name: ns("Terry Gray"), Mailbox: ns("gray"), Host: ns("cac.washington.edu")}
	bodyPlain = imap.BodyStructure{Type: "TEXT", Subtype: "PLAIN", Params: []imap.BodyParam{{Name: "CHARSET", Value: "US-ASCII"}}, Encoding: "7BIT", Size: 1152, Lines: 23}
)

// responseTests are mostly the examples of the RFCs.
var responseTests = []struct {
	text string
	want imap.Response
}{
	{"* CAPABILITY IMAP4rev2 STARTTLS AUTH=GSSAPI", &imap.CapabilityResponse{Names: []string{"IMAP4rev2", "STARTTLS", "AUTH=GSSAPI"}}},
	{"* ENABLED X-GOOD-IDEA", &imap.EnabledResponse{Names: []string{"X-GOOD-IDEA"}}},
	{"* ENABLED", &imap.EnabledResponse{Names: []string{}}},
	{"+ idling", &imap.ContinueResponse{Text: "idling"}},
	{"+ ", &imap.ContinueResponse{}},
	{"+ text {5}", &imap.ContinueResponse{Text: "text {5}"}},
	{"* OK IMAP4rev1 Service Ready", status("*", imap.OK, nil, "IMAP4rev1 Service Ready")},
	{"* OK text that ends in {5}", status("*", imap.OK, nil, "text that ends in {5}")},
	{"* OK", status("*", imap.OK, nil, "")},
	{"* PREAUTH hello", status("*", imap.PREAUTH, nil, "hello")},
	{"* BYE Autologout; idle for too long", status("*", imap.BYE, nil, "Autologout; idle for too long")},
	{"A003 OK [READ-WRITE] SELECT completed", status("A003", imap.OK, imap.CodeReadWrite, "SELECT completed")},
	{"a NO [alert] x", status("a", imap.NO, imap.CodeAlert, "x")},
	{"* OK [UIDVALIDITY 3857529045] UIDs valid", status("*", imap.OK, imap.CodeUIDValidity(3857529045), "UIDs valid")},
	{"* OK [UIDNEXT 4392] x", status("*", imap.OK, imap.CodeUIDNext(4392), "x")},
	{"* OK [UNSEEN 12] x", status("*", imap.OK, imap.CodeUnseen(12), "x")},
	{`* OK [PERMANENTFLAGS (\Deleted \Seen \*)] Limited`, status("*", imap.OK, imap.CodePermanentFlags{Flags: flags(imap.FlagDeleted | imap.FlagSeen), AnyKeyword: true}, "Limited")},
	{`* OK [PERMANENTFLAGS ()] No`, status("*", imap.OK, imap.CodePermanentFlags{}, "No")},
	{"* OK [HIGHESTMODSEQ 715194045007] x", status("*", imap.OK, imap.CodeHighestModSeq(715194045007), "x")},
	{"c NO [COMPRESSIONACTIVE] DEFLATE active via TLS", status("c", imap.NO, imap.CodeCompressionActive, "DEFLATE active via TLS")}, // RFC 4978 §3
	{"* OK [NOMODSEQ] x", status("*", imap.OK, imap.CodeNoModSeq, "x")},
	{"d105 OK [MODIFIED 7,9] Conditional STORE failed", status("d105", imap.OK, imap.CodeModified(ranges(7, 7, 9, 9)), "Conditional STORE failed")},
	// RFC 4467 §7, §8; RFC 4469 §4.1; RFC 5524 §4
	{"a32 OK [URLMECH INTERNAL] mechs", status("a32", imap.OK, imap.CodeURLMech{}, "mechs")},
	{"a33 OK [URLMECH INTERNAL XSAMPLE=P34OKhO7VEkCbsiYY8rGEg==] done", status("a33", imap.OK,
		imap.CodeURLMech{{Name: "XSAMPLE", Data: "P34OKhO7VEkCbsiYY8rGEg=="}}, "done")},
	{"a NO [BADURL /INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9] one message expunged", status("a", imap.NO,
		imap.CodeBadURL("/INBOX;UIDVALIDITY=785799047/;UID=113330;section=1.5.9"), "one message expunged")},
	{`* GENURLAUTH "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038" x`,
		&imap.GenURLAuthResponse{URLs: []string{"imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred:internal:91354a473744909de610943775f92038", "x"}}},
	{"* URLFETCH \"imap://joe@example.com/INBOX/;uid=20\" {28}\r\nSi vis pacem, para bellum.\r\n u2 NIL u3 \"\"", &imap.URLFetchResponse{URLs: []imap.URLData{
		{URL: "imap://joe@example.com/INBOX/;uid=20", Octets: []byte("Si vis pacem, para bellum.\r\n")}, {URL: "u2"}, {URL: "u3", Octets: []byte{}}}}},
	{"* URLFETCH u (BODYPARTSTRUCTURE (\"TEXT\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)) (BINARY ~{3}\r\na\x00b) v (BINARY NIL) w (BODY {2}\r\nhi)",
		&imap.URLFetchResponse{URLs: []imap.URLData{{URL: "u", Item: imap.URLBinary, Octets: []byte("a\x00b"), BodyPartStructure: &bodyPlain},
			{URL: "v", Item: imap.URLBinary}, {URL: "w", Item: imap.URLBody, Octets: []byte("hi")}}}},
	{"A003 OK [APPENDUID 38505 3955] APPEND completed", status("A003", imap.OK, imap.CodeAppendUID{UIDValidity: 38505, UIDs: ranges(3955, 3955)}, "APPEND completed")},
	{"A004 OK [COPYUID 38505 304,319:320 3956:3958] Done", status("A004", imap.OK, imap.CodeCopyUID{UIDValidity: 38505, From: ranges(304, 304, 319, 320), To: ranges(3956, 3958)}, "Done")},
	{"a NO [BADCHARSET (UTF-8 US-ASCII)] x", status("a", imap.NO, imap.CodeBadCharset{"UTF-8", "US-ASCII"}, "x")},
	{"a NO [BADCHARSET] x", status("a", imap.NO, imap.CodeBadCharset{}, "x")},
	{"a OK [CAPABILITY IMAP4rev1 ID] x", status("a", imap.OK, imap.CodeCapability{"IMAP4rev1", "ID"}, "x")},
	{"3 OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Done", status("3", imap.OK, imap.CodeMailboxID("F2212ea87-6097-4256-9d51-71338625"), "Done")},
	{"a NO [BADEVENT (MessageNew MailboxName)] No", status("a", imap.NO, imap.CodeBadEvent(imap.NotifyMessageNew|imap.NotifyMailboxName), "No")},
	{"* OK [NOTIFICATIONOVERFLOW] x", status("*", imap.OK, imap.CodeNotificationOverflow, "x")},
	{`* OK [INPROGRESS ("A001" 454 1000)] Processed`, status("*", imap.OK, imap.CodeInProgress{Tag: "A001", Done: 454, Goal: 1000}, "Processed")},
	{"* OK [INPROGRESS (NIL 5 NIL)] x", status("*", imap.OK, imap.CodeInProgress{Done: 5}, "x")},
	{`* OK [INPROGRESS ("a" NIL NIL)] x`, status("*", imap.OK, imap.CodeInProgress{Tag: "a", Done: -1}, "x")},
	{"* OK [INPROGRESS] x", status("*", imap.OK, imap.CodeInProgress{Done: -1}, "x")},
	{"* OK [X-FOO bar baz] x", status("*", imap.OK, imap.CodeOther{Name: "X-FOO", Arg: "bar baz"}, "x")},
	{"* OK [UIDNEXT zero] x", status("*", imap.OK, imap.CodeOther{Name: "UIDNEXT", Arg: "zero"}, "x")},
	{"* OK [broken", status("*", imap.OK, nil, "[broken")},
	{"* 172 EXISTS", &imap.ExistsResponse{Messages: 172}},
	{"* 1 RECENT", &imap.RecentResponse{Messages: 1}},
	{"* 44 EXPUNGE", &imap.ExpungeResponse{Seq: 44}},
	{"* VANISHED 405,407,410,425", &imap.VanishedResponse{UIDs: ranges(405, 405, 407, 407, 410, 410, 425, 425)}},
	{"* VANISHED (EARLIER) 300:310,405", &imap.VanishedResponse{Earlier: true, UIDs: ranges(300, 310, 405, 405)}},
	{`* FLAGS (\Answered \Flagged $Junk)`, &imap.FlagsResponse{Flags: flags(imap.FlagAnswered|imap.FlagFlagged, "$Junk")}},
	{`* LIST (\Noselect) "/" ""`, &imap.ListResponse{ListData: list(`\Noselect`, '/', "")}},
	{`* LIST (\Marked \HasNoChildren) "\\" inbox`, &imap.ListResponse{ListData: list(`\Marked \HasNoChildren`, '\\', "INBOX")}},
	{"* LIST () NIL {3}\r\na&b", &imap.ListResponse{ListData: imap.ListData{Mailbox: "a&b"}}},
	{`* LIST () "/" "&U,BTFw-"`, &imap.ListResponse{ListData: imap.ListData{Separator: '/', Mailbox: "台北"}}},
	{`* LIST (\NonExistent) "/" "Foo" ("CHILDINFO" ("SUBSCRIBED"))`, &imap.ListResponse{ListData: imap.ListData{
		Attributes: []string{`\NonExistent`}, Separator: '/', Mailbox: "Foo", ChildInfo: []string{"SUBSCRIBED"}}}},
	{`* LIST () "/" "new" (X-Sample ("text" (more)) OLDNAME ("old"))`, &imap.ListResponse{ListData: imap.ListData{Separator: '/', Mailbox: "new", OldName: "old"}}},
	{`* LSUB () "." #news.comp.mail.mime`, &imap.ListResponse{Lsub: true, ListData: imap.ListData{Separator: '.', Mailbox: "#news.comp.mail.mime"}}},
	{"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)", &imap.StatusDataResponse{Mailbox: "blurdybloop", Items: imap.StatusMessages | imap.StatusUIDNext, Messages: 231, UIDNext: 44292}},
	{"* STATUS x (HIGHESTMODSEQ 0 SIZE 9223372036854775807 MAILBOXID (F1) APPENDLIMIT NIL X-Y (a b) DELETED 3 UNSEEN 1 RECENT 2 UIDVALIDITY 4)", &imap.StatusDataResponse{Mailbox: "x",
		Items: imap.StatusHighestModSeq | imap.StatusSize | imap.StatusMailboxID | imap.StatusAppendLimit | imap.StatusDeleted | imap.StatusUnseen | imap.StatusRecent | imap.StatusUIDValidity,
		Size:  1<<63 - 1, MailboxID: "F1", AppendLimit: -1, Deleted: 3, Unseen: 1, Recent: 2, UIDValidity: 4}},
	{"* STATUS x (APPENDLIMIT 257890)", &imap.StatusDataResponse{Mailbox: "x", Items: imap.StatusAppendLimit, AppendLimit: 257890}},
	{"* STATUS x ()", &imap.StatusDataResponse{Mailbox: "x"}},
	{"* SEARCH 2 84 882", &imap.SearchResponse{SearchData: imap.SearchData{Return: imap.ReturnAll, All: ranges(2, 2, 84, 84, 882, 882)}}},
	{"* SEARCH", &imap.SearchResponse{SearchData: imap.SearchData{Return: imap.ReturnAll}}},
	{"* SEARCH 2 5 6 (MODSEQ 917162500)", &imap.SearchResponse{SearchData: imap.SearchData{Return: imap.ReturnAll, All: ranges(2, 2, 5, 6), ModSeq: 917162500}}},
	{`* ESEARCH (TAG "A283") ALL 2,10:11`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{Tag: "A283", Return: imap.ReturnAll, All: ranges(2, 2, 10, 11)}}},
	{`* ESEARCH (TAG "a") UID MIN 7 MAX 3800 COUNT 0 MODSEQ 1236`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{Tag: "a", UID: true,
		Return: imap.ReturnMin | imap.ReturnMax | imap.ReturnCount, Min: 7, Max: 3800, ModSeq: 1236}}},
	{"* ESEARCH", &imap.SearchResponse{Extended: true}},
	{`* ESEARCH (TAG "A02") UID PARTIAL (23500:24000 7,5:6,3)`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{Tag: "A02", UID: true,
		Return: imap.ReturnPartial, Window: imap.PartialRange{From: 23500, To: 24000}, Partial: ranges(7, 7, 5, 6, 3, 3)}}},
	{`* ESEARCH (TAG "A04") UID PARTIAL (-24000:-24500 NIL)`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{Tag: "A04", UID: true,
		Return: imap.ReturnPartial, Window: imap.PartialRange{From: 24000, To: 24500, Last: true}}}},
	{`* ESEARCH (TAG "C01") UID ADDTO (1 2733 1 2732) ADDTO (1 2731) REMOVEFROM (0 5:4,9)`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{Tag: "C01", UID: true,
		Changes: []imap.ContextChange{{Position: 1, Nums: ranges(2733, 2733)}, {Position: 1, Nums: ranges(2732, 2732)},
			{Position: 1, Nums: ranges(2731, 2731)}, {Remove: true, Nums: ranges(4, 5, 9, 9)}}}}},
	{`* NO [NOUPDATE "B02"] Too many contexts`, status("*", imap.NO, imap.CodeNoUpdate("B02"), "Too many contexts")},
	{"07 BAD [UIDREQUIRED] Message numbers are not allowed", status("07", imap.BAD, imap.CodeUIDRequired, "Message numbers are not allowed")},
	{`* 25996 UIDFETCH (FLAGS (\Seen) UID 25996)`, &imap.FetchResponse{UID: 25996, Flags: ptr(flags(imap.FlagSeen))}},
	{"* ACL INBOX/Drafts Fred rwipslxetad Chris lrswi", &imap.ACLResponse{Mailbox: "INBOX/Drafts",
		Entries: []imap.ACLEntry{{"Fred", "rwipslxetad"}, {"Chris", "lrswi"}}}},
	{"* ACL INBOX -Fred wetd $team w", &imap.ACLResponse{Mailbox: "INBOX", Entries: []imap.ACLEntry{{"-Fred", "wetd"}, {"$team", "w"}}}},
	{"* ACL INBOX", &imap.ACLResponse{Mailbox: "INBOX"}},
	{`* LISTRIGHTS archive/imap anyone "" lr s w i p k x t c d`, &imap.ListRightsResponse{Mailbox: "archive/imap", Identifier: "anyone",
		Optional: []string{"lr", "s", "w", "i", "p", "k", "x", "t", "c", "d"}}},
	{"* LISTRIGHTS ~/Mail/saved smith la r swicdkxte", &imap.ListRightsResponse{Mailbox: "~/Mail/saved", Identifier: "smith",
		Required: "la", Optional: []string{"r", "swicdkxte"}}},
	{"* MYRIGHTS INBOX rwiptsldaex", &imap.MyRightsResponse{Mailbox: "INBOX", Rights: "rwiptsldaex"}},
	{`* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) NIL (("Public/" NIL))`, &imap.NamespaceResponse{
		Personal: []imap.NamespaceDescr{{Separator: '/'}, {Prefix: "#mh/", Separator: '/'}}, Shared: []imap.NamespaceDescr{{Prefix: "Public/"}}}},
	{`* ID ("name" "Cyrus" "os" NIL)`, &imap.IDResponse{Params: []imap.IDParam{{Field: "name", Value: "Cyrus"}, {Field: "os", Null: true}}}},
	{"* ID NIL", &imap.IDResponse{}},
	{"* 5 X-THING (a) b", &imap.OtherResponse{Number: 5, Name: "X-THING", Rest: "(a) b"}},
	{"* X-ROOT a b", &imap.OtherResponse{Name: "X-ROOT", Rest: "a b"}},
	{`* METADATA "" (/shared/comment "Shared comment")`, &imap.MetadataResponse{Entries: []imap.MetadataEntry{{Name: "/shared/comment", Value: []byte("Shared comment")}}}},
	{"* METADATA INBOX (/private/a NIL \"/private/b c\" ~{2}\r\n\x00\x01 /private/d {2}\r\n\r\n)", &imap.MetadataResponse{Mailbox: "INBOX", Entries: []imap.MetadataEntry{
		{Name: "/private/a"}, {Name: "/private/b c", Value: []byte{0, 1}}, {Name: "/private/d", Value: []byte("\r\n")}}}},
	{`* METADATA "INBOX" /shared/comment /private/comment`, &imap.MetadataResponse{Mailbox: "INBOX", Changed: []string{"/shared/comment", "/private/comment"}}},
	{"a OK [METADATA LONGENTRIES 2199] GETMETADATA complete", status("a", imap.OK, imap.CodeMetadata{Kind: "LONGENTRIES", Size: 2199}, "GETMETADATA complete")},
	{"a NO [METADATA MAXSIZE 1024] x", status("a", imap.NO, imap.CodeMetadata{Kind: "MAXSIZE", Size: 1024}, "x")},
	{"a NO [METADATA TOOMANY] SETMETADATA failed", status("a", imap.NO, imap.CodeMetadata{Kind: "TOOMANY"}, "SETMETADATA failed")},
	{"a NO [UNDEFINED-FILTER on-the-road] x", status("a", imap.NO, imap.CodeUndefinedFilter("on-the-road"), "x")},
	{"a NO [METADATA NOPRIVATE] x", status("a", imap.NO, imap.CodeMetadata{Kind: "NOPRIVATE"}, "x")},
	{`* ESEARCH (TAG "tag1" MAILBOX "folder1" UIDVALIDITY 1) UID ALL 4001,4003,4005`, &imap.SearchResponse{Extended: true, SearchData: imap.SearchData{
		Tag: "tag1", Mailbox: "folder1", UIDValidity: 1, UID: true, Return: imap.ReturnAll, All: ranges(4001, 4001, 4003, 4003, 4005, 4005)}}},
	{`* QUOTA "" (STORAGE 10 512)`, &imap.QuotaResponse{Resources: []imap.QuotaResource{{Name: "STORAGE", Usage: 10, Limit: 512}}}},
	{`* QUOTA "#user/alice" (STORAGE 54 111 MESSAGE 42 1000)`, &imap.QuotaResponse{Root: "#user/alice", Resources: []imap.QuotaResource{
		{Name: "STORAGE", Usage: 54, Limit: 111}, {Name: "MESSAGE", Usage: 42, Limit: 1000}}}},
	{`* QUOTA x ()`, &imap.QuotaResponse{Root: "x"}},
	{`* QUOTAROOT INBOX "#user/alice" "!partition/sda4"`, &imap.QuotaRootResponse{Mailbox: "INBOX", Roots: []string{"#user/alice", "!partition/sda4"}}},
	{"* QUOTAROOT comp.mail.mime", &imap.QuotaRootResponse{Mailbox: "comp.mail.mime"}},
	{"* STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 8)", &imap.StatusDataResponse{Mailbox: "INBOX", Messages: 12, Deleted: 4, DeletedStorage: 8,
		Items: imap.StatusMessages | imap.StatusDeleted | imap.StatusDeletedStorage}},
	// FETCH
	{`* 12 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 UID 3)`, &imap.FetchResponse{Seq: 12, UID: 3, Flags: ptr(flags(imap.FlagSeen)),
		InternalDate: time.Date(1996, 7, 17, 2, 44, 25, 0, time.FixedZone("", -7*3600)), Size: imap.NNumber{Value: 4286, Valid: true}}},
	{`* 1 FETCH (MODSEQ (624140003) EMAILID (M6d99) THREADID (T64b) SAVEDATE "01-Jan-2020 00:00:00 +0000" PREVIEW "This is"  X-U (a (b "c" {1}` + "\r\n)) NIL))", &imap.FetchResponse{Seq: 1, ModSeq: 624140003, EmailID: "M6d99", ThreadID: ns("T64b"),
		SaveDate: ptr(day(2020, 1, 1)), Preview: ptr(ns("This is"))}},
	{"* 1 FETCH (SAVEDATE NIL PREVIEW NIL THREADID NIL FLAGS (\\Recent))", &imap.FetchResponse{Seq: 1, SaveDate: &time.Time{}, Preview: &imap.NString{}, Flags: ptr(flags(imap.FlagRecent))}},
	{`* 12 FETCH (ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg" (("Terry Gray" NIL "gray" "cac.washington.edu")) NIL NIL ((NIL NIL "group" NIL)(NIL NIL NIL NIL)) NIL NIL NIL "<B27397-0100000@cac.washington.ed>"))`,
		&imap.FetchResponse{Seq: 12, Envelope: &imap.Envelope{Date: ns("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)"), Subject: ns("IMAP4rev2 WG mtg"),
			From: []imap.Address{terry}, To: []imap.Address{{Mailbox: ns("group")}, {}}, MessageID: ns("<B27397-0100000@cac.washington.ed>")}}},
	{`* 1 FETCH (BODY ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23))`, &imap.FetchResponse{Seq: 1, Body: &bodyPlain}},
	{`* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1 NIL NIL NIL NIL)("MESSAGE" "RFC822" NIL "<id>" "d" "7BIT" 9 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23) 7 "md5" ("attachment" ("filename" "x")) ("en" "de") "loc" ("future" 1)) "MIXED" ("BOUNDARY" "b") NIL "en" NIL))`,
		&imap.FetchResponse{Seq: 1, BodyStructure: &imap.BodyStructure{Type: "MULTIPART", Subtype: "MIXED", Extended: true, Params: []imap.BodyParam{{Name: "BOUNDARY", Value: "b"}}, Language: []string{"en"},
			Parts: []imap.BodyStructure{
				{Type: "TEXT", Subtype: "PLAIN", Encoding: "7BIT", Size: 5, Lines: 1, Extended: true},
				{Type: "MESSAGE", Subtype: "RFC822", ID: ns("<id>"), Description: ns("d"), Encoding: "7BIT", Size: 9, Envelope: &imap.Envelope{}, Message: &bodyPlain, Lines: 7,
					Extended: true, MD5: ns("md5"), Disposition: "attachment", DispositionParams: []imap.BodyParam{{Name: "filename", Value: "x"}}, Language: []string{"en", "de"}, Location: ns("loc")}}}}},
	{"* 2 FETCH (BODY[HEADER.FIELDS (Date \"x y\")] {5}\r\nab\r\nc BODY[1.2]<7> \"x\" BODY[TEXT] NIL BINARY[1] ~{2}\r\n\x00\x01 BINARY.SIZE[] 55 RFC822.TEXT {0}\r\n)", &imap.FetchResponse{Seq: 2, Sections: []imap.FetchSectionData{
		{Kind: imap.FetchSection, Section: imap.Section{Text: imap.SectionHeaderFields, Fields: []string{"Date", "x y"}}, Origin: -1, Literal: imap.Literal{Size: 5, Sink: -1, Data: []byte("ab\r\nc")}},
		{Kind: imap.FetchSection, Section: imap.Section{Part: []uint32{1, 2}}, Origin: 7, Literal: imap.Literal{Size: 1, Sink: -1, Data: []byte("x")}},
		{Kind: imap.FetchSection, Section: imap.Section{Text: imap.SectionBody}, Origin: -1, Null: true, Literal: imap.Literal{Sink: -1}},
		{Kind: imap.FetchBinary, Section: imap.Section{Part: []uint32{1}}, Origin: -1, Literal: imap.Literal{Size: 2, Binary: true, Sink: -1, Data: []byte{0, 1}}},
		{Kind: imap.FetchBinarySize, Origin: -1, Literal: imap.Literal{Size: 55, Sink: -1}},
		{Kind: imap.FetchRFC822Text, Section: imap.Section{Text: imap.SectionBody}, Origin: -1, Literal: imap.Literal{Sink: -1, Data: []byte{}}},
	}}},
}

func TestParseResponse(t *testing.T) {
	for _, c := range slices.Concat(responseTests, sortResponses) {
		got, err := imap.NewResponseReader(iotest.OneByteReader(strings.NewReader(c.text + "\r\n"))).Next()
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if diff := cmp.Diff(c.want, got, sameTime); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

func TestParseResponseErrors(t *testing.T) {
	for _, text := range []string{"", "*", "* ", "a FOO bar", "* 0x FETCH ()", "* 1 FETCH", "* 1 FETCH (", "* 1 FETCH (UID 0)", "* 0 UIDFETCH ()", "* ESEARCH ADDTO ()", "* ESEARCH ADDTO (1)", "* ESEARCH ADDTO (1 *)", "* ESEARCH PARTIAL (1:2)",
		"* SEARCH 0", "* VANISHED 1:*", "* LIST (", "* LIST () \"ab\" x", "* STATUS x (MESSAGES)", "* 1 FETCH (X ((((a)))", "* 1 EXISTS x",
		"* 1 FETCH (BODY " + strings.Repeat("(", 500) + ")"} {
		r, err := imap.NewResponseReader(strings.NewReader(text + "\r\n")).Next()
		var e *imap.Error
		if !errors.As(err, &e) {
			t.Errorf("%.40q: %#v, %v", text, r, err)
		}
	}
}

func TestResponseReaderStream(t *testing.T) {
	big := strings.Repeat("0123456789", 10000)
	input := "* 1 FETCH (UID 7 BODY[1]<5> {100000}\r\n" + big + " FLAGS ())\r\n* LIST () NIL {6}\r\nab/cde\r\n* 2 FETCH (BODY[] {100000}\r\n" + big + ")\r\n* 3 EXISTS\r\n"
	r := imap.NewResponseReader(strings.NewReader(input))
	var got []imap.FetchLiteral
	r.OnLiteral = func(lit imap.FetchLiteral, octets io.Reader) error {
		got = append(got, lit)
		if len(got) == 2 { // the rest is skipped
			return nil
		}
		all, err := io.ReadAll(octets)
		if string(all) != big {
			t.Errorf("%d octets differ", len(all))
		}
		return err
	}
	for i, want := range []imap.Response{
		&imap.FetchResponse{Seq: 1, UID: 7, Flags: &imap.FlagList{}, Sections: []imap.FetchSectionData{
			{Kind: imap.FetchSection, Section: imap.Section{Part: []uint32{1}}, Origin: 5, Literal: imap.Literal{Size: 100000}}}},
		&imap.ListResponse{ListData: imap.ListData{Mailbox: "ab/cde"}},
		&imap.FetchResponse{Seq: 2, Sections: []imap.FetchSectionData{{Kind: imap.FetchSection, Origin: -1, Literal: imap.Literal{Size: 100000}}}},
		&imap.ExistsResponse{Messages: 3},
	} {
		resp, err := r.Next()
		if diff := cmp.Diff(want, resp); err != nil || diff != "" {
			t.Errorf("%d: %v %s", i, err, diff)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if diff := cmp.Diff([]imap.FetchLiteral{
		{Seq: 1, UID: 7, Kind: imap.FetchSection, Section: imap.Section{Part: []uint32{1}}, Origin: 5, Size: 100000},
		{Seq: 2, Kind: imap.FetchSection, Origin: -1, Size: 100000},
	}, got); diff != "" {
		t.Error(diff)
	}
}

func TestResponseReaderEnds(t *testing.T) {
	for _, text := range []string{"* OK", "* 1 FETCH (BODY[] {10}\r\nabc", "* LIST () NIL {3}\r\n"} {
		r := imap.NewResponseReader(strings.NewReader(text))
		if _, err := r.Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: %v", text, err)
		}
		r = imap.NewResponseReader(strings.NewReader(text))
		r.OnLiteral = func(_ imap.FetchLiteral, octets io.Reader) error { return nil }
		if _, err := r.Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("streaming %q: %v", text, err)
		}
	}
	fault := errors.New("stop")
	r := imap.NewResponseReader(strings.NewReader("* 1 FETCH (BODY[] {10}\r\nabc"))
	r.OnLiteral = func(imap.FetchLiteral, io.Reader) error { return fault }
	if _, err := r.Next(); err != fault {
		t.Errorf("OnLiteral's error: %v", err)
	}
}

// checkResponse: what is written is read back, and written again the same.
func checkResponse(t *testing.T, r imap.Response, utf8Mode bool) {
	t.Helper()
	once, ok := write(t, r, utf8Mode)
	if !ok || len(once) == 0 {
		return
	}
	reader := imap.NewResponseReader(bytes.NewReader(once))
	reader.UTF8 = utf8Mode
	again, err := reader.Next()
	if err != nil {
		t.Fatalf("%q: %v", once, err)
	}
	if _, err := reader.Next(); err != io.EOF {
		t.Fatalf("%q is more than one response", once)
	}
	twice, _ := write(t, again, utf8Mode)
	if !bytes.Equal(once, twice) {
		t.Fatalf("%q became %q", once, twice)
	}
}

func TestResponseRoundTrip(t *testing.T) {
	for _, c := range slices.Concat(responseTests, sortResponses) {
		for _, utf8Mode := range []bool{false, true} {
			checkResponse(t, c.want, utf8Mode)
			w, ok := write(t, c.want, utf8Mode)
			if !ok {
				continue
			}
			r := imap.NewResponseReader(bytes.NewReader(w))
			r.UTF8 = utf8Mode
			got, err := r.Next()
			if err != nil {
				t.Errorf("%q: %v", w, err)
			} else if diff := cmp.Diff(c.want, got, sameTime, ignoreExtended); diff != "" {
				t.Errorf("%q: %s", w, diff)
			}
		}
	}
}

// ignoreExtended: the writer sends extension data for each part or for none.
var ignoreExtended = cmp.FilterPath(func(p cmp.Path) bool {
	s := p.String()
	return strings.HasSuffix(s, "Message.Extended")
}, cmp.Ignore())

func FuzzResponse(f *testing.F) {
	for _, c := range slices.Concat(responseTests, sortResponses) {
		f.Add([]byte(c.text+"\r\n"), false)
		f.Add([]byte(c.text+"\r\n"), true)
	}
	f.Fuzz(func(t *testing.T, input []byte, utf8Mode bool) {
		r := imap.NewResponseReader(bytes.NewReader(input))
		r.UTF8 = utf8Mode
		r.StreamAbove = 20
		if len(input)%2 == 0 {
			r.OnLiteral = func(_ imap.FetchLiteral, octets io.Reader) error {
				_, err := io.Copy(io.Discard, octets)
				return err
			}
		}
		for range 1000 {
			resp, err := r.Next()
			var e *imap.Error
			switch {
			case errors.As(err, &e):
			case err != nil:
				return
			default:
				if r.OnLiteral == nil {
					checkResponse(t, resp, utf8Mode)
				}
			}
		}
	})
}
