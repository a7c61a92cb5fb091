import { constants } from 'node:os';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** Exit code of a process that a signal ended, by the convention of shells. */
const SIGNAL_EXIT = 128;

/**
 * Resolves when the process is asked to stop: Ctrl-C, or a service manager. The next signal then ends it at
 * once.
 */
export async function stopSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of STOP_SIGNALS) process.once(signal, () => resolve());
  await promise;
  for (const signal of STOP_SIGNALS) {
    process.removeAllListeners(signal);
    process.once(signal, () => process.exit(SIGNAL_EXIT + constants.signals[signal]));
  }
}

/**
 * What a stopping node may need beyond the grace: to put studies back, to close connections and the database.
 */
const STOP_MARGIN_MS = 10_000;

/**
 * Ends the process where stopping takes much longer than it may: what it still holds is found in the database
 * as after a kill, and nothing is lost.
 */
export async function stopInTime(stop: () => Promise<void>, graceMs: number): Promise<void> {
  const limitMs = graceMs + STOP_MARGIN_MS;
  const late = setTimeout(() => {
    process.stderr.write(`error: the node has not stopped within ${limitMs / 1000} s and ends now\n`);
    process.exit(1);
  }, limitMs);
  await stop();
  clearTimeout(late);
}
