package erlnode_test

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestREADME looks for every Go block of README.md in example_test.go. A whole program has the body of its main there,
// and imports nothing else.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := goBlocks(string(readme))
	if len(blocks) < 2 {
		t.Fatalf("README.md has %d Go blocks", len(blocks))
	}
	for _, block := range blocks {
		text := block
		if strings.HasPrefix(block, "package main\n") {
			_, text, _ = strings.Cut(block, "\nfunc main() {\n")
			text = strings.TrimSuffix(text, "}\n")
			for _, imp := range imports(t, block) {
				if !slices.Contains(imports(t, string(examples)), imp) {
					t.Errorf("a program of README.md imports %s, example_test.go does not", imp)
				}
			}
		}
		if !contains(lines(string(examples)), lines(text)) {
			t.Errorf("example_test.go does not have this block of README.md:\n%s", block)
		}
	}
}

func TestREADMEContains(t *testing.T) {
	code := "func f() {\n\ta\n\tif b {\n\n\t\tc\n\t}\n}\n"
	tests := []struct {
		block string
		want  bool
	}{
		{"a\n", true},
		{"\ta\n", true},
		{"a\nif b {\n\n\tc\n}\n", true},
		{"a\nif b {\n\tc\n}\n", false},
		{"a\nif b {\n\nc\n}\n", false},
		{"if b {\n\n\tc\n", true},
		{"b\n", false},
	}
	for _, tt := range tests {
		if got := contains(lines(code), lines(tt.block)); got != tt.want {
			t.Errorf("%q: %v", tt.block, got)
		}
	}
}

// goBlocks returns the text between ```go and ```.
func goBlocks(markdown string) []string {
	var blocks []string
	for {
		_, rest, ok := strings.Cut(markdown, "\n```go\n")
		if !ok {
			return blocks
		}
		block, rest, _ := strings.Cut(rest, "\n```\n")
		blocks = append(blocks, block+"\n")
		markdown = rest
	}
}

func imports(t *testing.T, code string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "", code, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, imp := range file.Imports {
		all = append(all, imp.Path.Value)
	}
	return all
}

func lines(s string) []string { return strings.Split(strings.TrimSuffix(s, "\n"), "\n") }

// contains tells whether code has the block as successive lines, all of them indented by the same number of tabs more, or
// less.
func contains(code, block []string) bool {
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, "\t")) }
	for at := range len(code) - len(block) + 1 {
		shift := indent(code[at]) - indent(block[0])
		same := func(c, b string) bool {
			return strings.TrimLeft(c, "\t") == strings.TrimLeft(b, "\t") && (b == "" || indent(c)-indent(b) == shift)
		}
		if slices.EqualFunc(code[at:at+len(block)], block, same) {
			return true
		}
	}
	return false
}
