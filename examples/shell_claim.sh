#!/usr/bin/env bash
# Takes a track beside orchd, with nothing but `echo` and `ln`, for as long as a command runs:
#
#   examples/shell_claim.sh TRACK COMMAND [ARGUMENT ...]
#
# Works in $ORCHD_ROOT, else in the current folder. A claim is one file that did not exist before: whoever makes the
# link has the track, and `ln` fails for everybody else, orchd among them. `orchd locks` shows such a claim as alive
# while this script is, and orchd frees it should the script be killed.
#
# Exit status: that of the command; 75 another has the track; 64 the words are wrong; 9 the lock cannot be made.
set -u

say() {
  echo "shell_claim: $1" >&2
}

# What orchd allows as the name of a track; whatever else could be a path.
is_name() {
  local LC_ALL=C
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$ && $1 != *..* && $1 != *. && ! $1 =~ \.([Ll][Oo][Cc][Kk]|[Jj][Ss][Oo][Nn])$ ]]
}

if [ $# -lt 2 ] || ! is_name "$1"; then
  say "usage: shell_claim.sh TRACK COMMAND [ARGUMENT ...], where TRACK is made of A-Z a-z 0-9 . _ -"
  exit 64
fi
locks=${ORCHD_ROOT:-.}/.orchestrator_locks
lock=$locks/$1.lock
mine=$locks/.d/tmp/$1.$$
shift

held() {
  say "held: another has $lock"
  exit 75
}

# Half-written it must not be seen: written aside first, in a folder that nobody watches, then linked in one step.
[ ! -e "$lock" ] || held
(umask 077 && mkdir -p -- "$locks/.d/tmp" && echo $$ >"$mine") || exit 9
refusal=$(ln -- "$mine" "$lock" 2>&1)
taken=$?
rm -f -- "$mine"
if [ $taken -ne 0 ]; then
  if [ -e "$lock" ] || [ -L "$lock" ]; then held; fi
  say "$refusal"
  exit 9
fi

# Only our own claim: an operator may have broken it, and another may have the track by now.
release() {
  local holder=
  read -r holder 2>/dev/null <"$lock"
  [ "$holder" != $$ ] || rm -f -- "$lock"
}
trap release EXIT

# The command may be slow to end: the track is free when it has ended, not when it was told to.
trap 'kill -TERM $! 2>/dev/null' HUP INT TERM
"$@" <&0 &
while :; do
  wait $!
  status=$?
  kill -0 $! 2>/dev/null || exit $status
done
