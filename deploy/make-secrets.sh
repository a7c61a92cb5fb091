#!/bin/sh
# Makes the secrets that compose.yaml names, each random; those that are there stay. They belong to nobody but you.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets models
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
[ -s secrets/postgres_password ] || random >secrets/postgres_password
[ -s secrets/orthanc_password ] || random >secrets/orthanc_password
printf 'postgresql://pansegnet:%s@postgres:5432/pansegnet' "$(cat secrets/postgres_password)" >secrets/database_url
printf '{ "RegisteredUsers": { "pansegnet": "%s" } }\n' "$(cat secrets/orthanc_password)" >secrets/orthanc.secret.json
# Files stand in containers with the owner that they have here; the node's user has to read its own.
[ "$(id -u)" != 0 ] || chown 10001 secrets/orthanc_password secrets/database_url
