package account

import "strings"

// readMetadata checks an annotation. One that cannot be read, or of a mailbox
// that there is not, can be done without.
func (in *inspection) readMetadata(key, value []byte) {
	section, name := splitMetadataKey(key)
	spelled, _, err := decodeAnnotation(value)
	switch {
	case section == "":
		in.say("The metadata key %x is malformed.", key)
	case err != nil || strings.ToLower(spelled) != name:
		in.say("The metadata entry %s%s of mailbox %d cannot be read: %v.", section.root(), name, section.mailbox(), err)
	case section.mailbox() != OwnMetadata && in.boxes[section.mailbox()] == nil && !in.homeless[section.mailbox()]:
		in.say("The metadata entry %s%s belongs to mailbox %d, which there is not.", section.root(), name, section.mailbox())
	default:
		return
	}
	in.bad = append(in.bad, key)
}
