package imap_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"citron/wire/imap"
)

func parse(t *testing.T, utf8Mode bool, text string) (string, imap.Command, error) {
	t.Helper()
	return imap.Parser{UTF8: utf8Mode}.Parse(imap.FrameOf([]byte(text)))
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func ptr[T any](v T) *T { return &v }

func set(nums ...uint32) imap.SeqSet { return imap.SeqSetOf(nums...) }

func ranges(fromTo ...uint32) imap.NumSet {
	var s imap.NumSet
	for i := 0; i < len(fromTo); i += 2 {
		s = append(s, imap.Range{From: fromTo[i], To: fromTo[i+1]})
	}
	return s
}

func flags(system imap.SystemFlags, keywords ...string) imap.FlagList {
	return imap.FlagList{System: system, Keywords: keywords}
}

var commandTests = []struct {
	text string
	want imap.Command
}{
	// RFC 3501 and RFC 9051 §6.1, §6.2
	{"abcd CAPABILITY", &imap.Capability{}},
	{"a002 noop", &imap.Noop{}},
	{"A023 LOGOUT", &imap.Logout{}},
	{"a002 STARTTLS", &imap.StartTLS{}},
	{"a001 LOGIN SMITH SESAME", &imap.Login{User: "SMITH", Password: "SESAME"}},
	{`a001 LOGIN "a\"b\\c" ""`, &imap.Login{User: `a"b\c`, Password: ""}},
	{"A001 LOGIN {11}\r\nFRED FOOBAR {7+}\r\nfat man", &imap.Login{User: "FRED FOOBAR", Password: "fat man"}},
	{"A001 LOGIN a]b caf\"", nil},
	{"a1 AUTHENTICATE gssapi", &imap.Authenticate{Mechanism: "GSSAPI"}},
	{"a1 AUTHENTICATE PLAIN dGVzdAB0ZXN0AHRlc3Q=", &imap.Authenticate{Mechanism: "PLAIN", Initial: []byte("test\x00test\x00test")}},
	{"a1 AUTHENTICATE EXTERNAL =", &imap.Authenticate{Mechanism: "EXTERNAL", Initial: []byte{}}},
	// §6.3
	{"t1 ENABLE CONDSTORE x-good-idea", &imap.Enable{Capabilities: []string{"CONDSTORE", "X-GOOD-IDEA"}}},
	{"A142 SELECT inBOX", &imap.Select{Mailbox: "INBOX"}},
	{"A932 EXAMINE blurdybloop", &imap.Select{Mailbox: "blurdybloop", ReadOnly: true}},
	{"A1 SELECT INBOX (CONDSTORE)", &imap.Select{Mailbox: "INBOX", CondStore: true}},
	{"A003 CREATE owatagusiam/", &imap.Create{Mailbox: "owatagusiam/"}},
	{`t1 CREATE "My Mail" (USE (\Drafts \Sent))`, &imap.Create{Mailbox: "My Mail", SpecialUse: []string{`\Drafts`, `\Sent`}}},
	{"A683 DELETE foo", &imap.Delete{Mailbox: "foo"}},
	{"A683 RENAME blurdybloop sarasoop", &imap.Rename{From: "blurdybloop", To: "sarasoop"}},
	{"A002 SUBSCRIBE #news.comp.mail.mime", &imap.Subscribe{Mailbox: "#news.comp.mail.mime"}},
	{"A002 UNSUBSCRIBE ~peter/mail/&U,BTFw-/&ZeVnLIqe-", &imap.Unsubscribe{Mailbox: "~peter/mail/台北/日本語"}},
	{"a NAMESPACE", &imap.Namespace{}},
	// RFC 4314 §3, RFC 8440 §4
	{"A001 SeTacl INBOX/Drafts David lrswida", &imap.SetACL{Mailbox: "INBOX/Drafts", Identifier: "David", Rights: "lrswida"}},
	{"A002 SETACL INBOX/Drafts Chris +cda", &imap.SetACL{Mailbox: "INBOX/Drafts", Identifier: "Chris", Rights: "+cda"}},
	{`A SETACL inbox -Fred ""`, &imap.SetACL{Mailbox: "INBOX", Identifier: "-Fred"}},
	{"A SETACL {5+}\r\na b/c {6+}\r\nj\u00f6rg\u00e9 -lr", nil},
	{"A SETACL {5+}\r\na b/c {5+}\r\nj\u00f6rg -lr", &imap.SetACL{Mailbox: "a b/c", Identifier: "j\u00f6rg", Rights: "-lr"}},
	{"A SETACL INBOX Fred", nil},
	{"B002 DeleteAcl INBOX Fred", &imap.DeleteACL{Mailbox: "INBOX", Identifier: "Fred"}},
	{"A002 getacl INBOX/Drafts", &imap.GetACL{Mailbox: "INBOX/Drafts"}},
	{"a001 LISTRIGHTS ~/Mail/saved smith", &imap.ListRights{Mailbox: "~/Mail/saved", Identifier: "smith"}},
	{"a005 listrights archive/imap anyone", &imap.ListRights{Mailbox: "archive/imap", Identifier: "anyone"}},
	{"A003 MYRIGHTS INBOX", &imap.MyRights{Mailbox: "INBOX"}},
	{`A01 LIST "" % RETURN (MYRIGHTS)`, &imap.List{Extended: true, Patterns: []string{"%"}, Return: imap.ReturnMyRights}},
	{`A02 LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (MYRIGHTS)`, &imap.List{Extended: true,
		Select: imap.SelectSubscribed | imap.SelectRecursiveMatch, Patterns: []string{"%"}, Return: imap.ReturnMyRights}},
	{"A003 IDLE", &imap.Idle{}},
	{"c compress deflate", &imap.Compress{Algorithm: "DEFLATE"}}, // RFC 4978 §3
	{"a UNAUTHENTICATE", &imap.Unauthenticate{}},
	{"a CHECK", &imap.Check{}},
	{"a CLOSE", &imap.Close{}},
	{"a UNSELECT", &imap.Unselect{}},
	{"a023 ID NIL", &imap.ID{}},
	{`a023 ID ("name" "sodr" "version" NIL)`, &imap.ID{Params: []imap.IDParam{{Field: "name", Value: "sodr"}, {Field: "version", Null: true}}}},
	{"a ID ()", &imap.ID{Params: []imap.IDParam{}}},
	// RFC 5465 §3.1, §5, §6
	{"a NOTIFY NONE", &imap.Notify{}},
	{"b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew messageExpunge))",
		&imap.Notify{Status: true, Groups: []imap.NotifyGroup{
			{Filter: imap.MailboxFilter{Kind: imap.FilterSelected}, Events: imap.NotifyMessageNew | imap.NotifyMessageExpunge, Fetch: []imap.FetchItem{{Kind: imap.FetchUID},
				{Kind: imap.FetchSection, Peek: true, Section: imap.Section{Text: imap.SectionHeaderFields, Fields: []string{"from", "to", "subject"}}}}},
			{Filter: imap.MailboxFilter{Kind: imap.FilterSubtree, Names: []string{"Lists"}}, Events: imap.NotifyMessageNew | imap.NotifyMessageExpunge}}}},
	{"a notify set (mailboxes (inbox &ZeVnLIqe- &) (MAILBOXNAME Foo Bar (1 (2)))) (personal NONE)", &imap.Notify{Groups: []imap.NotifyGroup{
		{Filter: imap.MailboxFilter{Kind: imap.FilterMailboxes, Names: []string{"INBOX", "日本語", "\ufffd"}}, Events: imap.NotifyMailboxName, Unknown: []string{"FOO", "BAR"}},
		{Filter: imap.MailboxFilter{Kind: imap.FilterPersonal}}}}},
	{"a NOTIFY SET (SELECTED-DELAYED (MessageExpunge FlagChange AnnotationChange MessageNew)) (inboxes NONE) (subscribed (SubscriptionChange MailboxMetadataChange ServerMetadataChange))",
		&imap.Notify{Groups: []imap.NotifyGroup{
			{Filter: imap.MailboxFilter{Kind: imap.FilterSelectedDelayed}, Events: imap.NotifyMessageEvents}, {Filter: imap.MailboxFilter{Kind: imap.FilterInboxes}},
			{Filter: imap.MailboxFilter{Kind: imap.FilterSubscribed}, Events: imap.NotifySubscriptionChange | imap.NotifyMailboxMetadataChange | imap.NotifyServerMetadataChange}}}},
	// APPEND
	{"A003 APPEND saved-messages (\\Seen) {5}\r\nhello", &imap.Append{Mailbox: "saved-messages", Messages: []imap.AppendMessage{
		{Flags: flags(imap.FlagSeen), Message: imap.Literal{Size: 5, Sink: -1, Data: []byte("hello")}}}}},
	{"A3 APPEND x (\\Seen $Fwd \\fLagged) \" 7-Feb-1994 22:43:04 -0800\" {2+}\r\nhi {2}\r\nho \"17-Jul-1996 02:44:25 +0130\" ~{3}\r\na\x00b",
		&imap.Append{Mailbox: "x", Messages: []imap.AppendMessage{
			{Flags: flags(imap.FlagSeen|imap.FlagFlagged, "$Fwd"), Date: time.Date(1994, 2, 7, 22, 43, 4, 0, time.FixedZone("", -8*3600)),
				Message: imap.Literal{Size: 2, Sink: -1, Data: []byte("hi")}},
			{Message: imap.Literal{Size: 2, Sink: -1, Data: []byte("ho")}},
			{Date: time.Date(1996, 7, 17, 2, 44, 25, 0, time.FixedZone("", 90*60)), Message: imap.Literal{Size: 3, Binary: true, Sink: -1, Data: []byte("a\x00b")}}}}},
	{"A3 APPEND x UTF8 (~{2+}\r\nhi)", &imap.Append{Mailbox: "x", Messages: []imap.AppendMessage{
		{UTF8: true, Message: imap.Literal{Size: 2, Binary: true, Sink: -1, Data: []byte("hi")}}}}},
	// STATUS, LIST
	{"A042 STATUS blurdybloop (UIDNEXT MESSAGES)", &imap.Status{Mailbox: "blurdybloop", Items: imap.StatusUIDNext | imap.StatusMessages}},
	{"A STATUS b (size DELETED HIGHESTMODSEQ MAILBOXID APPENDLIMIT UNSEEN UIDVALIDITY RECENT)", &imap.Status{Mailbox: "b",
		Items: imap.StatusSize | imap.StatusDeleted | imap.StatusHighestModSeq | imap.StatusMailboxID | imap.StatusAppendLimit | imap.StatusUnseen | imap.StatusUIDValidity | imap.StatusRecent}},
	// RFC 5464
	{`a GETMETADATA "" /shared/comment`, &imap.GetMetadata{MaxSize: -1, Entries: []string{"/shared/comment"}}},
	{`a GETMETADATA "INBOX" (/shared/comment /private/comment)`, &imap.GetMetadata{Mailbox: "INBOX", MaxSize: -1, Entries: []string{"/shared/comment", "/private/comment"}}},
	{`a GETMETADATA "INBOX" (MAXSIZE 1024) (/shared/comment "/private/comment")`, &imap.GetMetadata{Mailbox: "INBOX", MaxSize: 1024, Entries: []string{"/shared/comment", "/private/comment"}}},
	{`a GETMETADATA (depth Infinity maxsize 0) INBOX ({8}` + "\r\n" + `/private)`, &imap.GetMetadata{Mailbox: "INBOX", Depth: imap.DepthInfinity, Entries: []string{"/private"}}},
	{`a GETMETADATA "INBOX" (DEPTH 1) (/private/filters/values)`, &imap.GetMetadata{Mailbox: "INBOX", MaxSize: -1, Depth: imap.DepthOne, Entries: []string{"/private/filters/values"}}},
	{`a GETMETADATA "INBOX" /private/comment /shared/comment`, &imap.GetMetadata{Mailbox: "INBOX", MaxSize: -1, Entries: []string{"/private/comment", "/shared/comment"}}},
	{"a SETMETADATA INBOX (/private/comment {33}\r\nMy new comment across\r\ntwo lines.)", &imap.SetMetadata{Mailbox: "INBOX", Entries: []imap.MetadataEntry{{Name: "/private/comment", Value: []byte("My new comment across\r\ntwo lines.")}}}},
	{"a SETMETADATA INBOX (/private/comment NIL)", &imap.SetMetadata{Mailbox: "INBOX", Entries: []imap.MetadataEntry{{Name: "/private/comment"}}}},
	{"a SETMETADATA \"\" (\"/private/vendor/x/a b\" \"\" /SHARED/comment ~{3}\r\na\x00b)", &imap.SetMetadata{Entries: []imap.MetadataEntry{
		{Name: "/private/vendor/x/a b", Value: []byte{}}, {Name: "/SHARED/comment", Value: []byte("a\x00b")}}}},
	{`A01 LIST "" % RETURN (METADATA ("/shared/vendor/cmu/cyrus-imapd/color"))`, &imap.List{Extended: true, Patterns: []string{"%"}, Metadata: []string{"/shared/vendor/cmu/cyrus-imapd/color"}}}, // RFC 9590
	{`A01 LIST (SUBSCRIBED) "" % RETURN (METADATA (/private/a /shared/b) CHILDREN)`, &imap.List{Extended: true, Select: imap.SelectSubscribed, Patterns: []string{"%"}, Return: imap.ReturnChildren, Metadata: []string{"/private/a", "/shared/b"}}},
	// RFC 7377
	{`tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen`, &imap.MultiSearch{Search: imap.Search{Key: flagKey(imap.SearchUnflag, imap.FlagSeen)},
		In: []imap.MailboxFilter{{Kind: imap.FilterMailboxes, Names: []string{"folder1"}}, {Kind: imap.FilterSubtree, Names: []string{"folder2"}}}}},
	{`tag2 ESEARCH IN (selected personal subtree-one (a inbox)) RETURN (COUNT) CHARSET UTF-8 subject "chad"`, &imap.MultiSearch{
		Search: imap.Search{Extended: true, ReturnOptions: imap.ReturnOptions{Return: imap.ReturnCount}, Charset: "UTF-8", Key: textKey(imap.SearchSubject, "chad")},
		In:     []imap.MailboxFilter{{}, {Kind: imap.FilterPersonal}, {Kind: imap.FilterSubtreeOne, Names: []string{"a", "INBOX"}}}}},
	{`tag1 UID ESEARCH FROM "frobozz" 1:100`, &imap.MultiSearch{Search: imap.Search{UID: true, Key: and(textKey(imap.SearchFrom, "frobozz"), imap.SearchKey{Op: imap.SearchSeq, Set: imap.SeqSet{Nums: ranges(1, 100)}})}}},
	// RFC 9208
	{`G0001 GETQUOTA "!partition/sda4"`, &imap.GetQuota{Root: "!partition/sda4"}},
	{`G0001 GETQUOTA ""`, &imap.GetQuota{}},
	{"G0002 GETQUOTAROOT INBOX", &imap.GetQuotaRoot{Mailbox: "INBOX"}},
	{"S0003 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)", &imap.Status{Mailbox: "INBOX", Items: imap.StatusMessages | imap.StatusDeleted | imap.StatusDeletedStorage}},
	{`A101 LIST "" ""`, &imap.List{Patterns: []string{""}}},
	{`A102 LIST & *&*`, &imap.List{Reference: "\ufffd", Patterns: []string{"\ufffd"}}}, // RFC 9051 §6.3.9: ignored
	{`A103 LIST "" (&AGE- %)`, &imap.List{Extended: true, Patterns: []string{"\ufffd", "%"}}},
	{`A104 LSUB "" "&*"`, &imap.Lsub{Pattern: "\ufffd"}},
	{"A202 LIST ~/Mail/ %", &imap.List{Reference: "~/Mail/", Patterns: []string{"%"}}},
	{`A02 LIST (SUBSCRIBED) "" "*"`, &imap.List{Extended: true, Select: imap.SelectSubscribed, Patterns: []string{"*"}}},
	{`A03 LIST () "" "%" RETURN (CHILDREN)`, &imap.List{Extended: true, Patterns: []string{"%"}, Return: imap.ReturnChildren}},
	{`BBB LIST "" ("INBOX" "Drafts" "Sent/%")`, &imap.List{Extended: true, Patterns: []string{"INBOX", "Drafts", "Sent/%"}}},
	{`C04 LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"`, &imap.List{Extended: true, Select: imap.SelectSubscribed | imap.SelectRecursiveMatch, Patterns: []string{"%"}}},
	{`t3 LIST (SPECIAL-USE) "" "%" RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN))`, &imap.List{Extended: true, Select: imap.SelectSpecialUse,
		Patterns: []string{"%"}, Return: imap.ReturnSpecialUse, Status: imap.StatusMessages | imap.StatusUnseen}},
	{`A02 LIST (SUBSCRIBED REMOTE) "" * RETURN ()`, &imap.List{Extended: true, Select: imap.SelectSubscribed | imap.SelectRemote, Patterns: []string{"*"}}},
	{`A002 LSUB "#news." "comp.mail.*"`, &imap.Lsub{Reference: "#news.", Pattern: "comp.mail.*"}},
	// §6.4
	{"A202 EXPUNGE", &imap.Expunge{}},
	{"A003 UID EXPUNGE 3000:3002", &imap.Expunge{UID: true, Set: imap.SeqSet{Nums: ranges(3000, 3002)}}},
	{"A003 COPY 2:4 MEETING", &imap.Copy{Set: imap.SeqSet{Nums: ranges(2, 4)}, Mailbox: "MEETING"}},
	{"a UID MOVE 42:69 foo", &imap.Move{UID: true, Set: imap.SeqSet{Nums: ranges(42, 69)}, Mailbox: "foo"}},
	{"a MOVE $ foo", &imap.Move{Set: imap.SeqSet{Saved: true}, Mailbox: "foo"}},
	{`A003 STORE 2:4 +FLAGS (\Deleted)`, &imap.Store{Set: imap.SeqSet{Nums: ranges(2, 4)}, Op: imap.StoreAdd, Flags: flags(imap.FlagDeleted)}},
	{`a UID STORE 1,3 -flags.silent \Seen $Junk`, &imap.Store{UID: true, Set: set(1, 3), Op: imap.StoreRemove, Silent: true, Flags: flags(imap.FlagSeen, "$Junk")}},
	{`a STORE 1 FLAGS ()`, &imap.Store{Set: set(1)}},
	{`a103 UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\Deleted)`,
		&imap.Store{UID: true, Set: set(4, 6, 8), Op: imap.StoreAdd, Silent: true, Flags: flags(imap.FlagDeleted), UnchangedSince: ptr(uint64(12121230045))}},
	{`c101 STORE 50 (UNCHANGEDSINCE 0) -FLAGS.SILENT (\Deleted)`,
		&imap.Store{Set: set(50), Op: imap.StoreRemove, Silent: true, Flags: flags(imap.FlagDeleted), UnchangedSince: ptr(uint64(0))}},
	{`B04 CANCELUPDATE "B01"`, &imap.CancelUpdate{Tags: []string{"B01"}}},
	{`B05 CANCELUPDATE "B01" "B02"`, &imap.CancelUpdate{Tags: []string{"B01", "B02"}}},
}

func TestParseCommand(t *testing.T) {
	for _, c := range append(commandTests, urlCommandTests...) {
		_, got, err := parse(t, false, c.text)
		if c.want == nil {
			if err == nil {
				t.Errorf("%q: parsed as %#v", c.text, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

func item(kind imap.FetchKind) imap.FetchItem { return imap.FetchItem{Kind: kind} }

var fetchTests = []struct {
	text string
	want imap.Fetch
}{
	{"1 ALL", imap.Fetch{Set: set(1), Items: []imap.FetchItem{item(imap.FetchFlags), item(imap.FetchInternalDate), item(imap.FetchSize), item(imap.FetchEnvelope)}}},
	{"1 fast", imap.Fetch{Set: set(1), Items: []imap.FetchItem{item(imap.FetchFlags), item(imap.FetchInternalDate), item(imap.FetchSize)}}},
	{"1 BODY", imap.Fetch{Set: set(1), Items: []imap.FetchItem{item(imap.FetchBody)}}},
	{"2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])", imap.Fetch{Set: imap.SeqSet{Nums: ranges(2, 4)}, Items: []imap.FetchItem{
		item(imap.FetchFlags), {Kind: imap.FetchSection, Section: imap.Section{Text: imap.SectionHeaderFields, Fields: []string{"DATE", "FROM"}}}}}},
	{"1 BODY.PEEK[4.2.2.1.HEADER]<0.2048>", imap.Fetch{Set: set(1), Items: []imap.FetchItem{
		{Kind: imap.FetchSection, Peek: true, Section: imap.Section{Part: []uint32{4, 2, 2, 1}, Text: imap.SectionHeader}, Partial: &imap.Partial{Length: 2048}}}}},
	{"1 (BODY[] BODY[1.MIME] BODY[TEXT] BODY[1.HEADER.FIELDS.NOT (\"x y\")])", imap.Fetch{Set: set(1), Items: []imap.FetchItem{
		{Kind: imap.FetchSection},
		{Kind: imap.FetchSection, Section: imap.Section{Part: []uint32{1}, Text: imap.SectionMIME}},
		{Kind: imap.FetchSection, Section: imap.Section{Text: imap.SectionBody}},
		{Kind: imap.FetchSection, Section: imap.Section{Part: []uint32{1}, Text: imap.SectionHeaderFieldsNot, Fields: []string{"x y"}}}}}},
	{"1 (RFC822 RFC822.HEADER RFC822.TEXT RFC822.SIZE)", imap.Fetch{Set: set(1), Items: []imap.FetchItem{
		{Kind: imap.FetchRFC822}, {Kind: imap.FetchRFC822Header, Peek: true, Section: imap.Section{Text: imap.SectionHeader}},
		{Kind: imap.FetchRFC822Text, Section: imap.Section{Text: imap.SectionBody}}, item(imap.FetchSize)}}},
	{"1 (BINARY.PEEK[1.2]<5.9223372036854775807> BINARY.SIZE[] BINARY[1])", imap.Fetch{Set: set(1), Items: []imap.FetchItem{
		{Kind: imap.FetchBinary, Peek: true, Section: imap.Section{Part: []uint32{1, 2}}, Partial: &imap.Partial{Offset: 5, Length: math.MaxInt64}},
		{Kind: imap.FetchBinarySize}, {Kind: imap.FetchBinary, Section: imap.Section{Part: []uint32{1}}}}}},
	{"1 (UID EMAILID THREADID SAVEDATE MODSEQ PREVIEW (LAZY) BODYSTRUCTURE)", imap.Fetch{Set: set(1), Items: []imap.FetchItem{
		item(imap.FetchUID), item(imap.FetchEmailID), item(imap.FetchThreadID), item(imap.FetchSaveDate), item(imap.FetchModSeq),
		{Kind: imap.FetchPreview, Lazy: true}, item(imap.FetchBodyStructure)}}},
	{"1 PREVIEW (CHANGEDSINCE 5)", imap.Fetch{Set: set(1), ChangedSince: 5, Items: []imap.FetchItem{item(imap.FetchPreview)}}},
	{"1:* (FLAGS) (CHANGEDSINCE 12345)", imap.Fetch{Set: imap.SeqSet{Star: 1}, ChangedSince: 12345, Items: []imap.FetchItem{item(imap.FetchFlags)}}},
}

func TestParseFetch(t *testing.T) {
	for _, c := range fetchTests {
		_, got, err := parse(t, false, "a FETCH "+c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
	_, got, err := parse(t, false, "s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)")
	if f, ok := got.(*imap.Fetch); err != nil || !ok || !f.Vanished || !f.UID {
		t.Errorf("VANISHED: %#v, %v", got, err)
	}
	_, got, err = parse(t, false, "101 UID FETCH 1 (UID) (CHANGEDSINCE 98305 PARTIAL -1:-30)")
	want := &imap.Fetch{UID: true, Set: set(1), Items: []imap.FetchItem{item(imap.FetchUID)}, ChangedSince: 98305, Window: &imap.PartialRange{From: 1, To: 30, Last: true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("PARTIAL: %v %s", err, diff)
	}
}

func TestParseQResync(t *testing.T) {
	for text, want := range map[string]imap.QResync{
		"67890007 20050715194045000":                              {UIDValidity: 67890007, ModSeq: 20050715194045000},
		"67890007 20050715194045000 41,43:211,214:541":            {UIDValidity: 67890007, ModSeq: 20050715194045000, Known: ranges(41, 41, 43, 211, 214, 541)},
		"67890007 90060115194045000 41:211,214:541 (5,9 7,11:11)": {UIDValidity: 67890007, ModSeq: 90060115194045000, Known: ranges(41, 211, 214, 541), Seqs: ranges(5, 5, 9, 9), UIDs: ranges(7, 7, 11, 11)},
		"1 1 (1 1)": {UIDValidity: 1, ModSeq: 1, Seqs: ranges(1, 1), UIDs: ranges(1, 1)},
	} {
		_, got, err := parse(t, false, "A SELECT INBOX (QRESYNC ("+text+"))")
		if diff := cmp.Diff(&imap.Select{Mailbox: "INBOX", QResync: &want}, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", text, err, diff)
		}
	}
}

func returns(r imap.SearchReturn) imap.ReturnOptions { return imap.ReturnOptions{Return: r} }

func key(op imap.SearchOp) imap.SearchKey { return imap.SearchKey{Op: op} }

func textKey(op imap.SearchOp, text string) imap.SearchKey {
	return imap.SearchKey{Op: op, Text: text}
}

func flagKey(op imap.SearchOp, f imap.SystemFlags) imap.SearchKey {
	return imap.SearchKey{Op: op, Flag: f}
}

func and(keys ...imap.SearchKey) imap.SearchKey {
	return imap.SearchKey{Op: imap.SearchAnd, Keys: keys}
}

func or(keys ...imap.SearchKey) imap.SearchKey {
	return imap.SearchKey{Op: imap.SearchOr, Keys: keys}
}

func not(k imap.SearchKey) imap.SearchKey {
	return imap.SearchKey{Op: imap.SearchNot, Keys: []imap.SearchKey{k}}
}

var searchTests = []struct {
	text string
	want imap.Search
}{
	{`FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"`, imap.Search{Key: and(flagKey(imap.SearchFlag, imap.FlagFlagged),
		imap.SearchKey{Op: imap.SearchSince, Date: day(1994, 2, 1)}, not(textKey(imap.SearchFrom, "Smith")))}},
	{"CHARSET utf-8 TEXT {12}\r\nпривет", imap.Search{Charset: "UTF-8", Key: textKey(imap.SearchText, "привет")}},
	{"RETURN (MIN COUNT) FLAGGED", imap.Search{Extended: true, ReturnOptions: returns(imap.ReturnMin | imap.ReturnCount), Key: flagKey(imap.SearchFlag, imap.FlagFlagged)}},
	{"RETURN () 1:*", imap.Search{Extended: true, ReturnOptions: returns(imap.ReturnAll), Key: imap.SearchKey{Op: imap.SearchSeq, Set: imap.SeqSet{Star: 1}}}},
	{"RETURN (SAVE) CHARSET US-ASCII $", imap.Search{Extended: true, ReturnOptions: returns(imap.ReturnSave), Charset: "US-ASCII", Key: imap.SearchKey{Op: imap.SearchSeq, Set: imap.SeqSet{Saved: true}}}},
	{"RETURN (PARTIAL -1:-100) UNDELETED", imap.Search{Extended: true, ReturnOptions: imap.ReturnOptions{Return: imap.ReturnPartial,
		Window: imap.PartialRange{From: 1, To: 100, Last: true}}, Key: flagKey(imap.SearchUnflag, imap.FlagDeleted)}},
	// RFC 5465 §7
	{`RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (TO FROM SUBJECT)])) FROM "boss"`, imap.Search{Extended: true, ReturnOptions: imap.ReturnOptions{
		Return: imap.ReturnUpdate | imap.ReturnCount, Update: []imap.FetchItem{{Kind: imap.FetchUID},
			{Kind: imap.FetchSection, Section: imap.Section{Text: imap.SectionHeaderFields, Fields: []string{"TO", "FROM", "SUBJECT"}}}}}, Key: textKey(imap.SearchFrom, "boss")}},
	{"RETURN (partial 500:400 UPDATE CONTEXT COUNT) ALL", imap.Search{Extended: true, ReturnOptions: imap.ReturnOptions{
		Return: imap.ReturnPartial | imap.ReturnUpdate | imap.ReturnContext | imap.ReturnCount, Window: imap.PartialRange{From: 500, To: 400}}, Key: key(imap.SearchAll)}},
	{"OR SEEN OR DRAFT (OR ANSWERED ALL)", imap.Search{Key: or(flagKey(imap.SearchFlag, imap.FlagSeen), flagKey(imap.SearchFlag, imap.FlagDraft),
		flagKey(imap.SearchFlag, imap.FlagAnswered), key(imap.SearchAll))}},
	{"UID 300:900 FILTER on-the-road SINCE \"3-Dec-2002\"", imap.Search{Key: and(imap.SearchKey{Op: imap.SearchUID, Set: imap.SeqSet{Nums: ranges(300, 900)}},
		textKey(imap.SearchFilter, "on-the-road"), imap.SearchKey{Op: imap.SearchSince, Date: day(2002, 12, 3)})}}, // RFC 5466
	{"NEW", imap.Search{Key: and(flagKey(imap.SearchFlag, imap.FlagRecent), flagKey(imap.SearchUnflag, imap.FlagSeen))}},
	{"OLD UNDELETED", imap.Search{Key: and(flagKey(imap.SearchUnflag, imap.FlagRecent), flagKey(imap.SearchUnflag, imap.FlagDeleted))}},
	{`UNSEEN YOUNGER 259200`, imap.Search{Key: and(flagKey(imap.SearchUnflag, imap.FlagSeen), imap.SearchKey{Op: imap.SearchYounger, Num: 259200})}},
	{`MODSEQ "/flags/\\draft" all 620162338`, imap.Search{Key: imap.SearchKey{Op: imap.SearchModSeq, Entry: `/flags/\draft`, EntryType: "all", Num: 620162338}}},
	{"OR NOT MODSEQ 720162338 LARGER 50000", imap.Search{Key: or(not(imap.SearchKey{Op: imap.SearchModSeq, Num: 720162338}), imap.SearchKey{Op: imap.SearchLarger, Num: 50000})}},
	{"EMAILID M6d99ac3275bb4e THREADID T_-1", imap.Search{Key: and(textKey(imap.SearchEmailID, "M6d99ac3275bb4e"), textKey(imap.SearchThreadID, "T_-1"))}},
	{`SAVEDBEFORE "28-Mar-2003" SAVEDATESUPPORTED`, imap.Search{Key: and(imap.SearchKey{Op: imap.SearchSavedBefore, Date: day(2003, 3, 28)}, key(imap.SearchSaveDateSupported))}},
	{`HEADER Message-ID "<x@y>" UID 4:6 KEYWORD $Junk UNKEYWORD a`, imap.Search{Key: and(imap.SearchKey{Op: imap.SearchHeader, Field: "Message-ID", Text: "<x@y>"},
		imap.SearchKey{Op: imap.SearchUID, Set: imap.SeqSet{Nums: ranges(4, 6)}}, textKey(imap.SearchKeyword, "$Junk"), textKey(imap.SearchUnkeyword, "a"))}},
	{"((SEEN))", imap.Search{Key: flagKey(imap.SearchFlag, imap.FlagSeen)}},
	{"SENTON 01-Jan-2020 SMALLER 9223372036854775807", imap.Search{Key: and(imap.SearchKey{Op: imap.SearchSentOn, Date: day(2020, 1, 1)}, imap.SearchKey{Op: imap.SearchSmaller, Num: math.MaxInt64})}},
}

func TestParseSearch(t *testing.T) {
	for _, c := range searchTests {
		_, got, err := parse(t, false, "a SEARCH "+c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		} else if diff := cmp.Diff(&c.want, got); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
	}
}

// TestParseErrors has what must be refused, with the kind of the error.
func TestParseErrors(t *testing.T) {
	for text, want := range map[string]imap.ErrorKind{
		"":                                   imap.BadLine,
		"a":                                  imap.BadLine,
		"+a NOOP":                            imap.BadLine,
		"(a NOOP":                            imap.BadLine,
		"a ":                                 imap.BadSyntax,
		"a  NOOP":                            imap.BadSyntax,
		"a FROBNICATE 1":                     imap.UnknownCommand,
		"a UID NOOP":                         imap.UnknownCommand,
		"a NOOP x":                           imap.BadSyntax,
		"a NOOP ":                            imap.BadSyntax,
		"a LOGIN x":                          imap.BadSyntax,
		"a LOGIN x  y":                       imap.BadSyntax,
		`a LOGIN "x y`:                       imap.BadSyntax,
		`a LOGIN "x\y" z`:                    imap.BadSyntax,
		"a LOGIN \"\xff\" z":                 imap.BadSyntax,
		"a LOGIN {5}\r\nab c":                imap.BadSyntax,
		"a LOGIN ~{1}\r\na c":                imap.BadSyntax,
		"a AUTHENTICATE PLAIN *":             imap.BadSyntax,
		"a AUTHENTICATE PLAIN YQ":            imap.BadSyntax,
		"a SELECT":                           imap.BadSyntax,
		`a SELECT ""`:                        imap.BadName,
		"a SELECT a&b":                       imap.BadName,
		"a SELECT \"caf\u00e9\"":             imap.BadName,
		"a SELECT &AGE-":                     imap.BadName,
		"a SELECT x (FOO)":                   imap.BadSyntax,
		"a SELECT x ()":                      imap.BadSyntax,
		"a SELECT x (QRESYNC (0 1))":         imap.BadSyntax,
		"a SELECT x (QRESYNC (1 0))":         imap.BadSyntax,
		"a SELECT x (QRESYNC (1 1 1:*))":     imap.BadSyntax,
		"a SELECT x (QRESYNC (1 1 (1:2 1)))": imap.BadSyntax,
		"a SELECT x (QRESYNC (1 9223372036854775808))":              imap.BadSyntax,
		"a LIST (RECURSIVEMATCH) \"\" *":                            imap.BadSyntax,
		"a LIST (REMOTE RECURSIVEMATCH) \"\" *":                     imap.BadSyntax,
		"a LIST (FOO) \"\" *":                                       imap.BadSyntax,
		"a LIST \"\" () ":                                           imap.BadSyntax,
		"a LIST \"\" * RETURN (X)":                                  imap.BadSyntax,
		"a STATUS x ()":                                             imap.BadSyntax,
		"a STATUS x (FOO)":                                          imap.BadSyntax,
		"a STATUS x MESSAGES":                                       imap.BadSyntax,
		"a NOTIFY":                                                  imap.BadSyntax,
		"a NOTIFY SOME":                                             imap.BadSyntax,
		"a NOTIFY NONE x":                                           imap.BadSyntax,
		"a NOTIFY SET":                                              imap.BadSyntax,
		"a NOTIFY SET STATUS":                                       imap.BadSyntax,
		"a NOTIFY SET ()":                                           imap.BadSyntax,
		"a NOTIFY SET (foo NONE)":                                   imap.BadSyntax,
		"a NOTIFY SET (personal)":                                   imap.BadSyntax,
		"a NOTIFY SET (personal ())":                                imap.BadSyntax,
		"a NOTIFY SET (subtree NONE)":                               imap.BadSyntax,
		"a NOTIFY SET (subtree () NONE)":                            imap.BadSyntax,
		"a NOTIFY SET (personal (MessageNew))":                      imap.BadSyntax,
		"a NOTIFY SET (personal (MessageExpunge))":                  imap.BadSyntax,
		"a NOTIFY SET (personal (FlagChange))":                      imap.BadSyntax,
		"a NOTIFY SET (personal (AnnotationChange))":                imap.BadSyntax,
		"a NOTIFY SET (personal (MessageNew (UID) MessageExpunge))": imap.BadSyntax,
		"a NOTIFY SET (selected (MessageNew () MessageExpunge))":    imap.BadSyntax,
		"a NOTIFY SET (selected (MessageNew MessageExpunge MailboxName))": imap.BadSyntax,
		"a NOTIFY SET (selected NONE) (selected-delayed NONE)":            imap.BadSyntax,
		"a NOTIFY SET (selected MessageNew (uid) MessageExpunge)":         imap.BadSyntax,
		"a FETCH 0 FLAGS":                                         imap.BadSyntax,
		"a FETCH 01 FLAGS":                                        imap.BadSyntax,
		"a FETCH 4294967296 FLAGS":                                imap.BadSyntax,
		"a FETCH 1, FLAGS":                                        imap.BadSyntax,
		"a FETCH 1:2:3 FLAGS":                                     imap.BadSyntax,
		"a FETCH $,1 FLAGS":                                       imap.BadSyntax,
		"a FETCH 1 ()":                                            imap.BadSyntax,
		"a FETCH 1 (ALL)":                                         imap.BadSyntax,
		"a FETCH 1 BODY[MIME]":                                    imap.BadSyntax,
		"a FETCH 1 BODY[1.]":                                      imap.BadSyntax,
		"a FETCH 1 BODY[0]":                                       imap.BadSyntax,
		"a FETCH 1 BODY[]<0.0>":                                   imap.BadSyntax,
		"a FETCH 1 BODY[HEADER.FIELDS ()]":                        imap.BadSyntax,
		"a FETCH 1 BINARY[1.TEXT]":                                imap.BadSyntax,
		"a FETCH 1 BINARY.SIZE[1]<0.5>":                           imap.BadSyntax,
		"a FETCH 1 BODY.PEEK":                                     imap.BadSyntax,
		"a FETCH 1 FLAGS (VANISHED)":                              imap.BadSyntax,
		"a FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)":               imap.BadSyntax,
		"a UID FETCH 1 FLAGS (VANISHED)":                          imap.BadSyntax,
		"a FETCH 1 FLAGS (CHANGEDSINCE 0)":                        imap.BadSyntax,
		"a STORE 1 FLAGS":                                         imap.BadSyntax,
		"a STORE 1 +FLAGS (\\Recent)":                             imap.BadSyntax,
		"a STORE 1 FLAG (x)":                                      imap.BadSyntax,
		"a STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 2) FLAGS (x)": imap.BadSyntax,
		"a UID EXPUNGE":                                           imap.BadSyntax,
		"a EXPUNGE 1":                                             imap.BadSyntax,
		"a SEARCH":                                                imap.BadSyntax,
		"a SEARCH FOO":                                            imap.BadSyntax,
		"a SEARCH (SEEN":                                          imap.BadSyntax,
		"a SEARCH SEEN)":                                          imap.BadSyntax,
		"a SEARCH ()":                                             imap.BadSyntax,
		"a SEARCH NOT":                                            imap.BadSyntax,
		"a SEARCH OR SEEN":                                        imap.BadSyntax,
		"a SEARCH RETURN (FOO) ALL":                               imap.BadSyntax,
		"a SEARCH RETURN (ALL PARTIAL 1:2) ALL":                   imap.BadSyntax,
		"a SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL":           imap.BadSyntax,
		"a SEARCH RETURN (PARTIAL) ALL":                           imap.BadSyntax,
		"a SEARCH RETURN (PARTIAL 0:1) ALL":                       imap.BadSyntax,
		"a SEARCH RETURN (PARTIAL 1:*) ALL":                       imap.BadSyntax,
		"a SEARCH RETURN (PARTIAL -1:2) ALL":                      imap.BadSyntax,
		"a SEARCH RETURN (PARTIAL 1:-2) ALL":                      imap.BadSyntax,
		"a FETCH 1 UID (PARTIAL 1:2)":                             imap.BadSyntax,
		"a UID FETCH 1 UID (PARTIAL 1:2 PARTIAL 1:2)":             imap.BadSyntax,
		"a CANCELUPDATE":                                          imap.BadSyntax,
		"a CANCELUPDATE x":                                        imap.BadSyntax,
		"a SEARCH ON 31-Feb-2020":                                 imap.BadDate,
		"a SEARCH ON 1-Foo-2020":                                  imap.BadSyntax,
		"a SEARCH ON 1-Jan-20":                                    imap.BadSyntax,
		"a SEARCH FILTER a/b":                                     imap.BadSyntax,
		"a SEARCH FILTER \"a\"":                                   imap.BadSyntax,
		"a SEARCH YOUNGER 0":                                      imap.BadSyntax,
		"a SEARCH EMAILID a.b":                                    imap.BadSyntax,
		"a SEARCH MODSEQ \"/flags/x\" none 1":                     imap.BadSyntax,
		"a SEARCH MODSEQ \"\" all 1":                              imap.BadSyntax,
		"a APPEND x":                                              imap.BadSyntax,
		"a APPEND x hello":                                        imap.BadSyntax,
		"a APPEND x UTF8 ({2}\r\nhi)":                             imap.BadSyntax,
		"a APPEND x \"32-Jan-2020 00:00:00 +0000\" {1}\r\na":      imap.BadDate,
		"a APPEND x \"01-Jan-2020 24:00:00 +0000\" {1}\r\na":      imap.BadDate,
		"a APPEND x \"1-Jan-2020 00:00:00 +0000\" {1}\r\na":       imap.BadSyntax,
		"a GETMETADATA x":                                         imap.BadSyntax,
		"a GETMETADATA x ()":                                      imap.BadSyntax,
		"a GETMETADATA x (/private/a*)":                           imap.BadSyntax,
		"a GETMETADATA x /private/a%":                             imap.BadSyntax,
		"a GETMETADATA x \"/private/\u00e9\"":                     imap.BadSyntax,
		"a GETMETADATA x \"/private/\x19\"":                       imap.BadSyntax,
		"a GETMETADATA x /private//a":                             imap.BadSyntax,
		"a GETMETADATA x /private/a/":                             imap.BadSyntax,
		"a GETMETADATA x 0/private/a":                             imap.BadSyntax,
		"a GETMETADATA x private/a":                               imap.BadSyntax,
		"a GETMETADATA x /public/a":                               imap.BadSyntax,
		"a GETMETADATA x (DEPTH 2) /private/a":                    imap.BadSyntax,
		"a GETMETADATA x (MAXSIZE 4294967296) /private/a":         imap.BadSyntax,
		"a GETMETADATA x (FOO 1) /private/a":                      imap.BadSyntax,
		"a GETMETADATA x /private/" + strings.Repeat("a", 1000):   imap.TooLarge,
		"a SETMETADATA x (/private/a)":                            imap.BadSyntax,
		"a SETMETADATA x (/private/a atom)":                       imap.BadSyntax,
		"a LIST \"\" * RETURN (METADATA ())":                      imap.BadSyntax,
		"a LIST \"\" * RETURN (METADATA (a))":                     imap.BadSyntax,
		"a ESEARCH IN () ALL":                                     imap.BadSyntax,
		"a ESEARCH IN (selected-delayed) ALL":                     imap.BadSyntax,
		"a ESEARCH IN (mailboxes) ALL":                            imap.BadSyntax,
		"a ESEARCH IN (personal (DEPTH 1)) ALL":                   imap.BadSyntax,
		"a ESEARCH IN (personal)":                                 imap.BadSyntax,
		"a SETMETADATA x ()":                                      imap.BadSyntax,
		"a SETMETADATA x (/private NIL)":                          imap.BadSyntax,
		"a SETMETADATA x (/private/vendor/x NIL)":                 imap.BadSyntax,
		"a ENABLE":                imap.BadSyntax,
		"a ID (\"a\")":            imap.BadSyntax,
		"a CREATE x (USE (Sent))": imap.BadSyntax,
		"a FETCH 1 (" + strings.Repeat("UID ", 1000) + "UID)":                      imap.TooLarge,
		"a SEARCH " + strings.Repeat("(", 600) + "SEEN" + strings.Repeat(")", 600): imap.TooLarge,
		"a SEARCH " + strings.Repeat("NOT ", 600) + "SEEN":                         imap.TooLarge,
		"a SEARCH " + strings.Repeat("SEEN ", 6000) + "SEEN":                       imap.TooLarge,
		"a FETCH 1 BODY[1" + strings.Repeat(".1", 200) + "]":                       imap.TooLarge,
	} {
		tag, cmd, err := parse(t, false, text)
		var e *imap.Error
		if !errors.As(err, &e) {
			t.Errorf("%.60q: %#v, %v", text, cmd, err)
			continue
		}
		if e.Kind != want {
			t.Errorf("%.60q: %v, want %v", text, e, want)
		}
		if cmd != nil || e.Tag != tag || strings.ContainsAny(e.Text(), "\r\n") {
			t.Errorf("%.60q: cmd %v, tag %q, error %#v", text, cmd, tag, e)
		}
		if want != imap.BadLine && tag != "a" {
			t.Errorf("%.60q: tag %q", text, tag)
		}
	}
}

// TestParseNamesUTF8 has names after ENABLE IMAP4rev2.
func TestParseNamesUTF8(t *testing.T) {
	for text, want := range map[string]string{
		`a SELECT "Entwürfe"`:    "Entwürfe",
		"a SELECT {3+}\r\ncaf":   "caf",
		"a SELECT a&b":           "a&b",
		"a SELECT &U,BTFw-":      "&U,BTFw-",
		"a SELECT {6}\r\nInbox2": "Inbox2",
		`a SELECT "inbox"`:       "INBOX",
	} {
		_, got, err := parse(t, true, text)
		if s, ok := got.(*imap.Select); err != nil || !ok || s.Mailbox != want {
			t.Errorf("%q: %#v, %v", text, got, err)
		}
	}
	if _, _, err := parse(t, true, "a SELECT {1+}\r\n\xff"); err == nil {
		t.Error("a name that is not UTF-8 was accepted")
	}
}

// TestLongOrChain: clients write long lists of alternatives as a chain.
func TestLongOrChain(t *testing.T) {
	_, got, err := parse(t, false, "a SEARCH "+strings.Repeat("OR FROM x ", 2000)+"SEEN")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.(*imap.Search).Key.Keys); n != 2001 {
		t.Errorf("%d alternatives", n)
	}
}

func TestParseCriteria(t *testing.T) {
	got, err := imap.ParseCriteria("OR SMALLER 5000 FROM \"boss@example.com\"")
	want := or(imap.SearchKey{Op: imap.SearchSmaller, Num: 5000}, textKey(imap.SearchFrom, "boss@example.com"))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, text := range []string{"", "OR SMALLER", "SEEN)", "SEEN ", "CHARSET UTF-8 SEEN", "BODY {5}\r\nab", "BODY \x00"} {
		var e *imap.Error
		if got, err := imap.ParseCriteria(text); !errors.As(err, &e) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for name, want := range map[string]bool{"a": true, "on-the-road": true, "": false, "a/b": false, "a b": false, "a]": false, "\xe9": false} {
		if imap.IsFilterName(name) != want {
			t.Errorf("IsFilterName(%q) = %v", name, !want)
		}
	}
}

func TestMapStrings(t *testing.T) {
	_, cmd, err := parse(t, false, "a SEARCH CHARSET X OR FROM a (NOT BODY b KEYWORD c HEADER d e)")
	if err != nil {
		t.Fatal(err)
	}
	s := cmd.(*imap.Search)
	if err := s.MapStrings(func(v string) (string, error) { return v + "!", nil }); err != nil {
		t.Fatal(err)
	}
	want := or(textKey(imap.SearchFrom, "a!"), and(not(textKey(imap.SearchBody, "b!")), textKey(imap.SearchKeyword, "c"),
		imap.SearchKey{Op: imap.SearchHeader, Field: "d", Text: "e!"}))
	if diff := cmp.Diff(want, s.Key); diff != "" {
		t.Error(diff)
	}
	fault := errors.New("no")
	if err := s.MapStrings(func(string) (string, error) { return "", fault }); err != fault {
		t.Errorf("MapStrings = %v", err)
	}
}

// checkRoundTrip: a command parsed, encoded and parsed again is the same.
func checkRoundTrip(t *testing.T, utf8Mode bool, tag string, cmd imap.Command) {
	t.Helper()
	out, cuts := imap.AppendCommand(nil, tag, cmd, utf8Mode)
	if len(cuts) != 0 {
		t.Fatalf("%q: cuts %v", out, cuts)
	}
	body, ok := strings.CutSuffix(string(out), "\r\n")
	if !ok {
		t.Fatalf("%q does not end in CRLF", out)
	}
	tag2, again, err := parse(t, utf8Mode, body)
	if err != nil {
		t.Fatalf("%q: %v", out, err)
	}
	if diff := cmp.Diff(cmd, again, sameTime); diff != "" || tag2 != tag {
		t.Fatalf("%q: tag %q: %s", out, tag2, diff)
	}
}

var sameTime = cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })

func TestCommandRoundTrip(t *testing.T) {
	for _, text := range allCommands() {
		if _, cmd, err := parse(t, false, text); err == nil {
			checkRoundTrip(t, false, "t1", cmd)
			checkRoundTrip(t, true, "t1", cmd)
		}
	}
}

func allCommands() []string {
	var all []string
	for _, c := range commandTests {
		all = append(all, c.text)
	}
	for _, c := range fetchTests {
		all = append(all, "a FETCH "+c.text)
	}
	for _, c := range searchTests {
		all = append(all, "a UID SEARCH "+c.text)
	}
	all = append(all, sortCommands...)
	for _, c := range urlCommandTests {
		all = append(all, c.text)
	}
	return append(all, "A SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (5,9 7,11:11)))",
		"s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)", "10 UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-3)",
		"101 UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-30 CHANGEDSINCE 98305)")
}

func FuzzParse(f *testing.F) {
	for _, text := range allCommands() {
		f.Add([]byte(text), false)
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, utf8Mode bool) {
		tag, cmd, err := imap.Parser{UTF8: utf8Mode}.Parse(imap.FrameOf(text))
		if err != nil {
			var e *imap.Error
			if !errors.As(err, &e) || cmd != nil {
				t.Fatalf("%#v, %v", cmd, err)
			}
			return
		}
		checkRoundTrip(t, utf8Mode, tag, cmd)
	})
}
