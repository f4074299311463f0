package transfer

import (
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"citron/wire/imap/utf7"
)

// How mailboxes are named on disk. An export makes a directory for each level;
// a level that a file system, a Maildir or this import would take for something
// else is escaped: it begins with "=-" and is then to be read as it stands. A
// level too long for a file name is cut: each piece but the last begins with
// "=+". Other names may be other programs' and in modified UTF-7.

// maxLevel is the longest piece of a level, in bytes; file systems take 255.
const maxLevel = 200

// folderPath is where a mailbox lies below an export's root.
func folderPath(name string) string {
	var parts []string
	for _, level := range strings.Split(name, "/") {
		parts = append(parts, levelParts(level)...)
	}
	return path.Join(parts...)
}

// levelParts are the directories of one level.
func levelParts(level string) (parts []string) {
	if len(level) <= maxLevel {
		return []string{escapeLevel(level)}
	}
	for len(level) > maxLevel {
		n := maxLevel
		for !utf8.RuneStart(level[n]) {
			n--
		}
		parts, level = append(parts, "=+"+level[:n]), level[n:]
	}
	return append(parts, "=-"+level)
}

func escapeLevel(level string) string {
	switch {
	case level == "", level == "cur", level == "new", level == "tmp", level == keywordsFile,
		level[0] == '.', level[0] == '=',
		strings.Contains(level, "&"), strings.HasSuffix(level, ".mbox"):
		return "=-" + level
	}
	return level
}

// folderName is the mailbox of a folder: ".Work.2026" (Maildir++) and
// "Work/2026" are both Work/2026. What cannot stand in a mailbox name becomes
// "_".
func folderName(root, dir string) string {
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == "." {
		return "INBOX"
	}
	var levels []string
	begun := "" // pieces of a level that was cut
	for _, part := range strings.Split(filepath.ToSlash(rel), "/") {
		if piece, ok := strings.CutPrefix(part, "=+"); ok {
			begun += piece
			continue
		}
		levels = append(levels, folderLevels(begun, part)...)
		begun = ""
	}
	name := strings.Map(allowedRune, strings.Join(levels, "/"))
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// folderLevels are the levels of one directory's name.
func folderLevels(begun, part string) (levels []string) {
	if literal, ok := strings.CutPrefix(part, "=-"); ok {
		return []string{begun + literal}
	}
	plus, ok := strings.CutPrefix(part, ".")
	if !ok {
		return []string{begun + decodeLevel(part)}
	}
	for _, level := range strings.Split(plus, ".") {
		levels = append(levels, decodeLevel(level))
	}
	return levels
}

// decodeLevel reads modified UTF-7 where it is that, and takes the name as it
// is where it is not.
func decodeLevel(name string) string {
	if decoded, err := utf7.Decode([]byte(name)); err == nil {
		return decoded
	}
	return name
}

func allowedRune(r rune) rune {
	if r < 0x20 || r == 0x7f || r == '*' || r == '%' || r == utf8.RuneError {
		return '_'
	}
	return r
}
