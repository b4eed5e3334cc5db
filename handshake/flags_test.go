package handshake

import "testing"

// The words are those of ordinary nodes (PROTOCOL, section 0), and of the digests that 25 and 27 accept
// (Appendix D).
func TestFlagWords(t *testing.T) {
	const otp25, otp29 = Flags(0xd07df7fbd), Flags(0x6d07df7fbd)
	tests := []struct {
		name              string
		f                 Flags
		m23, m25, m26     bool
		missing26, string string
	}{
		{"OTP 25 and 27", otp25, true, true, true, "0",
			"PUBLISHED|EXTENDED_REFERENCES|DIST_MONITOR|FUN_TAGS|DIST_MONITOR_NAME|NEW_FUN_TAGS|EXTENDED_PIDS_PORTS|EXPORT_PTR_TAG|" +
				"BIT_BINARIES|NEW_FLOATS|UNICODE_IO|DIST_HDR_ATOM_CACHE|SMALL_ATOM_TAGS|UTF8_ATOMS|MAP_TAG|BIG_CREATION|SEND_SENDER|" +
				"BIG_SEQTRACE_LABELS|EXIT_PAYLOAD|FRAGMENTS|HANDSHAKE_23|UNLINK_ID|MANDATORY_25_DIGEST|SPAWN|V4_NC|ALIAS"},
		{"the digest", Mandatory25Digest, true, true, false, "UNLINK_ID|V4_NC", "MANDATORY_25_DIGEST"},
		{"the digest of 26", 0x406000000, true, true, true, "0", "UNLINK_ID|MANDATORY_25_DIGEST|V4_NC"},
		{"Mandatory25", Mandatory25, true, true, false, "UNLINK_ID|V4_NC",
			"EXTENDED_REFERENCES|FUN_TAGS|NEW_FUN_TAGS|EXTENDED_PIDS_PORTS|EXPORT_PTR_TAG|BIT_BINARIES|NEW_FLOATS|UTF8_ATOMS|MAP_TAG|" +
				"BIG_CREATION|HANDSHAKE_23"},
		{"nothing", 0, false, false, false,
			"EXTENDED_REFERENCES|FUN_TAGS|NEW_FUN_TAGS|EXTENDED_PIDS_PORTS|EXPORT_PTR_TAG|BIT_BINARIES|NEW_FLOATS|UTF8_ATOMS|MAP_TAG|" +
				"BIG_CREATION|HANDSHAKE_23|UNLINK_ID|V4_NC", "0"},
		{"unknown bits", 1<<63 | 1<<15 | 1<<21 | Published, false, false, false,
			"EXTENDED_REFERENCES|FUN_TAGS|NEW_FUN_TAGS|EXTENDED_PIDS_PORTS|EXPORT_PTR_TAG|BIT_BINARIES|NEW_FLOATS|UTF8_ATOMS|MAP_TAG|" +
				"BIG_CREATION|HANDSHAKE_23|UNLINK_ID|V4_NC", "PUBLISHED|0x8000000000208000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, m := range []Flags{Mandatory23, Mandatory25, Mandatory26} {
				if got, want := tt.f.Missing(m) == 0, []bool{tt.m23, tt.m25, tt.m26}[i]; got != want {
					t.Errorf("enough for %v: %v, want %v", m, got, want)
				}
			}
			if got := tt.f.Missing(Mandatory26).String(); got != tt.missing26 {
				t.Errorf("missing %s\nwant    %s", got, tt.missing26)
			}
			if got := tt.f.String(); got != tt.string {
				t.Errorf("got  %s\nwant %s", got, tt.string)
			}
		})
	}
	if Mandatory25 != 0x1070f94 {
		t.Errorf("Mandatory25 is %#x", uint64(Mandatory25))
	}
	// erlnode offers what a hidden node of OTP 29 does.
	if Default != otp29&^Published {
		t.Errorf("Default is %#x, OTP 29 offers %#x; they differ in %v", uint64(Default), uint64(otp29), Default^otp29)
	}
	if Default.Has(NameMe) || Default.Has(Published) {
		t.Error("Default has NAME_ME or PUBLISHED")
	}
}
