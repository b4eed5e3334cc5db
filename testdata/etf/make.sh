#!/bin/sh
# Makes the golden vectors of package etf with the Erlang/OTP that is in the path (or in $ERL_BIN), and names the file after
# its release: vectors-25.txt. The program is vectors.erl; it says what the lines mean.
set -eu
cd "$(dirname "$0")"
bin=${ERL_BIN:+$ERL_BIN/}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${bin}erlc" +deterministic -o "$tmp" vectors.erl
release=$("${bin}erl" -noinput -boot start_clean -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')
"${bin}erl" +pc unicode -noinput -pa "$tmp" -s vectors main >"$tmp/out"
mv "$tmp/out" "vectors-$release.txt"

./make-terms.sh

./make-inspect.sh
