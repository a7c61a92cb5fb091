/** Loaded before a measured program: at its end says on file descriptor 3 what it took. */
import { readFileSync, writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const REPORT = 3;
const BYTES_PER_KILOBYTE = 1024;

// Worker threads load this too.
if (isMainThread) {
  process.on('exit', () => {
    const usage = {
      seconds: process.uptime(),
      peakBytes: peakKilobytes() * BYTES_PER_KILOBYTE,
    };
    writeSync(REPORT, JSON.stringify(usage));
  });
}

/**
 * Linux counts into `maxRSS` what the parent held when it started this process; its VmHWM is the process's
 * own.
 */
function peakKilobytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
