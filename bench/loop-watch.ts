/**
 * Loaded into the node by `--import`: writes down for how long its main thread computes without a pause, in
 * time of the processor, which other work on the machine does not lengthen. One number (ms) a line, into the
 * file that LOOP_WATCH names.
 */
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';

const STEP_MS = 5;
/** Shorter turns are nobody's concern. */
const NOTED_MS = 30;
const file = process.env['LOOP_WATCH'];

if (isMainThread && file !== undefined) {
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let last = spent();
  setInterval(() => {
    const now = spent();
    if (now - last > NOTED_MS) appendFileSync(file, `${Math.round(now - last)}\n`);
    last = spent();
  }, STEP_MS).unref();
}
