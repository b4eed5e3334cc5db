package epmd

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Codes of requests and answers (epmd_int.h).
const (
	codeAlive      = 'x'
	codeAliveResp  = 'y' // 16-bit creation
	codeAliveXResp = 'v' // 32-bit creation
	codePort       = 'z'
	codePortResp   = 'w'
	codeNames      = 'n'
	codeDump       = 'd'
	codeKill       = 'k'
	codeStop       = 's'
)

const (
	maxPacket     = 3059 // bytes of a request, its length included
	maxNameBytes  = 1020 // and of extra data
	maxNameChars  = 255
	maxLookup     = 254 // epmd counts the terminating NUL of a name that it looks up
	xRespVersion  = 6   // from this HighVersion on the answer is codeAliveXResp
	errorCreation = 99
)

// appendFrame appends the length that goes before a request, and the request.
func appendFrame(dst, body []byte) ([]byte, error) {
	if len(body)+2 > maxPacket {
		return dst, fmt.Errorf("a request of %d bytes is longer than %d", len(body), maxPacket-2)
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(body))), body...), nil
}

// request is one of aliveRequest, portRequest, namesRequest, dumpRequest, killRequest, stopRequest.
type request interface{ request() }

type (
	aliveRequest struct{ Info }
	portRequest  struct{ name string }
	namesRequest struct{}
	dumpRequest  struct{}
	killRequest  struct{}
	stopRequest  struct{ name string }
)

func (aliveRequest) request() {}
func (portRequest) request()  {}
func (namesRequest) request() {}
func (dumpRequest) request()  {}
func (killRequest) request()  {}
func (stopRequest) request()  {}

// requestName is what the original calls the request that starts with code in its debug output.
func requestName(code byte) string {
	switch code {
	case codeAlive:
		return "ALIVE2_REQ"
	case codePort:
		return "PORT2_REQ"
	case codeNames:
		return "NAMES_REQ"
	case codeDump:
		return "DUMP_REQ"
	case codeKill:
		return "KILL_REQ"
	case codeStop:
		return "STOP_REQ"
	}
	return ""
}

// complaint is an error in the words of the original's debug output.
type complaint string

func (c complaint) Error() string { return string(c) }

// parseRequest takes the body of a request apart. It keeps nothing of body. The answer to any error is to close
// the connection.
//
// What a name may be is for checkAlive: a bad one gets an answer. Bytes after the request are read over.
// (EP:do_request)
func parseRequest(body []byte) (request, error) {
	if len(body) == 0 {
		return nil, complaint("invalid packet size (0)")
	}
	switch body[0] {
	case codeAlive:
		return parseAlive(body)
	case codePort:
		name := strings.TrimSuffix(string(body[1:]), "\x00")
		switch {
		case name == "":
			return nil, complaint("packet too small for request PORT2_REQ (1)")
		case strings.Contains(name, "\x00"):
			return nil, complaint("node name contains ascii 0 in PORT2_REQ")
		case !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxLookup:
			return nil, complaint("invalid node name in PORT2_REQ")
		}
		return portRequest{name}, nil
	case codeNames:
		return namesRequest{}, nil
	case codeDump:
		return dumpRequest{}, nil
	case codeKill:
		return killRequest{}, nil
	case codeStop:
		if len(body) == 1 {
			return nil, complaint("packet too small for request STOP_REQ (1)")
		}
		name, _, _ := strings.Cut(string(body[1:]), "\x00")
		return stopRequest{name}, nil
	}
	return nil, complaint("got garbage ")
}

func parseAlive(body []byte) (request, error) {
	if len(body) <= 13 {
		return nil, fmt.Errorf("packet to small for request ALIVE2_REQ (%d)", len(body))
	}
	nlen := int(binary.BigEndian.Uint16(body[9:]))
	if nlen+13 > len(body) {
		return nil, complaint("Node name size error in ALIVE2_REQ")
	}
	name := string(body[11 : 11+nlen])
	rest := body[11+nlen:]
	elen := int(binary.BigEndian.Uint16(rest))
	if elen+2 > len(rest) {
		return nil, complaint("Extra info size error in ALIVE2_REQ")
	}
	if strings.Contains(name, "\x00") {
		return nil, complaint("node name contains ascii 0 in ALIVE2_REQ")
	}
	return aliveRequest{Info{
		Name:        name,
		Port:        int(binary.BigEndian.Uint16(body[1:])),
		Type:        NodeType(body[3]),
		Protocol:    body[4],
		HighVersion: binary.BigEndian.Uint16(body[5:]),
		LowVersion:  binary.BigEndian.Uint16(body[7:]),
		Extra:       append([]byte(nil), rest[2:2+elen]...),
	}}, nil
}

// checkAlive says whether a node may be registered under its name, in the original's words (EP:node_reg2).
func checkAlive(in Info) error {
	switch {
	case len(in.Name) > maxNameBytes || utf8.RuneCountInString(in.Name) > maxNameChars && utf8.ValidString(in.Name):
		return fmt.Errorf("node name is too long (%d) %s", len(in.Name), printable(in.Name))
	case !utf8.ValidString(in.Name):
		return complaint("invalid node name encoding")
	case len(in.Extra) > maxNameBytes:
		return fmt.Errorf("extra data is too long (%d)", len(in.Extra))
	}
	return nil
}

// appendInfo appends what ALIVE2_REQ and PORT2_RESP have in common.
func appendInfo(dst []byte, in Info) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(in.Port))
	dst = append(dst, byte(in.Type), in.Protocol)
	dst = binary.BigEndian.AppendUint16(dst, in.HighVersion)
	dst = binary.BigEndian.AppendUint16(dst, in.LowVersion)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(in.Name)))
	dst = append(dst, in.Name...)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(in.Extra)))
	return append(dst, in.Extra...)
}

// appendAliveResp appends the answer to a registration; ok false is the refusal.
func appendAliveResp(dst []byte, highVersion uint16, creation uint32, ok bool) []byte {
	result := byte(0)
	if !ok {
		result, creation = 1, errorCreation
	}
	if highVersion >= xRespVersion {
		return binary.BigEndian.AppendUint32(append(dst, codeAliveXResp, result), creation)
	}
	return binary.BigEndian.AppendUint16(append(dst, codeAliveResp, result), uint16(creation))
}

// printable is a name as it may be printed: control characters would let a client forge lines.
func printable(name string) string {
	q := strconv.Quote(name)
	return q[1 : len(q)-1]
}
