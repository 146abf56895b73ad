#!/bin/sh
# update.sh - brings zh_CN.po up to date with the msgids in the sources; run by hand after changing a text.
set -e
cd "$(dirname "$0")/.."
pot=$(mktemp)
trap 'rm -f "$pot"' EXIT
xgettext -L C --from-code=UTF-8 -k_ -kN_ --no-location --omit-header -o "$pot" ui/*.c screen/*.c command/*.c ukey/*.c main.c
msgmerge --quiet --no-fuzzy-matching --no-wrap --update --backup=none "$@" po/zh_CN.po "$pot"
msgattrib --no-wrap --no-obsolete -o po/zh_CN.po po/zh_CN.po
msgfmt --check --statistics -o /dev/null po/zh_CN.po
