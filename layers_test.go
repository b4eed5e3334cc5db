package erlnode_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/erlnode/erlnode"

// layers is the import table of DESIGN.md: a package folder, and the packages of this module that it may import.
// All may import the standard library and golang.org/x/sync, and nothing else; their tests may import go-cmp too.
// A package whose row is missing fails TestLayers: enter it here and in DESIGN.md together.
var layers = map[string]string{
	".":              "etf epmd handshake dist node node/rpc node/user node/pg node/global node/discovery gen",
	"etf":            "",
	"epmd":           "",
	"handshake":      "",
	"dist":           "etf handshake",
	"node":           "etf epmd handshake dist",
	"node/rpc":       "etf node gen",
	"node/user":      "etf node node/rpc gen",
	"node/pg":        "etf node gen",
	"node/global":    "etf node gen",
	"node/discovery": "etf epmd node",
	"gen":            "etf node",
}

// free are the trees outside the library, which may import anything.
var free = []string{"cmd", "interop"}

// source is one Go file of the module.
type source struct {
	path    string // from the module's root, with slashes
	dir     string // the package folder, "." for the root
	test    bool
	imports []string
}

func TestLayers(t *testing.T) {
	known := map[string]bool{}
	for _, src := range sources(t) {
		if isFree(src.dir) {
			continue
		}
		if _, ok := layers[src.dir]; !ok {
			if !known[src.dir] {
				t.Errorf("%s: the import table has no row for package folder %s", src.path, src.dir)
			}
			known[src.dir] = true
			continue
		}
		for _, imp := range src.imports {
			if why := refuse(src, imp); why != "" {
				t.Errorf("%s imports %s: %s", src.path, imp, why)
			}
		}
	}
}

// refuse says why a file of the library may not have an import; "" means it may.
func refuse(src source, imp string) string {
	if imp == "C" {
		return "the library is pure Go"
	}
	if imp == module || strings.HasPrefix(imp, module+"/") {
		dir := strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
		if dir == "" {
			dir = "."
		}
		if src.test && dir == src.dir {
			return "" // an external test of the package itself
		}
		if src.test && dir == "handshake" && strings.HasPrefix(src.dir, "node/") {
			return "" // the flags in node.Config, to test peers that lack some
		}
		for _, allowed := range strings.Fields(layers[src.dir]) {
			if dir == allowed {
				return ""
			}
		}
		return "package " + src.dir + " may import of this module: " + orNothing(layers[src.dir])
	}
	switch first, _, _ := strings.Cut(imp, "/"); {
	case !strings.Contains(first, "."):
		return "" // standard library
	case strings.HasPrefix(imp, "golang.org/x/sync/"):
		return ""
	case src.test && (imp == "github.com/google/go-cmp/cmp" || strings.HasPrefix(imp, "github.com/google/go-cmp/cmp/")):
		return ""
	}
	return "the library imports the standard library and golang.org/x/sync only, its tests go-cmp as well"
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

func TestLayersRefuse(t *testing.T) {
	tests := []struct {
		dir  string
		test bool
		imp  string
		ok   bool
	}{
		{"etf", false, "math/big", true},
		{"etf", false, "C", false},
		{"etf", false, module + "/dist", false},
		{"etf", false, module, false},
		{"etf", true, module + "/etf", true},
		{"etf", true, module + "/node", false},
		{"dist", false, module + "/etf", true},
		{"dist", false, module + "/etf/deeper", false},
		{"dist", false, "golang.org/x/sync/errgroup", true},
		{"dist", false, "golang.org/x/sys/unix", false},
		{"dist", false, "github.com/google/go-cmp/cmp", false},
		{"dist", true, "github.com/google/go-cmp/cmp/cmpopts", true},
		{"node", false, module + "/gen", false},
		{"node/rpc", false, module + "/gen", true},
		{"gen", false, module + "/node/rpc", false},
		{".", false, module + "/node/rpc", true},
		{".", false, module + "/interop/otp", false},
	}
	for _, tt := range tests {
		why := refuse(source{dir: tt.dir, test: tt.test}, tt.imp)
		if (why == "") != tt.ok {
			t.Errorf("%s (test: %v) imports %s: got %q, want allowed: %v", tt.dir, tt.test, tt.imp, why, tt.ok)
		}
	}
}

// TestDoc holds every package, below cmd and interop too, to a doc.go with the package comment.
func TestDoc(t *testing.T) {
	seen := map[string]bool{}
	for _, src := range sources(t) {
		if seen[src.dir] {
			continue
		}
		seen[src.dir] = true
		path := filepath.Join(src.dir, "doc.go")
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.PackageClauseOnly)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			t.Errorf("package folder %s has no doc.go", src.dir)
		case err != nil:
			t.Error(err)
		case !documents(file):
			t.Errorf("%s has no comment that begins \"Package %s\" or \"Command …\"", path, file.Name.Name)
		}
	}
}

func documents(file *ast.File) bool {
	text := file.Doc.Text()
	if file.Name.Name == "main" {
		return text != ""
	}
	return strings.HasPrefix(text, "Package "+file.Name.Name+" ")
}

func isFree(dir string) bool {
	top, _, _ := strings.Cut(dir, "/")
	for _, f := range free {
		if top == f {
			return true
		}
	}
	return false
}

// sources finds the Go files of this module: not those of nested modules, nor in folders that the go command ignores.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != "." {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if err == nil || name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return fs.SkipDir
			}
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		src := source{
			path: filepath.ToSlash(path),
			dir:  filepath.ToSlash(filepath.Dir(path)),
			test: strings.HasSuffix(name, "_test.go"),
		}
		for _, spec := range file.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			src.imports = append(src.imports, imp)
		}
		found = append(found, src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no Go files found")
	}
	return found
}
