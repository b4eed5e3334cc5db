#!/bin/sh
# Makes terms-<release>.txt with the Erlang/OTP that is in the path (or in $ERL_BIN), 25 or later: earlier ones have no
# deterministic encoding. The program is terms.erl; it says what the lines mean.
set -eu
cd "$(dirname "$0")"
bin=${ERL_BIN:+$ERL_BIN/}
release=$("${bin}erl" -noinput -boot start_clean -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')
[ "$release" -ge 25 ] || exit 0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"${bin}erlc" +deterministic -o "$tmp" terms.erl
"${bin}erl" -noinput -pa "$tmp" -s terms main >"$tmp/out"
mv "$tmp/out" "terms-$release.txt"
