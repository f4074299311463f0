package smtp

// Priority is MT-PRIORITY's (RFC 6710); Said is false where nothing was said,
// which is level 0.
type Priority struct {
	Said  bool
	Level int8 // -9 … 9
}
