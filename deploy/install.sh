#!/bin/sh
# Installs packed releases side by side, and switches between them: the steps of the Dockerfile, and of an installation
# without containers. FOLDER is /opt/pansegnet-node unless named.
#   install.sh program RELEASE.tgz [FOLDER]   fetches a release beside those that are there, and switches to it
#   install.sh user                           makes the user that it runs as, and the folder of its data
#   install.sh upgrade RELEASE.tgz [FOLDER]   fetches, stops the service, backs up the database, switches, starts
#   install.sh rollback [FOLDER]              stops, restores that backup, switches back, starts
# Needs Node.js 24 with npm; root for all but the first. What fails before the switch changes nothing.
set -eu

user=pansegnet
uid=10001
service=pansegnet-node
data=${DATA_FOLDER:-/var/lib/pansegnet-node}
site=${SITE_FILE:-/etc/pansegnet-node/site.yaml}
links=${LINK_FOLDER:-/usr/local/bin}
backups=$data/backups

say() { echo "install.sh: $*" >&2; }
fail() { say "$*"; exit 1; }

# Replaces a link by one rename: whoever looks finds the old or the new.
point() {
  ln -sfn "$2" "$1.new"
  mv -fT "$1.new" "$1"
}

version_in() { sed -n 's/^  "version": "\(.*\)",$/\1/p' "$1/package.json"; }

# Fetches a release into releases/VERSION; prints its name. Another build of the same version gets its hash behind it.
fetch() {
  release=$1
  [ -f "$release" ] || fail "$release: there is no such file"
  hash=$(sha256sum "$release" | cut -c1-64)
  mkdir -p "$folder/releases"
  partial=$folder/releases/.partial
  rm -rf "$partial"
  mkdir "$partial"
  tar -xzf "$release" --strip-components=1 --no-same-owner -C "$partial" || { rm -rf "$partial"; fail "$release: no release"; }
  name=$(version_in "$partial")
  [ -n "$name" ] || { rm -rf "$partial"; fail "$release: no release of pansegnet-node"; }
  if [ -e "$folder/releases/$name" ] && [ "$(cat "$folder/releases/$name/.release")" != "$hash" ]; then
    name=$name-$(echo "$hash" | cut -c1-8)
  fi
  if [ -e "$folder/releases/$name" ]; then
    rm -rf "$partial"
  else
    # A command finds the node's data from whatever folder it is called in.
    sed -i "s|^dataFolder: null\$|dataFolder: $data|" "$partial/config/default.yaml"
    # Versions and hashes of all packages are in the release (npm-shrinkwrap.json). GPU libraries, which would come from
    # outside the registry, are left out: docs/gpu.md.
    (cd "$partial" && ONNXRUNTIME_NODE_INSTALL=skip npm ci --omit=dev --no-audit --no-fund >&2) ||
      { rm -rf "$partial"; fail "the packages could not be fetched; nothing was changed"; }
    # What nothing reads when the program runs: 44 of 259 MB.
    find "$partial/node_modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
    rm -rf "$partial/node_modules/jpeg-lossless-decoder-js/tests" "$partial/node_modules/bintrees/test"
    echo "$hash" >"$partial/.release"
    mv "$partial" "$folder/releases/$name"
  fi
  echo "$name"
}

# Releases of before were unpacked into the folder itself: what stands there becomes the release that it is.
adopt_old_layout() {
  [ -d "$folder/dist" ] || return 0
  old=$(version_in "$folder")
  mkdir -p "$folder/releases/$old"
  for entry in "$folder"/* "$folder"/.[!.]*; do
    case $entry in */releases | */current | */previous) continue ;; esac
    [ ! -e "$entry" ] || mv "$entry" "$folder/releases/$old/"
  done
  echo before >"$folder/releases/$old/.release"
  point "$folder/current" "releases/$old"
}

# The release that was in use stays, for the way back; older ones go.
switch_to() {
  adopt_old_layout
  before=$(readlink "$folder/current" || true)
  rm -f "$folder/upgraded-with-backup"
  point "$folder/current" "releases/$1"
  mkdir -p "$links"
  point "$links/$service" "$folder/current/bin/pansegnet-node.js"
  if [ -n "$before" ] && [ "$before" != "releases/$1" ]; then point "$folder/previous" "$before"; fi
  kept=$(readlink "$folder/previous" || true)
  for other in "$folder"/releases/*; do
    case releases/${other##*/} in "releases/$1" | "$kept") ;; *) rm -rf "$other" ;; esac
  done
}

# As whoever owns the data: root's files among them would keep the node from starting.
node_command() {
  owner=$(stat -c %U "$data")
  [ ! -f "$site" ] || set -- "$@" --config "$site"
  set -- "$links/$service" "$@"
  if [ "$owner" = "$(id -un)" ]; then "$@"; else runuser -u "$owner" -- "$@"; fi
}

has_service() { command -v systemctl >/dev/null && systemctl cat "$service" >/dev/null 2>&1; }
stop() { if has_service; then systemctl stop "$service"; fi; }
start() { if has_service; then systemctl start "$service"; else say "start the node now"; fi; }

program() {
  name=$(fetch "$1")
  switch_to "$name"
}

user() {
  getent group "$user" >/dev/null || groupadd --system --gid "$uid" "$user"
  getent passwd "$user" >/dev/null ||
    useradd --system --uid "$uid" --gid "$uid" --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
  install -d -m 0700 -o "$user" -g "$user" "$data"
}

upgrade() {
  name=$(fetch "$1")
  [ "releases/$name" != "$(readlink "$folder/current" || true)" ] || fail "$name is in use already"
  backup=$backups/before-$name-$(date -u +%Y%m%dT%H%M%SZ)
  stop
  # The program that is in use may be too old to know the command: the new one writes the backup.
  installed=$(readlink "$links/$service" || true)
  point "$links/$service" "$folder/releases/$name/bin/pansegnet-node.js"
  if ! node_command database backup "$backup"; then
    [ -z "$installed" ] || point "$links/$service" "$installed"
    start
    fail "no backup could be made; the old version goes on"
  fi
  switch_to "$name"
  echo "$backup" >"$folder/upgraded-with-backup"
  start
  say "$name is in use. The way back: install.sh rollback"
}

rollback() {
  previous=$(readlink "$folder/previous" || true)
  [ -n "$previous" ] || fail "there is no earlier release to go back to"
  [ -f "$folder/upgraded-with-backup" ] || fail "no upgrade took a backup: restore one yourself (docs/operations.md)"
  backup=$(cat "$folder/upgraded-with-backup")
  [ -f "$backup" ] || fail "the upgrade's backup $backup is not there"
  say "goes back to ${previous#releases/} and to the database of $(date -r "$backup"). What was measured, decided and"
  say "queued since then is not in it: studies of the look-back are processed again; reviews and opt-outs since are lost."
  stop
  if ! node_command database restore "$backup"; then start; fail "the backup was not restored; the new version goes on"; fi
  gone=$(readlink "$folder/current")
  point "$folder/current" "$previous"
  rm -rf "$folder/previous" "$folder/upgraded-with-backup" "${folder:?}/$gone"
  start
  say "${previous#releases/} is in use"
}

usage() { sed -n 's/^#   /  /p' "$0" >&2; exit 2; }

command=${1-}
case $command in
  program | upgrade) [ $# -ge 2 ] || usage; folder=${3:-/opt/pansegnet-node}; "$command" "$2" ;;
  rollback) folder=${2:-/opt/pansegnet-node}; rollback ;;
  user) user ;;
  *) usage ;;
esac
