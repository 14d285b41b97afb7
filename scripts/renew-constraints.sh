#!/bin/sh
# Writes constraints.txt anew: the newest of everything that `pip install -e .[dev]` brings, in a fresh environment.
# Python 3.11 on Linux, whatever runs the rest: pins that depend on the machine would change with every renewal.
set -eu
cd "$(dirname "$0")/.."

python=$(PYTHON="${PYTHON:-python3.11}" sh scripts/find-python.sh)
if [ "$("$python" -c 'import sys; print(sys.platform, *sys.version_info[:2])')" != "linux 3 11" ]; then
    echo "The constraints are made with Python 3.11 on Linux; $python is another." >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
"$work/venv/bin/python" -m pip check --quiet
{
    echo "# What the project is developed and tested with: all that \`pip install -e .[dev]\` brings on Python 3.11, Linux."
    echo "# Made by \`make constraints\`, which is also how to renew it. Not edited by hand."
    "$work/venv/bin/python" -m pip freeze --exclude-editable
} >"$work/constraints.txt"
# A pin is a name and a version. Anything else would tie the project to the place that it came from.
if grep -Ev '^(#|[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+$)' "$work/constraints.txt" >&2; then
    echo "The lines above are not plain pins; constraints.txt is unchanged." >&2
    exit 1
fi
cat "$work/constraints.txt" >constraints.txt
echo "constraints.txt: $(grep -c == constraints.txt) pins"
