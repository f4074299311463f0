package imap

// parseFunc parses what follows a verb.
type parseFunc func(*cursor) (Command, error)

// verbs is every command, by its verb in upper case.
var verbs = map[string]parseFunc{
	"APPEND":       parseAppend,
	"AUTHENTICATE": parseAuthenticate,
	"CANCELUPDATE": parseCancelUpdate,
	"CAPABILITY":   parseCapability,
	"CHECK":        parseCheck,
	"CLOSE":        parseClose,
	"COMPRESS":     parseCompress,
	"COMPARATOR":   parseComparator,
	"COPY":         parseCopy,
	"CREATE":       parseCreate,
	"DELETE":       parseDelete,
	"DELETEACL":    parseDeleteACL,
	"ENABLE":       parseEnable,
	"EXAMINE":      parseExamine,
	"EXPUNGE":      parseExpunge,
	"FETCH":        parseFetch,
	"GETACL":       parseGetACL,
	"GETQUOTA":     parseGetQuota,
	"GETQUOTAROOT": parseGetQuotaRoot,
	"ID":           parseID,
	"IDLE":         parseIdle,
	"LIST":         parseList,
	"LISTRIGHTS":   parseListRights,
	"LOGIN":        parseLogin,
	"LOGOUT":       parseLogout,
	"LSUB":         parseLsub,
	"MOVE":         parseMove,
	"MYRIGHTS":     parseMyRights,
	"NAMESPACE":    parseNamespace,
	"NOOP":         parseNoop,
	"RENAME":       parseRename,
	"SEARCH":       parseSearch,
	"SELECT":       parseSelect,
	"SETACL":       parseSetACL,
	"SORT":         parseSort,
	"STARTTLS":     parseStartTLS,
	"STATUS":       parseStatus,
	"STORE":        parseStore,
	"SUBSCRIBE":    parseSubscribe,
	"THREAD":       parseThread,
	"UNSELECT":     parseUnselect,
	"UNSUBSCRIBE":  parseUnsubscribe,
}

// uidVerbs is what may follow UID (RFC 9051 §6.4.9, RFC 4315 §2.1).
var uidVerbs = map[string]parseFunc{
	"COPY":    parseCopy,
	"EXPUNGE": parseExpunge,
	"FETCH":   parseFetch,
	"MOVE":    parseMove,
	"SEARCH":  parseSearch,
	"SORT":    parseSort,
	"STORE":   parseStore,
	"THREAD":  parseThread,
}
