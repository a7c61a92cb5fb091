import { parentPort } from 'node:worker_threads';

/** A decoder as a bad codec would make it: it ends or goes in circles, by what the frame says. */
if (!parentPort) throw new Error('broken-decode-worker.ts is started as a worker thread');
parentPort.on('message', ({ encoded }: { encoded: Uint8Array }) => {
  if (encoded[0] === 1) process.exit(3);
  if (encoded[0] === 2) throw new Error('out of memory');
  for (;;);
});
parentPort.postMessage({ type: 'ready' }, []);
