package handshake

import "encoding/binary"

// MaxMessage is the length in bytes of the longest message body that a reader need take. Those in use have less
// than 300; the rest is room for what later releases may append to 'N'.
const MaxMessage = 4096

// AppendFrame appends body to dst with its length before it, in two bytes, as the handshake frames its messages
// over plain TCP (OTP: {packet,2}). A body longer than 65535 bytes cannot be framed and leaves dst as it is; no
// message of this package is longer than 300 bytes unless Config.Name is.
func AppendFrame(dst, body []byte) []byte {
	if len(body) > 0xffff {
		return dst
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(body))), body...)
}

// AppendFrame32 is AppendFrame with a length of four bytes, as TLS distribution frames the handshake (OTP:
// {packet,4}, as all of inet_tls_dist), and as every carrier frames what follows it.
func AppendFrame32(dst, body []byte) []byte {
	if uint64(len(body)) > 0xffffffff {
		return dst
	}
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(body))), body...)
}
