package etf

// Version is the byte in front of a term that is stored or sent alone.
const Version = 131

// The tags, by their names in the ERTS User's Guide, chapter "External Term Format".
const (
	tagRecord       = 67  // RECORD_EXT, OTP 29
	tagNewFloat     = 70  // NEW_FLOAT_EXT
	tagBitBinary    = 77  // BIT_BINARY_EXT
	tagCompressed   = 80  // only after Version
	tagCacheRef     = 82  // ATOM_CACHE_REF
	tagNewPid       = 88  // NEW_PID_EXT
	tagNewPort      = 89  // NEW_PORT_EXT
	tagNewerRef     = 90  // NEWER_REFERENCE_EXT
	tagSmallInt     = 97  // SMALL_INTEGER_EXT
	tagInt          = 98  // INTEGER_EXT
	tagFloat        = 99  // FLOAT_EXT
	tagAtom         = 100 // ATOM_EXT, Latin-1
	tagOldRef       = 101 // REFERENCE_EXT
	tagPort         = 102 // PORT_EXT
	tagPid          = 103 // PID_EXT
	tagSmallTuple   = 104 // SMALL_TUPLE_EXT
	tagLargeTuple   = 105 // LARGE_TUPLE_EXT
	tagNil          = 106 // NIL_EXT
	tagString       = 107 // STRING_EXT
	tagList         = 108 // LIST_EXT
	tagBinary       = 109 // BINARY_EXT
	tagSmallBig     = 110 // SMALL_BIG_EXT
	tagLargeBig     = 111 // LARGE_BIG_EXT
	tagNewFun       = 112 // NEW_FUN_EXT
	tagExport       = 113 // EXPORT_EXT
	tagNewRef       = 114 // NEW_REFERENCE_EXT
	tagSmallAtom    = 115 // SMALL_ATOM_EXT, Latin-1
	tagMap          = 116 // MAP_EXT
	tagOldFun       = 117 // FUN_EXT, gone since OTP 23
	tagAtomUTF8     = 118 // ATOM_UTF8_EXT
	tagSmallAtomUTF = 119 // SMALL_ATOM_UTF8_EXT
	tagV4Port       = 120 // V4_PORT_EXT
	tagLocal        = 121 // LOCAL_EXT
)

// What the format or the BEAM can hold at most.
const (
	maxAtomChars  = 255       // MAX_ATOM_CHARACTERS
	maxRefWords   = 5         // ERTS_MAX_REF_NUMBERS
	maxBigBytes   = 4_194_296 // BIG_ARITY_MAX 64-bit words of OTP 25; OTP 27 and 29 stop at 524,280
	maxTupleArity = 1<<24 - 1 // MAX_ARITYVAL
	maxLen        = 1<<32 - 1 // a length field of four bytes
	maxMapLen     = 1<<31 - 1
	maxTinyCre    = 3       // creation in the tags before OTP 23
	maxOldRefWord = 1 << 18 // first word of a reference in those tags, exclusive
)

// tagName says what kind of term a tag starts, for error messages.
func tagName(tag byte) string {
	switch tag {
	case tagRecord:
		return "native record"
	case tagNewFloat, tagFloat:
		return "float"
	case tagBitBinary:
		return "bit string"
	case tagCompressed:
		return "compressed term"
	case tagCacheRef, tagAtom, tagSmallAtom, tagAtomUTF8, tagSmallAtomUTF:
		return "atom"
	case tagNewPid, tagPid:
		return "pid"
	case tagNewPort, tagPort, tagV4Port:
		return "port"
	case tagNewerRef, tagOldRef, tagNewRef:
		return "reference"
	case tagSmallInt, tagInt, tagSmallBig, tagLargeBig:
		return "integer"
	case tagSmallTuple, tagLargeTuple:
		return "tuple"
	case tagNil:
		return "[]"
	case tagString, tagList:
		return "list"
	case tagBinary:
		return "binary"
	case tagNewFun, tagExport, tagOldFun:
		return "fun"
	case tagMap:
		return "map"
	case tagLocal:
		return "LOCAL_EXT term"
	}
	return "unknown tag"
}
