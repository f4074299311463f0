package account

import (
	"encoding/hex"
	"testing"
	"time"

	"citron/engine/body"
	"citron/mail/acl"
	"citron/store/textindex"
	"citron/store/uidset"
)

// goldenRecords are values of each kind as they stand on disk of servers that
// are out there: docs/key-layout.md, which changes only with a version byte.
func goldenRecords() []struct {
	kind  string
	value []byte
	hex   string
} {
	at := time.Unix(1e9, 0).In(time.FixedZone("", -(3*60+30)*60))
	extents := []extent{{first: 5, n: 3, id: 300, modseq: 7}}
	h := head{2, 900, 3, 1 << 40, 4, 1 << 33, 5, 1<<32 - 1, 6}
	b := box{MailboxInfo: MailboxInfo{Name: "Büro", ObjectID: "F1", UIDValidity: 1e9, UIDNext: 1 << 32, ModSeq: 300, LogFloor: 2,
		Messages: 200, Unseen: 3, Deleted: 4, Size: 1 << 34, SpecialUse: []string{`\Sent`}, Keywords: []string{"$Junk", "x"}},
		created: 5, chosen: true, logRecords: 6, recentFrom: 7, extents: extents}
	e := Entry{Object: 700, ModSeq: 300, Flags: Seen, Internationalized: true, Size: 1234, InternalDate: at,
		SaveDate: unix(at.Unix() - 3600), Keywords: Keywords{}.With(0).With(65)}
	plain := Entry{Object: 7, Size: 9, InternalDate: unix(at.Unix()), SaveDate: unix(at.Unix())}
	o := object{refs: 200, emailID: objectID{1, 2}, threadID: objectID{3}, size: 10, arrived: at, ref: body.Ref{Segment: 1, Offset: 200, Length: 10}}
	inline := object{refs: 1, size: 10, arrived: at}
	l := logRecord{at: 1e9, came: uidset.Of(1, 2, 500), changed: uidset.Of(9), gone: nil}
	n := namesRecord{at: 1e9, changes: []NameChange{{1, "a", "b"}, {300, "", "c"}}}
	x := textHead{textindex.Format, 9, 3, 2, []textSegment{{1, 200, 3}}, []ObjectID{7, 900}, []columnMark{{1, 513}}}
	sent := attempt{at: 1e9, request: [32]byte{1}, draft: DraftID{"Drafts", 3, 1e9, 7}, validity: 2e9, uid: 400, queued: "id"}
	own := moved{account: 7, mailbox: 300, uids: uidset.Of(3)}
	note := annotation{name: "/comment", value: []byte("mine")}
	return []struct {
		kind  string
		value []byte
		hex   string
	}{
		{"head", h.append(nil), "010284070380808080802004808080802005ffffffff0f06"},
		{"mailbox", b.append(nil), "01010542c3bc726f0246318094ebdc038080808010ac020206c80103048080808040050701055c53656e740205244a756e6b0178010503ac0207"},
		{"entry", e.append(nil), "0121bc05ac02d20980a8d6b907a3039f38010000000000000002"},
		{"entry without keywords", plain.append(nil), "010007000980a8d6b9070000"},
		{"object", o.append(nil), "01c80101020000000000000000000000000000030000000000000000000000000000000a80a8d6b907a30301c8010a"},
		{"object, inline", inline.append(nil), "010100000000000000000000000000000000000000000000000000000000000000000a80a8d6b907a30300"},
		{"header", appendHeader(nil, []byte("A: b\r\n"), true), "0101413a20620d0a"},
		{"log", l.append(nil), "018094ebdc03020101f2030001090000"},
		{"names", n.append(nil), "018094ebdc03020101610162ac02000163"},
		{"grave", (&grave{uids: uidset.Of(3, 4)}).append(nil), "0100010301"},
		{"grave of a mailbox", (&grave{mailbox: true, extents: extents}).append(nil), "0101010503ac0207"},
		{"text index", x.append(nil), "01010903020101c801030207840701018104"},
		{"column", appendColumn(nil, []objectRun{{1, 500, 300}, {400, 2, 1}}), "010201e807ac0263bb0c01"},
		{"attempt", sent.append(nil), "018094ebdc03010000000000000000000000000000000000000000000000000000000000000006447261667473038094ebdc030780a8d6b9079003026964"},
		{"waiting", (&waiting{700, []byte("envelope")}).append(nil), "01bc05656e76656c6f7065"},
		{"sources", appendSources(nil, []Source{{1, 200, 3, false}}), "010101c80103"},
		{"access list", appendACL(nil, acl.List{{Who: acl.Who{Account: 7}, Rights: 3}, {Who: acl.Who{Account: 7, Negative: true}, Rights: 1 << 9}}), "01020e030f8004"},
		{"moved", own.append(nil), "0107ac02010300"},
		{"annotation", note.append(nil), "01082f636f6d6d656e746d696e65"},
		{"import key", importKey("source", "id"), "6906736f75726365026964"},
	}
}

func TestRecordsOnDisk(t *testing.T) {
	for _, r := range goldenRecords() {
		if got := hex.EncodeToString(r.value); got != r.hex {
			t.Errorf("%s is written as\n%s, not\n%s", r.kind, got, r.hex)
		}
	}
}
