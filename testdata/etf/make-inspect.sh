#!/bin/sh
# Makes inspect-<version>.txt with the Elixir that is in the path (or in $ERL_BIN), 1.14 or later, and idents-1.20.txt with
# Elixir 1.20, whose rules for identifiers we follow. The programs are inspect.exs and idents.exs.
set -eu
cd "$(dirname "$0")"
bin=${ERL_BIN:+$ERL_BIN/}
command -v "${bin}elixir" >/dev/null || exit 0
export LC_ALL=C.UTF-8
version=$("${bin}elixir" -e 'IO.write(Enum.join(Enum.take(String.split(System.version(), "."), 2), "."))')
case $version in 1.?|1.1[0-3]) exit 0 ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${bin}elixir" inspect.exs >"$tmp/out"
mv "$tmp/out" "inspect-$version.txt"
if [ "$version" = 1.20 ]; then
	"${bin}elixir" idents.exs >"$tmp/out"
	mv "$tmp/out" "idents-$version.txt"
fi
