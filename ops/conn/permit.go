package conn

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
)

// Permit says who may connect to the Unix socket at path, which Listen left to
// the umask: those whom mode, of permission bits, lets write to it. group is
// the name or number of the file's group; "" leaves it as it is. Only root may
// give the file to a group that the process is not in.
func Permit(path string, mode fs.FileMode, group string) error {
	if group != "" {
		gid, err := groupNumber(group)
		if err != nil {
			return err
		}
		if err := os.Lchown(path, -1, gid); err != nil {
			return fmt.Errorf("giving the socket to the group %q: %w; add the server's user to it", group, err)
		}
	}
	return os.Chmod(path, mode)
}

func groupNumber(group string) (int, error) {
	if n, err := strconv.ParseUint(group, 10, 31); err == nil {
		return int(n), nil
	}
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
