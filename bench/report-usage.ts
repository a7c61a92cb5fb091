/** Loaded before a measured program: at its end says on file descriptor 3 what it took. */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const REPORT = 3;
const BYTES_PER_KILOBYTE = 1024;

// Worker threads load this too.
if (isMainThread) {
  process.on('exit', () => {
    const usage = {
      seconds: process.uptime(),
      peakBytes: process.resourceUsage().maxRSS * BYTES_PER_KILOBYTE,
    };
    writeSync(REPORT, JSON.stringify(usage));
  });
}
