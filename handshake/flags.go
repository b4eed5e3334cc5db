package handshake

import (
	"strconv"
	"strings"
)

// Flags are the capabilities which a node announces in its handshake (OTP: DFLAG_*). A version 5 handshake carries
// the low 32 bits only.
type Flags uint64

// The capabilities, by their OTP names. Bits that are not here are reserved or internal to the BEAM and are
// never sent.
const (
	Published          Flags = 1 << 0  // the node is visible; without it it is hidden
	AtomCache          Flags = 1 << 1  // obsolete, never set
	ExtendedReferences Flags = 1 << 2  // references of several words; mandatory
	DistMonitor        Flags = 1 << 3  // monitors; the BEAM sends them only with DistMonitorName set too
	FunTags            Flags = 1 << 4  // funs; mandatory since 25
	DistMonitorName    Flags = 1 << 5  // monitors of registered names
	HiddenAtomCache    Flags = 1 << 6  // obsolete, never set
	NewFunTags         Flags = 1 << 7  // NEW_FUN_EXT; mandatory
	ExtendedPidsPorts  Flags = 1 << 8  // mandatory
	ExportPtrTag       Flags = 1 << 9  // EXPORT_EXT; mandatory since 25
	BitBinaries        Flags = 1 << 10 // BIT_BINARY_EXT; mandatory since 25
	NewFloats          Flags = 1 << 11 // NEW_FLOAT_EXT; mandatory since 25
	UnicodeIO          Flags = 1 << 12 // the io servers of the node understand unicode requests
	DistHdrAtomCache   Flags = 1 << 13 // distribution header with atom cache
	SmallAtomTags      Flags = 1 << 14 // SMALL_ATOM_EXT and SMALL_ATOM_UTF8_EXT
	UTF8Atoms          Flags = 1 << 16 // mandatory
	MapTag             Flags = 1 << 17 // MAP_EXT; mandatory since 25
	BigCreation        Flags = 1 << 18 // 32-bit creations; mandatory since 23
	SendSender         Flags = 1 << 19 // SEND_SENDER instead of SEND
	BigSeqtraceLabels  Flags = 1 << 20 // any term as label of a sequential trace
	ExitPayload        Flags = 1 << 22 // PAYLOAD_EXIT and its kin, since 22
	Fragments          Flags = 1 << 23 // fragmented messages, since 22; implies the distribution header
	Handshake23        Flags = 1 << 24 // version 6 of the handshake; mandatory since 25
	UnlinkID           Flags = 1 << 25 // UNLINK_ID and its acknowledgement; mandatory since 26
	Mandatory25Digest  Flags = 1 << 26 // stands for the eleven flags of Mandatory25, see Expand
	Spawn              Flags = 1 << 32 // SPAWN_REQUEST, since 23
	NameMe             Flags = 1 << 33 // "give me a name": dynamic node names, since 23
	V4NC               Flags = 1 << 34 // large pids, ports and references; mandatory since 26
	Alias              Flags = 1 << 35 // ALIAS_SEND, since 24
	AltactSig          Flags = 1 << 37 // ALTACT_SIG_SEND, since 28
	NativeRecords      Flags = 1 << 38 // RECORD_EXT, since 29
)

// What a release demands of its peers (OTP: DFLAG_DIST_MANDATORY). A node whose flags, expanded, lack one of
// them is refused. OTP 24 demands what 23 does, 27 to 29 what 26 does.
const (
	Mandatory23 = ExtendedReferences | NewFunTags | ExtendedPidsPorts | UTF8Atoms | BigCreation
	Mandatory25 = Mandatory23 | FunTags | NewFloats | MapTag | ExportPtrTag | BitBinaries | Handshake23
	Mandatory26 = Mandatory25 | V4NC | UnlinkID
)

// Default is what erlnode offers: all that is mandatory for any release from 23 to 29, the digest of them, and
// every optional capability this module implements. The node that offers it is hidden: Published is the owner's
// choice. Dynamic names are given with NameMe, see Config.Flags.
const Default = Mandatory26 | Mandatory25Digest |
	DistMonitor | DistMonitorName | SendSender | ExitPayload | Spawn | Alias | AltactSig | NativeRecords |
	SmallAtomTags | UnicodeIO | BigSeqtraceLabels | Fragments | DistHdrAtomCache

var flagNames = [64]string{
	0: "PUBLISHED", 1: "ATOM_CACHE", 2: "EXTENDED_REFERENCES", 3: "DIST_MONITOR", 4: "FUN_TAGS",
	5: "DIST_MONITOR_NAME", 6: "HIDDEN_ATOM_CACHE", 7: "NEW_FUN_TAGS", 8: "EXTENDED_PIDS_PORTS",
	9: "EXPORT_PTR_TAG", 10: "BIT_BINARIES", 11: "NEW_FLOATS", 12: "UNICODE_IO", 13: "DIST_HDR_ATOM_CACHE",
	14: "SMALL_ATOM_TAGS", 16: "UTF8_ATOMS", 17: "MAP_TAG", 18: "BIG_CREATION", 19: "SEND_SENDER",
	20: "BIG_SEQTRACE_LABELS", 22: "EXIT_PAYLOAD", 23: "FRAGMENTS", 24: "HANDSHAKE_23", 25: "UNLINK_ID",
	26: "MANDATORY_25_DIGEST", 32: "SPAWN", 33: "NAME_ME", 34: "V4_NC", 35: "ALIAS", 37: "ALTACT_SIG",
	38: "NATIVE_RECORDS",
}

// Has reports whether all of want are set in f. It does not expand f.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Expand returns f with the eleven flags of Mandatory25 set if Mandatory25Digest is (OTP:
// dist_util:expand_mandatory_25_flag). OTP 25 to 29 read the flags of a peer so; 23 and 24 do not know the digest.
func (f Flags) Expand() Flags {
	if f.Has(Mandatory25Digest) {
		f |= Mandatory25
	}
	return f
}

// Missing returns those of required that f, expanded, lacks.
func (f Flags) Missing(required Flags) Flags { return required &^ f.Expand() }

// String gives the OTP names of the flags from the lowest bit up, joined by "|", as dist_util prints them; the
// bits that have no name come last, as one hexadecimal number. No flags at all are "0".
func (f Flags) String() string {
	if f == 0 {
		return "0"
	}
	var b strings.Builder
	var unknown uint64
	for bit, name := range flagNames {
		switch {
		case f&(1<<bit) == 0:
			continue
		case name == "":
			unknown |= 1 << bit
			continue
		case b.Len() > 0:
			b.WriteByte('|')
		}
		b.WriteString(name)
	}
	if unknown != 0 {
		if b.Len() > 0 {
			b.WriteByte('|')
		}
		b.WriteString("0x" + strconv.FormatUint(unknown, 16))
	}
	return b.String()
}
