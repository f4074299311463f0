package imap_test

import (
	"testing"

	"citron/wire/imap"
)

// write encodes a response as a server would. Responses that no server of ours sends
// are left out: ok is false.
func write(t *testing.T, r imap.Response, utf8Mode bool) (out []byte, ok bool) {
	t.Helper()
	w := &imap.Writer{UTF8: utf8Mode}
	switch r := r.(type) {
	case *imap.StatusResponse:
		w.Status(r.Tag, r.Kind, r.Code, r.Text)
	case *imap.ContinueResponse:
		w.Continue(r.Text)
	case *imap.CapabilityResponse:
		w.Capability(r.Names)
	case *imap.EnabledResponse:
		w.Enabled(r.Names)
	case *imap.FlagsResponse:
		w.Flags(&r.Flags)
	case *imap.ExistsResponse:
		w.Exists(r.Messages)
	case *imap.RecentResponse:
		w.Recent(r.Messages)
	case *imap.ExpungeResponse:
		w.Expunge(r.Seq)
	case *imap.VanishedResponse:
		w.Vanished(r.Earlier, r.UIDs)
	case *imap.IDResponse:
		w.ID(r.Params)
	case *imap.ListResponse:
		if r.Lsub {
			w.Lsub(&r.ListData)
		} else {
			w.List(&r.ListData)
		}
	case *imap.SearchResponse:
		if r.Extended {
			w.ESearch(&r.SearchData)
		} else {
			w.Search(&r.SearchData)
		}
	case *imap.SortResponse:
		w.SortStart()
		for _, n := range r.Numbers {
			w.SearchNumber(n)
		}
		w.SearchEnd(r.ModSeq)
	case *imap.ThreadResponse:
		thread := w.Thread()
		for _, m := range r.Members {
			thread.Member(m)
		}
		thread.End()
	case *imap.ComparatorResponse:
		w.Comparator(r.Active, r.Matching)
	case *imap.MetadataResponse:
		if len(r.Changed) > 0 {
			w.MetadataChanged(r.Mailbox, r.Changed)
			break
		}
		w.MetadataStart(r.Mailbox)
		for _, e := range r.Entries {
			w.MetadataEntry(e.Name, e.Value)
		}
		w.MetadataEnd()
	case *imap.QuotaResponse:
		w.Quota(r.Root, r.Resources)
	case *imap.QuotaRootResponse:
		w.QuotaRoot(r.Mailbox, r.Roots)
	case *imap.ACLResponse:
		w.ACL(r.Mailbox, r.Entries)
	case *imap.ListRightsResponse:
		w.ListRights(r.Mailbox, r.Identifier, r.Required, r.Optional)
	case *imap.MyRightsResponse:
		w.MyRights(r.Mailbox, r.Rights)
	case *imap.NamespaceResponse:
		w.Namespace(r.Personal, r.Others, r.Shared)
	case *imap.StatusDataResponse:
		writeStatusData(w, r)
	case *imap.FetchResponse:
		writeFetch(w, r)
	default:
		return nil, false
	}
	return w.Buf, true
}

func writeStatusData(w *imap.Writer, r *imap.StatusDataResponse) {
	w.StatusStart(r.Mailbox)
	for i := imap.StatusItems(1); i <= r.Items; i <<= 1 {
		if r.Items&i == 0 {
			continue
		}
		switch i {
		case imap.StatusMailboxID:
			w.StatusMailboxID(r.MailboxID)
		case imap.StatusAppendLimit:
			if r.AppendLimit < 0 {
				w.StatusNoAppendLimit()
				continue
			}
			w.StatusNumber(i, uint64(r.AppendLimit))
		default:
			w.StatusNumber(i, map[imap.StatusItems]uint64{
				imap.StatusMessages: uint64(r.Messages), imap.StatusRecent: uint64(r.Recent),
				imap.StatusUIDNext: uint64(r.UIDNext), imap.StatusUIDValidity: uint64(r.UIDValidity),
				imap.StatusUnseen: uint64(r.Unseen), imap.StatusDeleted: uint64(r.Deleted),
				imap.StatusSize: uint64(r.Size), imap.StatusHighestModSeq: r.HighestModSeq,
				imap.StatusDeletedStorage: uint64(r.DeletedStorage),
			}[i])
		}
	}
	w.StatusEnd()
}

func writeFetch(w *imap.Writer, r *imap.FetchResponse) {
	if r.Seq == 0 {
		w.UIDFetchStart(r.UID)
	} else {
		w.FetchStart(r.Seq)
	}
	if r.Seq != 0 && r.UID != 0 {
		w.FetchUID(r.UID)
	}
	if r.Flags != nil {
		w.FetchFlags(r.Flags.System, append(r.Flags.Unknown, r.Flags.Keywords...))
	}
	if !r.InternalDate.IsZero() {
		w.FetchInternalDate(r.InternalDate)
	}
	if r.Size.Valid {
		w.FetchSize(r.Size.Value)
	}
	if r.ModSeq != 0 {
		w.FetchModSeq(r.ModSeq)
	}
	if r.EmailID != "" {
		w.FetchEmailID(r.EmailID)
	}
	if r.ThreadID.Valid {
		w.FetchThreadID(r.ThreadID.Value)
	}
	if r.SaveDate != nil {
		w.FetchSaveDate(*r.SaveDate)
	}
	if r.Preview != nil {
		w.FetchPreview(r.Preview.Value, r.Preview.Valid)
	}
	if r.Envelope != nil {
		w.FetchRaw(imap.FetchEnvelope, imap.AppendEnvelope(nil, r.Envelope, w.UTF8))
	}
	if r.Body != nil {
		w.FetchRaw(imap.FetchBody, imap.AppendBodyStructure(nil, r.Body, false, w.UTF8))
	}
	if r.BodyStructure != nil {
		w.FetchRaw(imap.FetchBodyStructure, imap.AppendBodyStructure(nil, r.BodyStructure, true, w.UTF8))
	}
	for _, d := range r.Sections {
		item := &imap.FetchItem{Kind: d.Kind, Section: d.Section}
		if d.Origin >= 0 {
			item.Partial = &imap.Partial{Offset: d.Origin}
		}
		switch {
		case d.Kind == imap.FetchBinarySize:
			w.FetchBinarySize(item, d.Literal.Size)
		case d.Null:
			w.FetchBody(item, nil, false)
		default:
			w.FetchBody(item, d.Literal.Data, d.Literal.Binary)
		}
	}
	w.FetchEnd()
}
