package etf

import (
	"reflect"
	"unsafe"
)

// This is the one file with unsafe. Two things are done with it.
//
// Plans work on the address of a Go value instead of a reflect.Value. A plan is made by reflection for one type, is
// found by that type alone, and so meets only addresses of values of it: the types given to at below are those that the
// plan has seen, or the basic type that they are made of, which has the same layout. Addresses are unsafe.Pointers all
// the time, so the garbage collector sees them; they never leave the value that the caller has given us.
//
// Terms that a decoder makes by the hundred (integers, floats, tuples, binaries) are put into interfaces by pointers
// into an array of them, instead of with an allocation each. An interface that holds a value that is no pointer is a
// pair of a type word and a pointer to the value, which nobody may change: that is so since Go 1.4, and TestBoxes
// checks it. We never write to an element of such an array again.
//
// What it buys is in DESIGN.md.

// addr is the address of a Go value.
type addr struct{ p unsafe.Pointer }

// at says of which type the value at a is.
func at[T any](a addr) *T { return (*T)(a.p) }

func (a addr) plus(offset uintptr) addr { return addr{unsafe.Add(a.p, offset)} }

func (a addr) isNil() bool { return a.p == nil }

// deref returns the pointer that stands at a.
func (a addr) deref() addr { return addr{*(*unsafe.Pointer)(a.p)} }

// value returns what stands at a, which is of type t, for reflection.
func (a addr) value(t reflect.Type) reflect.Value { return reflect.NewAt(t, a.p).Elem() }

// addrOf returns the address of v, which has one.
func addrOf(v reflect.Value) addr { return addr{v.Addr().UnsafePointer()} }

// addrTo returns the address of a value that is not found by reflection.
func addrTo[T any](p *T) addr { return addr{unsafe.Pointer(p)} }

// copyOf returns the address of a copy of v.
func copyOf(v reflect.Value) addr {
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return addr{p.UnsafePointer()}
}

// sliceHeader is what stands at the address of a slice of any type.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// elem returns the address of element i, of the given size.
func (h *sliceHeader) elem(i int, size uintptr) addr {
	return addr{unsafe.Add(h.data, uintptr(i)*size)}
}

// iface is an interface: a word that stands for the type, and a word that is the value, if that is a pointer, or else
// points to it.
type iface struct{ tab, data unsafe.Pointer }

// typeWord is a number for the type of what v holds.
func typeWord(v any) uintptr { return uintptr((*iface)(unsafe.Pointer(&v)).tab) }

// dataWord returns the pointer in v: what v holds, if that is a pointer, or where that lies.
func dataWord(v any) addr { return addr{(*iface)(unsafe.Pointer(&v)).data} }

// sameText tells whether a and b are one string in memory. Equal ones may be two.
func sameText(a, b Atom) bool {
	return len(a) == len(b) && unsafe.StringData(string(a)) == unsafe.StringData(string(b))
}

// textOf makes a string of bytes that nobody will write to.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf returns the bytes of a string, to which nobody may write.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

func tabOf(t Term) unsafe.Pointer { return (*iface)(unsafe.Pointer(&t)).tab }

var (
	intTab    = tabOf(Int(0))
	floatTab  = tabOf(Float(0))
	binaryTab = tabOf(Binary(nil))
	tupleTab  = tabOf(Tuple(nil))
	listTab   = tabOf(List(nil))
	pidTab    = tabOf(Pid{})
)

// box makes a Term of a value that lies in memory that nobody will write to again. tab is that of its type.
func box(tab, data unsafe.Pointer) Term {
	i := iface{tab, data}
	return *(*Term)(unsafe.Pointer(&i))
}

func boxInt(p *Int) Term       { return box(intTab, unsafe.Pointer(p)) }
func boxFloat(p *Float) Term   { return box(floatTab, unsafe.Pointer(p)) }
func boxBinary(p *Binary) Term { return box(binaryTab, unsafe.Pointer(p)) }
func boxTuple(p *Tuple) Term   { return box(tupleTab, unsafe.Pointer(p)) }
func boxList(p *List) Term     { return box(listTab, unsafe.Pointer(p)) }
func boxPid(p *Pid) Term       { return box(pidTab, unsafe.Pointer(p)) }
