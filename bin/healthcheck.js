#!/usr/bin/env node
// For container engines: exit 0 where the node answers /healthz, else 1.
const url = process.env.HEALTH_URL ?? 'http://127.0.0.1:8080/healthz';
const LIMIT_MS = 4_000;

try {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(LIMIT_MS) });
  if (status !== 200) throw new Error(`status ${status}`);
} catch (error) {
  process.stderr.write(`${url}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
