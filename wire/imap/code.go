package imap

// Code is a response code: what stands in brackets in a status response (RFC
// 9051 §7.1). It is a CodeAtom or one of the types below.
type Code interface {
	// CodeName is the atom it begins with.
	CodeName() string
	// appendArg appends what follows the atom, with a leading space.
	appendArg(dst []byte) []byte
}

// CodeAtom is a response code without arguments.
type CodeAtom string

const (
	// RFC 9051 §7.1, which includes RFC 5530 and RFC 4315.
	CodeAlert                CodeAtom = "ALERT"
	CodeAlreadyExists        CodeAtom = "ALREADYEXISTS"
	CodeAuthenticationFailed CodeAtom = "AUTHENTICATIONFAILED"
	CodeAuthorizationFailed  CodeAtom = "AUTHORIZATIONFAILED"
	CodeCannot               CodeAtom = "CANNOT"
	CodeClientBug            CodeAtom = "CLIENTBUG"
	CodeClosed               CodeAtom = "CLOSED"
	CodeContactAdmin         CodeAtom = "CONTACTADMIN"
	CodeCorruption           CodeAtom = "CORRUPTION"
	CodeExpired              CodeAtom = "EXPIRED"
	CodeExpungeIssued        CodeAtom = "EXPUNGEISSUED"
	CodeHasChildren          CodeAtom = "HASCHILDREN"
	CodeInUse                CodeAtom = "INUSE"
	CodeLimit                CodeAtom = "LIMIT"
	CodeNonExistent          CodeAtom = "NONEXISTENT"
	CodeNoPerm               CodeAtom = "NOPERM"
	CodeOverQuota            CodeAtom = "OVERQUOTA"
	CodeParse                CodeAtom = "PARSE"
	CodePrivacyRequired      CodeAtom = "PRIVACYREQUIRED"
	CodeReadOnly             CodeAtom = "READ-ONLY"
	CodeReadWrite            CodeAtom = "READ-WRITE"
	CodeServerBug            CodeAtom = "SERVERBUG"
	CodeTryCreate            CodeAtom = "TRYCREATE"
	CodeUIDNotSticky         CodeAtom = "UIDNOTSTICKY"
	CodeUnavailable          CodeAtom = "UNAVAILABLE"
	CodeBadComparator        CodeAtom = "BADCOMPARATOR"     // RFC 5255 §4.9
	CodeNotSaved             CodeAtom = "NOTSAVED"          // RFC 5182
	CodeUnknownCTE           CodeAtom = "UNKNOWN-CTE"       // RFC 3516
	CodeNoModSeq             CodeAtom = "NOMODSEQ"          // RFC 7162 §3.1.2.2
	CodeTooBig               CodeAtom = "TOOBIG"            // RFC 4469 §4.2, RFC 7888 §4
	CodeUseAttr              CodeAtom = "USEATTR"           // RFC 6154 §3
	CodeCompressionActive    CodeAtom = "COMPRESSIONACTIVE" // RFC 4978
	CodeUIDRequired          CodeAtom = "UIDREQUIRED"       // RFC 9586 §3
)

// Response codes with arguments.
type (
	// CodeCapability is CAPABILITY.
	CodeCapability []string
	// CodeBadCharset is BADCHARSET with the charsets that are known.
	CodeBadCharset []string
	// CodePermanentFlags is PERMANENTFLAGS; AnyKeyword stands for \*.
	CodePermanentFlags struct {
		Flags      FlagList
		AnyKeyword bool
	}
	CodeUIDNext       uint32
	CodeUIDValidity   uint32
	CodeUnseen        uint32 // RFC 3501 §7.1
	CodeHighestModSeq uint64 // RFC 7162 §3.1.2.1
	// CodeAppendUID is APPENDUID (RFC 4315 §3); UIDs has as many as there
	// were messages, in their order, which is ascending (RFC 3502).
	CodeAppendUID struct {
		UIDValidity uint32
		UIDs        NumSet
	}
	// CodeCopyUID is COPYUID (RFC 4315 §3): the i-th of From became the i-th
	// of To.
	CodeCopyUID struct {
		UIDValidity uint32
		From, To    NumSet
	}
	// CodeModified is MODIFIED (RFC 7162 §3.1.3).
	CodeModified NumSet
	// CodeMailboxID is MAILBOXID (RFC 8474 §4.1).
	CodeMailboxID string
	// CodeInProgress is INPROGRESS (RFC 9585). Done is -1 when not known, Goal 0
	// when not known.
	CodeInProgress struct {
		Tag  string // "" for NIL
		Done int64
		Goal uint32
	}
	// CodeOther is one that this package has no type for; Arg is as sent.
	CodeOther struct{ Name, Arg string }
)

func (c CodeAtom) CodeName() string         { return string(c) }
func (CodeCapability) CodeName() string     { return "CAPABILITY" }
func (CodeBadCharset) CodeName() string     { return "BADCHARSET" }
func (CodePermanentFlags) CodeName() string { return "PERMANENTFLAGS" }
func (CodeUIDNext) CodeName() string        { return "UIDNEXT" }
func (CodeUIDValidity) CodeName() string    { return "UIDVALIDITY" }
func (CodeUnseen) CodeName() string         { return "UNSEEN" }
func (CodeHighestModSeq) CodeName() string  { return "HIGHESTMODSEQ" }
func (CodeAppendUID) CodeName() string      { return "APPENDUID" }
func (CodeCopyUID) CodeName() string        { return "COPYUID" }
func (CodeModified) CodeName() string       { return "MODIFIED" }
func (CodeMailboxID) CodeName() string      { return "MAILBOXID" }
func (CodeInProgress) CodeName() string     { return "INPROGRESS" }
func (c CodeOther) CodeName() string        { return c.Name }

func (CodeAtom) appendArg(dst []byte) []byte { return dst }

func (c CodeCapability) appendArg(dst []byte) []byte {
	for _, name := range c {
		dst = append(append(dst, ' '), name...)
	}
	return dst
}

func (c CodeBadCharset) appendArg(dst []byte) []byte {
	if len(c) == 0 {
		return dst
	}
	dst = append(dst, " ("...)
	for i, name := range c {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = AppendAString(dst, name, false)
	}
	return append(dst, ')')
}

func (c CodePermanentFlags) appendArg(dst []byte) []byte {
	dst = append(dst, ' ')
	dst = AppendFlags(dst, &c.Flags)
	if !c.AnyKeyword {
		return dst
	}
	dst = dst[:len(dst)-1]
	if !c.Flags.Empty() {
		dst = append(dst, ' ')
	}
	return append(dst, `\*)`...)
}

func (c CodeUIDNext) appendArg(dst []byte) []byte       { return appendSPUint(dst, uint64(c)) }
func (c CodeUIDValidity) appendArg(dst []byte) []byte   { return appendSPUint(dst, uint64(c)) }
func (c CodeUnseen) appendArg(dst []byte) []byte        { return appendSPUint(dst, uint64(c)) }
func (c CodeHighestModSeq) appendArg(dst []byte) []byte { return appendSPUint(dst, uint64(c)) }

func appendSPUint(dst []byte, n uint64) []byte { return AppendUint(append(dst, ' '), n) }

func (c CodeAppendUID) appendArg(dst []byte) []byte {
	dst = appendSPUint(dst, uint64(c.UIDValidity))
	return AppendNumSet(append(dst, ' '), c.UIDs)
}

func (c CodeCopyUID) appendArg(dst []byte) []byte {
	dst = appendSPUint(dst, uint64(c.UIDValidity))
	dst = AppendNumSet(append(dst, ' '), c.From)
	return AppendNumSet(append(dst, ' '), c.To)
}

func (c CodeModified) appendArg(dst []byte) []byte {
	return AppendNumSet(append(dst, ' '), NumSet(c))
}

func (c CodeMailboxID) appendArg(dst []byte) []byte {
	dst = append(append(dst, " ("...), c...)
	return append(dst, ')')
}

func (c CodeInProgress) appendArg(dst []byte) []byte {
	if c.Tag == "" && c.Done < 0 {
		return dst
	}
	dst = append(dst, " ("...)
	if c.Tag == "" {
		dst = AppendNIL(dst)
	} else {
		dst = AppendString(dst, c.Tag, false)
	}
	dst = append(dst, ' ')
	switch {
	case c.Done < 0:
		dst = append(dst, "NIL NIL"...)
	case c.Goal == 0:
		dst = append(AppendUint(dst, uint64(c.Done)), " NIL"...)
	default:
		dst = appendSPUint(AppendUint(dst, uint64(c.Done)), uint64(c.Goal))
	}
	return append(dst, ')')
}

func (c CodeOther) appendArg(dst []byte) []byte {
	if c.Arg == "" {
		return dst
	}
	return append(append(dst, ' '), c.Arg...)
}
