#!/bin/sh
# Prints the Python to make the virtual environment with: 3.11 or later, able to make one.
# $PYTHON, when set, is the only one considered. On failure it says on stderr what to do.
set -eu

probe='
import sys
if sys.version_info < (3, 11):
    sys.exit(3)
try:
    import ensurepip, venv
except ImportError:
    sys.exit(4)
print(sys.executable)
'
without_venv=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    status=0
    found=$("$candidate" -c "$probe" 2>/dev/null) || status=$?
    if [ "$status" -eq 0 ] && [ -n "$found" ]; then
        echo "$found"
        exit 0
    elif [ "$status" -eq 4 ]; then
        without_venv=${without_venv:-$candidate}
    fi
done

if [ -n "$without_venv" ]; then
    echo "$without_venv cannot make virtual environments: its venv module is not complete." >&2
    echo "On Debian and Ubuntu: apt-get install python3-venv (as root), then make again." >&2
elif [ -n "${PYTHON:-}" ]; then
    echo "PYTHON=$PYTHON is not a Python 3.11 or later." >&2
else
    echo "No Python 3.11 or later found. Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2
fi
exit 1
