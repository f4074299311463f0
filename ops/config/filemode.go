package config

import (
	"fmt"
	"io/fs"
	"strconv"
)

// FileMode is the permission bits of a file, written in octal as in "0660".
type FileMode fs.FileMode

// UnmarshalText parses up to four octal digits.
func (m *FileMode) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 8, 32)
	if err != nil || v > 0o777 {
		return fmt.Errorf("%q is not a file mode; write it in octal, as in \"0660\"", b)
	}
	*m = FileMode(v)
	return nil
}

// MarshalText writes four octal digits.
func (m FileMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

func (m FileMode) String() string { return fmt.Sprintf("%04o", uint32(m)) }
