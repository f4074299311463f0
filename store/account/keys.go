package account

import (
	"encoding/binary"

	"citron/engine/record"
)

// The first byte of every key; docs/key-layout.md describes each.
const (
	keyHead       = 'h'
	keyMailbox    = 'm'
	keyNames      = 'n'
	keySub        = 's'
	keyChunk      = 'c'
	keyEntry      = 'e'
	keyLog        = 'l'
	keyObject     = 'o'
	keyIndex      = 'x'
	keyHeader     = 'y'
	keyInline     = 'b'
	keyThread     = 'r'
	keyAwaited    = 'f'
	keyGrave      = 'g'
	keyIntent     = 'w'
	keyDark       = 'd'
	keyImported   = 'i'
	keyACL        = 'a'
	keyURL        = 'u'
	keyAcross     = 'j'
	keyMetadata   = 't'
	keyPosting    = 'q'
	keyText       = 'v'
	keyOnce       = 'z'
	keyOutbox     = 'k'
	keyProvenance = 'p'
)

// The second byte of the keys of what spans two accounts.
const (
	acrossNotice = 1 // another account is to be told what is shared with it
	acrossShare  = 2 // another account shares with this one
	acrossMove   = 3 // messages are to be expunged in another account
)

// appendKey32 appends a key of a letter and one u32.
func appendKey32(dst []byte, letter byte, a uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, letter), a)
}

// appendKey64 appends a key of a letter and one u64.
func appendKey64(dst []byte, letter byte, a uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, letter), a)
}

// appendKey3232 appends a key of a letter and two u32.
func appendKey3232(dst []byte, letter byte, a, b uint32) []byte {
	return binary.BigEndian.AppendUint32(appendKey32(dst, letter, a), b)
}

// appendKey3264 appends a key of a letter, a u32 and a u64.
func appendKey3264(dst []byte, letter byte, a uint32, b uint64) []byte {
	return binary.BigEndian.AppendUint64(appendKey32(dst, letter, a), b)
}

func mailboxKey(id MailboxID) []byte      { return appendKey32(nil, keyMailbox, uint32(id)) }
func aclKey(id MailboxID) []byte          { return appendKey32(nil, keyACL, uint32(id)) }
func subKey(name string) []byte           { return append([]byte{keySub}, name...) }
func objectKey(l byte, o ObjectID) []byte { return appendKey64(nil, l, uint64(o)) }
func entryKey(id MailboxID, u UID) []byte {
	return appendKey3232(nil, keyEntry, uint32(id), uint32(u))
}

// entryEnd is the key after every entry up to u.
func entryEnd(id MailboxID, u UID) []byte { return append(entryKey(id, u), 0) }

// graveKey orders graves by the time (UTC seconds) of the expunge.
func graveKey(at uint64, id MailboxID, m ModSeq) []byte {
	k := appendKey64(nil, keyGrave, at)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(k, uint32(id)), uint64(m))
}

func namesKey(kind LogKind, m ModSeq) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyNames, byte(kind)}, uint64(m))
}

func darkKey(extent uint64, index uint32) []byte {
	return binary.BigEndian.AppendUint32(appendKey64(nil, keyDark, extent), index)
}

func noticeKey(account uint64) []byte { return acrossKey(acrossNotice, account) }
func shareKey(owner uint64) []byte    { return acrossKey(acrossShare, owner) }

func acrossKey(kind byte, number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{keyAcross, kind}, number)
}

// importKey is a source and an id with their lengths, so that no two pairs
// meet in one key.
func importKey(source, id string) []byte {
	return record.AppendString(record.AppendString([]byte{keyImported}, source), id)
}
