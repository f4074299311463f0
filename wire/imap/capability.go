package imap

import (
	"slices"
	"strconv"
)

// State is a bit set of the states of a connection (RFC 9051 §3).
type State uint8

const (
	NotAuthenticated State = 1 << iota
	Authenticated
	Selected

	loggedIn  = Authenticated | Selected
	anyState  = NotAuthenticated | loggedIn
	noneState = State(0)
)

// Condition says what, beside the state, decides whether a capability is
// announced.
type Condition uint8

const (
	Always          Condition = iota
	IfTLSAvailable            // TLS can be started and is not active
	IfLoginDisabled           // LOGIN would be refused
	PerMechanism              // once for each SASL mechanism: AUTH=…
	WithAppendLimit           // with a value: APPENDLIMIT=…
	IfCompressible            // COMPRESS would be granted now
)

// Extension is one registry entry: everything that the CAPABILITY line, the
// documentation and the coverage test know of an extension.
type Extension struct {
	Token    string // as announced
	RFC      int
	States   State // in which it is announced
	When     Condition
	Commands []string // it adds, or adds arguments to
	Codes    []string // response codes it adds
	Implies  []string // tokens: enabling or announcing it does so for them
	Enable   bool     // may be named in ENABLE
	Rev2     bool     // part of IMAP4rev2 (RFC 9051 appendix E)
}

// extensions is the registry, in the order of the CAPABILITY line.
var extensions = [...]Extension{
	{Token: "IMAP4rev1", RFC: 3501, States: anyState,
		Commands: []string{"CAPABILITY", "NOOP", "LOGOUT", "AUTHENTICATE", "LOGIN", "SELECT",
			"EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE", "LIST", "LSUB",
			"STATUS", "APPEND", "CHECK", "CLOSE", "EXPUNGE", "SEARCH", "FETCH", "STORE", "COPY", "UID"},
		Codes: []string{"ALERT", "BADCHARSET", "CAPABILITY", "PARSE", "PERMANENTFLAGS", "READ-ONLY",
			"READ-WRITE", "TRYCREATE", "UIDNEXT", "UIDVALIDITY", "UNSEEN"}},
	{Token: "IMAP4rev2", RFC: 9051, States: anyState, Enable: true,
		Commands: []string{"CAPABILITY", "NOOP", "LOGOUT", "STARTTLS", "AUTHENTICATE", "LOGIN",
			"ENABLE", "SELECT", "EXAMINE", "CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE",
			"LIST", "NAMESPACE", "STATUS", "APPEND", "IDLE", "CLOSE", "UNSELECT", "EXPUNGE",
			"SEARCH", "FETCH", "STORE", "COPY", "MOVE", "UID"},
		Codes: []string{"CLOSED", "HASCHILDREN", "UNKNOWN-CTE"},
		Implies: []string{"ENABLE", "NAMESPACE", "UNSELECT", "UIDPLUS", "ESEARCH", "SEARCHRES",
			"IDLE", "SASL-IR", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "SPECIAL-USE", "CHILDREN",
			"STATUS=SIZE"}},
	{Token: "STARTTLS", RFC: 3501, States: NotAuthenticated, When: IfTLSAvailable, Rev2: true,
		Commands: []string{"STARTTLS"}},
	{Token: "LOGINDISABLED", RFC: 3501, States: NotAuthenticated, When: IfLoginDisabled, Rev2: true,
		Commands: []string{"LOGIN"}, Codes: []string{"PRIVACYREQUIRED"}},
	{Token: "AUTH=", RFC: 3501, States: NotAuthenticated, When: PerMechanism, Rev2: true,
		Commands: []string{"AUTHENTICATE"}},
	{Token: "SASL-IR", RFC: 4959, States: NotAuthenticated, Rev2: true,
		Commands: []string{"AUTHENTICATE"}},
	{Token: "LITERAL+", RFC: 7888, States: anyState, Codes: []string{"TOOBIG"}},
	{Token: "ID", RFC: 2971, States: anyState, Commands: []string{"ID"}},
	{Token: "ENABLE", RFC: 5161, States: anyState, Rev2: true, Commands: []string{"ENABLE"}},
	{Token: "IDLE", RFC: 2177, States: loggedIn, Rev2: true, Commands: []string{"IDLE"}},
	{Token: "NAMESPACE", RFC: 2342, States: loggedIn, Rev2: true, Commands: []string{"NAMESPACE"}},
	{Token: "ACL", RFC: 4314, States: loggedIn,
		Commands: []string{"GETACL", "SETACL", "DELETEACL", "LISTRIGHTS", "MYRIGHTS"}},
	{Token: "RIGHTS=kxte", RFC: 4314, States: loggedIn, Commands: []string{"SETACL"}},
	{Token: "LIST-MYRIGHTS", RFC: 8440, States: loggedIn, Commands: []string{"LIST"},
		Implies: []string{"ACL", "LIST-EXTENDED"}},
	{Token: "CHILDREN", RFC: 3348, States: loggedIn, Rev2: true, Commands: []string{"LIST"}},
	{Token: "UNSELECT", RFC: 3691, States: loggedIn, Rev2: true, Commands: []string{"UNSELECT"}},
	{Token: "UIDPLUS", RFC: 4315, States: loggedIn, Rev2: true,
		Commands: []string{"UID EXPUNGE", "APPEND", "COPY"},
		Codes:    []string{"APPENDUID", "COPYUID"}},
	{Token: "MOVE", RFC: 6851, States: loggedIn, Rev2: true, Commands: []string{"MOVE", "UID MOVE"}},
	{Token: "MULTIAPPEND", RFC: 3502, States: loggedIn, Commands: []string{"APPEND"}},
	{Token: "BINARY", RFC: 3516, States: loggedIn, Commands: []string{"FETCH", "APPEND"},
		Codes: []string{"UNKNOWN-CTE"}},
	{Token: "CATENATE", RFC: 4469, States: loggedIn, Commands: []string{"APPEND", "REPLACE"},
		Codes: []string{"BADURL", "TOOBIG"}},
	{Token: "URL-PARTIAL", RFC: 5550, States: loggedIn, Commands: []string{"APPEND", "REPLACE", "URLFETCH"}},
	{Token: "URLAUTH", RFC: 4467, States: loggedIn, Commands: []string{"RESETKEY", "GENURLAUTH", "URLFETCH"},
		Codes: []string{"URLMECH"}},
	{Token: "URLAUTH=BINARY", RFC: 5524, States: loggedIn, Commands: []string{"URLFETCH"}},
	{Token: "REPLACE", RFC: 8508, States: loggedIn, Commands: []string{"REPLACE", "UID REPLACE"}},
	{Token: "APPENDLIMIT", RFC: 7889, States: loggedIn, When: WithAppendLimit,
		Commands: []string{"APPEND", "STATUS"}, Codes: []string{"TOOBIG"}},
	{Token: "LIST-EXTENDED", RFC: 5258, States: loggedIn, Rev2: true, Commands: []string{"LIST"}},
	{Token: "LIST-STATUS", RFC: 5819, States: loggedIn, Rev2: true, Commands: []string{"LIST"},
		Implies: []string{"LIST-EXTENDED"}},
	{Token: "SPECIAL-USE", RFC: 6154, States: loggedIn, Rev2: true, Commands: []string{"LIST"}},
	{Token: "CREATE-SPECIAL-USE", RFC: 6154, States: loggedIn, Commands: []string{"CREATE"},
		Codes: []string{"USEATTR"}, Implies: []string{"SPECIAL-USE"}},
	{Token: "QUOTA", RFC: 9208, States: loggedIn, Commands: []string{"GETQUOTA", "GETQUOTAROOT"},
		Codes: []string{"OVERQUOTA"}},
	{Token: "QUOTA=RES-STORAGE", RFC: 9208, States: loggedIn, Commands: []string{"GETQUOTA", "STATUS"}},
	{Token: "QUOTA=RES-MAILBOX", RFC: 9208, States: loggedIn, Commands: []string{"GETQUOTA"}},
	{Token: "METADATA", RFC: 5464, States: loggedIn, Enable: true,
		Commands: []string{"GETMETADATA", "SETMETADATA"}, Codes: []string{"METADATA"}, Implies: []string{"METADATA-SERVER"}},
	{Token: "METADATA-SERVER", RFC: 5464, States: loggedIn, Enable: true,
		Commands: []string{"GETMETADATA", "SETMETADATA"}, Codes: []string{"METADATA"}},
	{Token: "FILTERS", RFC: 5466, States: loggedIn, Commands: []string{"SEARCH", "SORT", "THREAD", "SETMETADATA"},
		Codes: []string{"UNDEFINED-FILTER"}},
	{Token: "UNAUTHENTICATE", RFC: 8437, States: loggedIn, Commands: []string{"UNAUTHENTICATE"}},
	{Token: "LIST-METADATA", RFC: 9590, States: loggedIn, Commands: []string{"LIST"}},
	{Token: "MULTISEARCH", RFC: 7377, States: loggedIn, Commands: []string{"ESEARCH"}},
	{Token: "STATUS=SIZE", RFC: 8438, States: loggedIn, Rev2: true, Commands: []string{"STATUS"}},
	{Token: "CONDSTORE", RFC: 7162, States: loggedIn, Enable: true,
		Commands: []string{"SELECT", "EXAMINE", "STATUS", "FETCH", "STORE", "SEARCH"},
		Codes:    []string{"HIGHESTMODSEQ", "NOMODSEQ", "MODIFIED"}},
	{Token: "QRESYNC", RFC: 7162, States: loggedIn, Enable: true,
		Commands: []string{"SELECT", "EXAMINE", "UID FETCH"}, Codes: []string{"CLOSED"},
		Implies: []string{"CONDSTORE", "ENABLE"}},
	{Token: "UIDONLY", RFC: 9586, States: loggedIn, Enable: true, Codes: []string{"UIDREQUIRED"},
		Commands: []string{"UID FETCH", "UID STORE", "UID SEARCH", "UID COPY", "UID MOVE", "EXPUNGE", "UID EXPUNGE"}},
	{Token: "ESEARCH", RFC: 4731, States: loggedIn, Rev2: true, Commands: []string{"SEARCH"}},
	{Token: "SEARCHRES", RFC: 5182, States: loggedIn, Rev2: true, Commands: []string{"SEARCH"},
		Codes: []string{"NOTSAVED"}, Implies: []string{"ESEARCH"}},
	{Token: "SORT", RFC: 5256, States: loggedIn, Commands: []string{"SORT", "UID SORT"}},
	{Token: "SORT=DISPLAY", RFC: 5957, States: loggedIn, Commands: []string{"SORT"}},
	{Token: "THREAD=ORDEREDSUBJECT", RFC: 5256, States: loggedIn, Commands: []string{"THREAD", "UID THREAD"}},
	{Token: "THREAD=REFERENCES", RFC: 5256, States: loggedIn, Commands: []string{"THREAD", "UID THREAD"}},
	{Token: "ESORT", RFC: 5267, States: loggedIn, Commands: []string{"SORT", "UID SORT"}},
	{Token: "I18NLEVEL=1", RFC: 5255, States: loggedIn, Commands: []string{"SEARCH", "SORT", "THREAD"}},
	{Token: "I18NLEVEL=2", RFC: 5255, States: loggedIn, Commands: []string{"COMPARATOR"},
		Codes: []string{"BADCOMPARATOR"}},
	{Token: "SEARCH=FUZZY", RFC: 6203, States: loggedIn, Commands: []string{"SEARCH", "SORT"}},
	{Token: "PARTIAL", RFC: 9394, States: loggedIn, Commands: []string{"SEARCH", "UID FETCH"}},
	{Token: "CONTEXT=SORT", RFC: 5267, States: loggedIn, Commands: []string{"SORT", "CANCELUPDATE"},
		Codes: []string{"NOUPDATE"}, Implies: []string{"SORT", "ESORT"}},
	{Token: "CONTEXT=SEARCH", RFC: 5267, States: loggedIn, Commands: []string{"SEARCH", "CANCELUPDATE"},
		Codes: []string{"NOUPDATE"}},
	{Token: "WITHIN", RFC: 5032, States: loggedIn, Commands: []string{"SEARCH"}},
	{Token: "OBJECTID", RFC: 8474, States: loggedIn,
		Commands: []string{"CREATE", "SELECT", "EXAMINE", "STATUS", "FETCH", "SEARCH"},
		Codes:    []string{"MAILBOXID"}},
	{Token: "COMPRESS=DEFLATE", RFC: 4978, States: loggedIn, When: IfCompressible,
		Commands: []string{"COMPRESS"}, Codes: []string{"COMPRESSIONACTIVE"}},
	{Token: "SAVEDATE", RFC: 8514, States: loggedIn, Commands: []string{"FETCH", "SEARCH"}},
	{Token: "PREVIEW", RFC: 8970, States: loggedIn, Commands: []string{"FETCH"}},
	{Token: "NOTIFY", RFC: 5465, States: loggedIn, Commands: []string{"NOTIFY"},
		Codes: []string{"NOTIFICATIONOVERFLOW", "BADEVENT"}},
	{Token: "UTF8=ACCEPT", RFC: 6855, States: loggedIn, Enable: true, Commands: []string{"APPEND"},
		Implies: []string{"ENABLE"}},
	{Token: "INPROGRESS", RFC: 9585, States: loggedIn, Codes: []string{"INPROGRESS"}},
	// Response codes of RFC 5530 need no capability.
	{RFC: 5530, States: noneState, Rev2: true, Codes: []string{"UNAVAILABLE",
		"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED",
		"CONTACTADMIN", "NOPERM", "INUSE", "EXPUNGEISSUED", "CORRUPTION", "SERVERBUG",
		"CLIENTBUG", "CANNOT", "LIMIT", "OVERQUOTA", "ALREADYEXISTS", "NONEXISTENT"}},
}

// Extensions is a copy of the registry, in the order of announcement. Entries
// without Token are not announced.
func Extensions() []Extension { return slices.Clone(extensions[:]) }

// Enableable says whether token, in upper case, may be enabled, and gives it
// as it is announced with all that it implies of what may be enabled.
func Enableable(token string) []string {
	for i := range extensions {
		e := &extensions[i]
		if !e.Enable || !equalUpper([]byte(e.Token), token) {
			continue
		}
		names := []string{e.Token}
		for _, implied := range e.Implies {
			names = append(names, Enableable(implied)...)
		}
		return names
	}
	return nil
}

// Announcement is what decides a CAPABILITY line.
type Announcement struct {
	State         State // one bit
	StartTLS      bool  // could be used now
	LoginDisabled bool
	Compress      bool     // could be used now
	Mechanisms    []string // SASL, in the order of preference
	// AppendLimit in octets, 0 for none.
	AppendLimit int64
	// Disabled holds tokens that the operator has switched off.
	Disabled []string
}

// Capabilities are the tokens to announce. It allocates; the server keeps the
// result for each state.
func Capabilities(a Announcement) []string {
	var names []string
	for i := range extensions {
		e := &extensions[i]
		if e.States&a.State == 0 || slices.Contains(a.Disabled, e.Token) {
			continue
		}
		switch e.When {
		case IfTLSAvailable:
			if !a.StartTLS {
				continue
			}
		case IfLoginDisabled:
			if !a.LoginDisabled {
				continue
			}
		case PerMechanism:
			for _, m := range a.Mechanisms {
				names = append(names, e.Token+m)
			}
			continue
		case IfCompressible:
			if !a.Compress {
				continue
			}
		case WithAppendLimit:
			names = append(names, appendLimitToken(e.Token, a.AppendLimit))
			continue
		}
		names = append(names, e.Token)
	}
	return names
}

// appendLimitToken: without a value the limit differs by mailbox or is not
// there, which STATUS tells (RFC 7889 §3).
func appendLimitToken(token string, limit int64) string {
	if limit == 0 {
		return token
	}
	return token + "=" + strconv.FormatInt(limit, 10)
}
