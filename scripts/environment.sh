#!/bin/sh
# Creates or completes a virtual environment with the pinned versions.
#   scripts/environment.sh FOLDER [REQUIREMENTS...]
# PYTHON names the interpreter; without it the first of python3, python3.13, ... that is new enough.
# torch comes first and without a hash, so that a CPU and a CUDA build of it both do.
set -eu

TORCH="torch==2.13.0"
folder=$1
shift

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    found=$("${PYTHON:-python3}" --version 2>/dev/null || echo "none")
    echo "Expected Python 3.11 or newer as '${PYTHON:-python3}', found $found; install it, or name" \
        "one: make PYTHON=/path/to/python3.12 ..." >&2
    exit 2
}

if [ ! -x "$folder/bin/python" ]; then
    python=$(find_python)
    for module in venv ensurepip; do
        if ! "$python" -c "import $module" 2>/dev/null; then
            version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            echo "Expected Python's '$module' module, found $python $version without it; on Debian" \
                "and Ubuntu: apt-get install python$version-venv" >&2
            exit 2
        fi
    done
    rm -rf "$folder"
    "$python" -m venv "$folder"
fi

pip="$folder/bin/python -m pip --disable-pip-version-check --quiet"
if ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "Expected pip in $folder, found none; delete that folder and run again." >&2
    exit 2
fi
echo "Installing $TORCH and the pinned packages into $folder ..."
$pip install "$TORCH"
for file in "$@"; do
    $pip install --require-hashes --no-deps -r "$file"
done
$pip install --no-deps --no-build-isolation -e .
