#!/bin/sh
# Makes the secrets that compose.yaml names, each random; those that are there stay. Containers see each file with the owner
# and the rights that it has here, and run as other users: so nobody but you gets into the folder, and its files can be read.
set -eu
cd "$(dirname "$0")"
mkdir -p models
mkdir -p -m 0700 secrets
umask 022
random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
[ -s secrets/postgres_password ] || random >secrets/postgres_password
[ -s secrets/orthanc_password ] || random >secrets/orthanc_password
# One for all processes, so that a UID reads the same in all their logs.
[ -s secrets/log_key ] || random >secrets/log_key
# Hashes of tokens; `token add` writes them.
[ -s secrets/tokens.json ] || printf '{ "tokens": [] }\n' >secrets/tokens.json
printf 'postgresql://pansegnet:%s@postgres:5432/pansegnet' "$(cat secrets/postgres_password)" >secrets/database_url
printf '{ "RegisteredUsers": { "pansegnet": "%s" } }\n' "$(cat secrets/orthanc_password)" >secrets/orthanc.secret.json
chmod 0700 secrets
chmod 0644 secrets/*
