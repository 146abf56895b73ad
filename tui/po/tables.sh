#!/bin/sh
# tables.sh FILE.po OUT.inc - a gettext catalogue as rows of a C table.
# msgfmt does the parsing: its Tcl output is one "msgid" "msgstr" pair a line, escaped as C is but for [ ] $.
set -e
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
msgfmt --check-format --tcl -l xx -d "$dir" "$1"
sed -n -e 's/^::msgcat::mcset xx \(".*"\) \(".*"\)$/{\1, \2},/p' "$dir/xx.msg" |
    sed -e 's/\\\([][$]\)/\1/g' >"$2"
