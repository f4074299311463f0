package queue

import "time"

// milli is a time in milliseconds since 1970, as it is stored; 0: none.
type milli uint64

func milliOf(t time.Time) milli {
	if t.IsZero() {
		return 0
	}
	return milli(max(t.UnixMilli(), 1))
}

// time is zero for none.
func (m milli) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(m)).UTC()
}

func (m milli) add(d time.Duration) milli {
	return milli(max(int64(m)+d.Milliseconds(), 1))
}

// earlier is the first of two times that are there.
func earlier(a, b milli) milli {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
