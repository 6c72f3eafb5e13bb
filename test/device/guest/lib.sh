# What the rows' scripts share inside the guest. Sourced by bash; a plain shell can read it, too.
set -u

# await SECONDS CONDITION: until the condition holds; fails with one line after so many seconds of the guest's time.
await() {
  local limit=$((SECONDS + $1))
  [ -p /run/bench/never ] || mkfifo /run/bench/never 2>/dev/null || :
  until eval "$2"; do
    [ $SECONDS -lt "$limit" ] || {
      echo "not within $1 s: $2" >&2
      return 1
    }
    # A tenth of a second without a program, for the same reason as in level.
    read -r -t 0.1 _ <>/run/bench/never || :
  done
}

# level LINE: the simulated line as the kernel has it.
level() {
  local value
  # No program is started: it is asked ten times a second, and the machine is slow.
  read -r value <"/run/bench/chip/sim_gpio$1/value"
  echo "$value"
}

# set_key SECTION KEY VALUE: in the installed configuration; the key must stand there, perhaps as a comment.
set_key() {
  awk -v section="[$1]" -v key="$2" -v value="$3" '
    /^\[/ { here = index($0, section) == 1 }
    here && !done && $0 ~ "^(# *)?" key " *=" { print key " = " value; done = 1; next }
    { print }
    END { exit !done }' /etc/maskgate/config.toml >/run/bench/config.new ||
    { echo "the installed configuration has no $1.$2" >&2; return 1; }
  cat /run/bench/config.new >/etc/maskgate/config.toml
}

# plug_camera: the camera's device appears.
plug_camera() { modprobe v4l2loopback video_nr=0 exclusive_caps=1 card_label=bench; }

# control_groups: the control groups of every unit of ours that runs.
control_groups() { systemctl show -P ControlGroup 'maskgate*.service' | sort -u; }

# edit FILE OLD NEW: changes a text in a file, once; a file of the host's is changed for the guest only. Fails if the text is not there.
edit() {
  local copy=$1
  case $1 in /host/*) copy=/run/bench/$(basename "$1") && cp -p "$1" "$copy" ;; esac
  OLD=$2 NEW=$3 perl -0pi -e 's/\Q$ENV{OLD}\E/$ENV{NEW}/ or die "not in $ARGV: $ENV{OLD}\n"' "$copy"
  [ "$copy" = "$1" ] || mount --bind "$copy" "$1"
}
