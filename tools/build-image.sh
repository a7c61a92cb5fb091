#!/bin/sh
# Builds the image of the Dockerfile without a container engine and without a registry of images: by buildah, on a Debian
# made by debootstrap with the Node.js and the npm that run here, which stands for the official image of Node.js.
#   build-image.sh [OPTION OF BUILDAH BUILD...]      such as --secret id=npmrc,src=FILE
# The image is pansegnet-node in buildah's storage. `buildah push pansegnet-node docker-archive:pansegnet-node.tar` makes a
# file for `docker load`. STORAGE: another folder for that storage. DEBIAN_MIRROR: where Debian's packages come from.
# Needs root, debootstrap and buildah.
set -eu
cd "$(dirname "$0")/.."

base=localhost/node-on-debian
if [ -n "${STORAGE-}" ]; then
  images() { command buildah --root "$STORAGE/images" --runroot "$STORAGE/run" --storage-driver vfs "$@"; }
else
  images() { command buildah "$@"; }
fi

if ! images inspect --type image "$base" >/dev/null 2>&1; then
  container=$(images from scratch)
  root=$(images mount "$container")
  debootstrap --variant=minbase bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >&2
  rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  cp "$(node -p process.execPath)" "$root/usr/local/bin/node"
  mkdir "$root/usr/local/lib/node_modules"
  cp -rL "$(dirname "$(readlink -f "$(command -v npm)")")/.." "$root/usr/local/lib/node_modules/npm"
  for name in npm npx; do ln -s "../lib/node_modules/npm/bin/$name-cli.js" "$root/usr/local/bin/$name"; done
  images umount "$container" >/dev/null
  images commit --quiet --rm "$container" "$base" >&2
fi

# Docker's format has the health check, which OCI's has not.
images build --isolation chroot --format docker --layers=false --pull=never --build-arg NODE_IMAGE="$base" \
  --tag pansegnet-node "$@" . >&2
