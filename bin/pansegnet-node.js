#!/usr/bin/env node
// Starts the program: a release holds it as JavaScript, a clone as TypeScript, which Node runs as it is.
import { existsSync } from 'node:fs';

const NODE_NEEDED = 24;
const WRONG_USAGE = 2;

if (Number.parseInt(process.versions.node, 10) < NODE_NEEDED) {
  process.stderr.write(
    `error: this is Node.js ${process.versions.node} (${process.execPath}); pansegnet-node needs ${NODE_NEEDED} or newer. ` +
      'Install it from https://nodejs.org, or run this in a clone by npx.\n',
  );
  process.exit(WRONG_USAGE);
}
const source = new URL('../src/cli.ts', import.meta.url);
const built = new URL('../dist/cli.js', import.meta.url);
await import((existsSync(source) ? source : built).href);
