#!/bin/sh
# Installs a packed release: the steps of the Dockerfile, and of an installation without containers.
#   install.sh program RELEASE.tgz [FOLDER]   unpacks it, fetches what it depends on (FOLDER: /opt/pansegnet-node)
#   install.sh user                           makes the user that it runs as, and the folder of its data
# Needs Node.js 24 with npm for the first, and root for the second.
set -eu

user=pansegnet
uid=10001
data=/var/lib/pansegnet-node

program() {
  release=$1
  folder=${2:-/opt/pansegnet-node}
  mkdir -p "$folder"
  # What an earlier version left must not mix with this one.
  rm -rf "$folder/dist" "$folder/node_modules"
  tar -xzf "$release" --strip-components=1 --no-same-owner -C "$folder"
  cd "$folder"
  # A command finds the node's data from whatever folder it is called in.
  sed -i "s|^dataFolder: null\$|dataFolder: $data|" config/default.yaml
  # Versions and hashes of all packages are in the release (npm-shrinkwrap.json). GPU libraries, which would come from
  # outside the registry, are left out: docs/gpu.md.
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --omit=dev --no-audit --no-fund
  mkdir -p /usr/local/bin
  ln -sf "$folder/bin/pansegnet-node.js" /usr/local/bin/pansegnet-node
}

user() {
  getent group "$user" >/dev/null || groupadd --system --gid "$uid" "$user"
  getent passwd "$user" >/dev/null ||
    useradd --system --uid "$uid" --gid "$uid" --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
  install -d -m 0700 -o "$user" -g "$user" "$data"
}

case ${1-} in
  program) program "$2" "${3-}" ;;
  user) user ;;
  *) echo "usage: install.sh program RELEASE.tgz [FOLDER] | install.sh user" >&2; exit 2 ;;
esac
