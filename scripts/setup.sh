# What scripts/demo and scripts/test need on a machine that has nothing yet. Sourced, not run.
# Everything is installed by name through the machine's own package clients: apt-get, npm and pip.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${MASKGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/maskgate}
node_least=20
node_wanted=22

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
fail() {
  printf 'maskgate: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    fail "this needs root: run '$*' as root, or install sudo, and start again"
  fi
}

# need_programs "program:package" ...: installs the Debian packages whose program is not there.
need_programs() {
  local missing=() pair
  for pair in "$@"; do command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}"); done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || fail "please install: ${missing[*]} (there is no apt-get here to do it)"
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}"
}

# need_version NAME HAVE LEAST MEND
need_version() {
  [ "$(printf '%s\n' "$3" "$2" | sort -V | head -n 1)" = "$3" ] || fail "$1 is ${2:-unknown} here, maskgate needs $3 or newer: $4"
}

node_major() {
  if command -v node >/dev/null; then node --version | sed -n 's/^v\([0-9]*\)\..*/\1/p'; else echo 0; fi
}

# Debian 12 has Node 18: then npm's own packages of Node and npm are put into the cache folder and used from there.
need_node() {
  local arch major folder=$cache/node-$node_wanted
  major=$(node_major)
  if [ "$major" -ge $node_least ] && command -v npm >/dev/null; then return; fi
  if [ ! -x "$folder/bin/node" ]; then
    need_programs npm:npm node:nodejs
    case $(uname -m) in
      x86_64) arch=x64 ;;
      aarch64) arch=arm64 ;;
      *) fail "please install Node $node_least or newer: there is no package of it for $(uname -m)" ;;
    esac
    say "installing Node $node_wanted into $folder"
    mkdir -p "$folder/bin"
    (cd "$folder" && npm install --silent --no-fund --no-audit --ignore-scripts --prefix "$folder" \
      "node-linux-$arch@$node_wanted" npm@10) || fail "npm could not install Node $node_wanted"
    ln -sf "../node_modules/npm/bin/npm-cli.js" "$folder/bin/npm"
    ln -sf "../node_modules/node-linux-$arch/bin/node" "$folder/bin/node"
  fi
  export PATH=$folder/bin:$PATH
  [ "$(node_major)" -ge $node_least ] || fail "Node $node_least or newer is needed; remove $folder and start again"
}

# Installs the npm packages of the lock file, once for each state of it.
need_npm_packages() {
  local state
  state=$(cat "$root/package-lock.json" "$root/package.json" | sha256sum | cut -d' ' -f1)-$(node --version)
  [ "$(cat "$root/node_modules/.maskgate-state" 2>/dev/null)" = "$state" ] && return
  say "installing npm packages"
  (cd "$root" && npm ci --no-fund --no-audit --loglevel=error) || fail "npm ci failed; see above"
  echo "$state" >"$root/node_modules/.maskgate-state"
}
