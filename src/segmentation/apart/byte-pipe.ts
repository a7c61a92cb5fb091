import type { Readable, Writable } from 'node:stream';

/** The pipe's number in the process that is started, which has nothing else there. */
export const BYTES_FD = 4;

/** Sends bytes; they are not copied, and must not change until the promise settles. */
export function sendBytes(pipe: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    pipe.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Fills the targets, one after the other, with the bytes that come. Nothing else reads from the pipe, and
 * nothing beyond them has been sent yet.
 */
export function receiveBytes(pipe: Readable, targets: readonly Uint8Array[]): Promise<void> {
  const left = targets.filter(({ length }) => length > 0);
  if (left.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    let at = 0;
    const end = (settle: () => void): void => {
      pipe.pause();
      pipe.off('data', take).off('close', closed).off('error', fail);
      settle();
    };
    const fail = (error: Error): void => end(() => reject(error));
    const closed = (): void => fail(new Error('the pipe was closed before all bytes had come'));
    const take = (chunk: Uint8Array): void => {
      for (let from = 0; from < chunk.length; ) {
        const [target] = left;
        if (!target) return fail(new Error('more bytes came than were announced'));
        const count = Math.min(chunk.length - from, target.length - at);
        target.set(chunk.subarray(from, from + count), at);
        from += count;
        at += count;
        if (at < target.length) continue;
        left.shift();
        at = 0;
      }
      if (left.length === 0) end(resolve);
    };
    pipe.on('data', take).on('close', closed).on('error', fail);
    pipe.resume();
  });
}
