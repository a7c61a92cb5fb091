/** Loaded before a measured program: at its end says on file descriptor 3 what it took. */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { lookAtChildren, peakKilobytes } from './peak-memory.ts';

const REPORT = 3;
const BYTES_PER_KILOBYTE = 1024;

// Worker threads and the processes for networks load this too.
if (isMainThread && !process.connected) {
  process.on('exit', () => {
    const usage = {
      seconds: process.uptime(),
      // Each at its peak, though not at the same moment: rather too much than too little.
      peakBytes: (peakKilobytes() + lookAtChildren()) * BYTES_PER_KILOBYTE,
    };
    writeSync(REPORT, JSON.stringify(usage));
  });
}
