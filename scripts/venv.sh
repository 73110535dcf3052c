# shellcheck shell=bash
# Sourced by scripts/check and scripts/test: goes to the top of the repository and makes sure of a virtual environment
# that holds exactly requirements-dev.txt and orchd itself, editable. Afterwards $PY is its Python and $CACHE a folder
# for what the tools keep. The environment is made again when a pin, pyproject.toml, the Python or the place of the
# repository changed; otherwise nothing is installed and no network is needed.

# Whatever the caller's environment says of git, Python, pip and orchd is not meant for this.
for name in CDPATH "${!GIT_@}" "${!ORCHD_@}" "${!PYTHON@}" PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT; do
  [ "$name" = PYTHON ] || unset "$name"
done
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# In the repository where we may write there (a run as another user may have left folders that we may not).
venv_place() {
  local folder
  for folder in "$PWD" "$PWD/.venv" "$PWD/.cache"; do
    if [ -e "$folder" ] && [ ! -w "$folder" ]; then
      printf '%s/orchd/%s\n' "${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}" "$(printf %s "$PWD" | cksum | tr ' ' -)"
      return
    fi
  done
  printf '%s\n' "$PWD"
}

venv_key() {
  "$PYTHON" -c 'import sys; print(sys.version, sys.executable)'
  printf '%s\n' "$PWD"
  cat -- requirements-dev.txt pyproject.toml
}

venv_make() {
  local venv=$1 key=$2
  [ "$(cat -- "$venv/orchd-key" 2>/dev/null)" = "$key" ] && return
  echo "setting up $venv"
  rm -rf -- "$venv"
  "$PYTHON" -m venv "$venv"
  "$venv/bin/python" -m pip --disable-pip-version-check install -qq --compile --require-hashes -r requirements-dev.txt
  "$venv/bin/python" -m pip --disable-pip-version-check install -qq --no-deps --no-build-isolation -e .
  printf '%s\n' "$key" >"$venv/orchd-key"
}

PYTHON=${PYTHON:-python3}
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "orchd needs Python 3.11 or later; $PYTHON is not. Name one: PYTHON=/path/to/python3.12 $0" >&2
  exit 69
fi
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "$PYTHON cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 69
fi

place=$(venv_place)
mkdir -p -- "$place"
(
  # Two at once: the second waits and finds the work done.
  if command -v flock >/dev/null; then flock 9; fi
  venv_make "$place/.venv" "$(venv_key | cksum)"
) 9>"$place/.venv.lock"

PY=$place/.venv/bin/python
CACHE=$place/.cache
[ "$place" = "$PWD" ] || export PYTHONPYCACHEPREFIX=$CACHE/bytecode
export PY CACHE PATH="$place/.venv/bin:$PATH" HYPOTHESIS_STORAGE_DIRECTORY="$CACHE/hypothesis"
"$PY" -m compileall -qq orchestrator || : # what does not compile is the gates' to report
