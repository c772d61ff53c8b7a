#!/bin/sh
# Runs the client against servers of others: installs them, in these versions, into a folder (the argument), once.
#
#   tools/mcp/real/run.sh /var/tmp/mcp-servers [NAME OF A TEST]
set -eu

folder=${1:?name a folder for the servers, some 250 MB}
only=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

if [ ! -e "$folder/venv/ready" ]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install -q mcp==2.3.0 mcp-server-time==2026.10.19 mcp-server-git==2026.10.19 \
        mcp-server-fetch==2026.10.24
    touch "$folder/venv/ready"
fi
if [ ! -e "$folder/venv1/ready" ]; then
    python3 -m venv "$folder/venv1"
    "$folder/venv1/bin/pip" install -q mcp==1.30.0
    touch "$folder/venv1/ready"
fi
if [ ! -e "$folder/node/ready" ]; then
    npm install --silent --no-fund --prefix "$folder/node" @modelcontextprotocol/server-everything@2026.8.31 \
        @modelcontextprotocol/server-filesystem@2026.8.31 @modelcontextprotocol/server-memory@2026.8.31 \
        @modelcontextprotocol/sdk@1.32.2
    touch "$folder/node/ready"
fi
if [ ! -e "$folder/node/ready2" ]; then
    npm install --silent --no-fund --prefix "$folder/node" @modelcontextprotocol/server@2.4.0 \
        @modelcontextprotocol/node@2.1.2
    touch "$folder/node/ready2"
fi
# A module is looked for beside the script that wants it.
cp "$here/modern.mjs" "$folder/node/modern.mjs"

cd "$here"
PLAYHOUSE_MCP_REAL=$folder cargo test --release -p playhouse-tools-mcp --test it -- --ignored "real$only"
