package account

import (
	"encoding/binary"
	"time"

	"citron/engine/record"
)

// appendDate stores seconds and zone: INTERNALDATE is given back in the zone
// it came with.
func appendDate(dst []byte, t time.Time) []byte {
	_, offset := t.Zone()
	dst = binary.AppendVarint(dst, t.Unix())
	return binary.AppendVarint(dst, int64(offset/60))
}

func decodeDate(d *record.Decoder) time.Time {
	seconds, minutes := d.Int(), d.Int()
	return time.Unix(seconds, 0).In(zone(minutes))
}

// zone gives the location of an offset from UTC in minutes.
func zone(minutes int64) *time.Location {
	if minutes == 0 {
		return time.UTC
	}
	if i := minutes/15 + zoneSteps; minutes%15 == 0 && i >= 0 && i < int64(len(zones)) {
		return zones[i]
	}
	return time.FixedZone("", int(minutes%(24*60))*60)
}

// zones are the quarter hours from -16:00 to +16:00, made once, so that
// reading a date allocates nothing.
const zoneSteps = 64

var zones = func() (all [2*zoneSteps + 1]*time.Location) {
	for i := range all {
		all[i] = time.FixedZone("", (i-zoneSteps)*15*60)
	}
	return all
}()
