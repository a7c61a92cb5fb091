import { messageOf } from '../coded-error.ts';
import type { Performer } from './performer.ts';

export interface OrderWork extends AsyncDisposable {
  /** Looks now instead of at the next turn: a study has ended, or an order has come. */
  wake(): void;
}

/** Gives each performer its turns, one after the other, until it is disposed of. */
export function performOrders(
  performers: readonly Performer[],
  { pollMs, log }: { readonly pollMs: number; readonly log: { warn(fields: object, message: string): void } },
): OrderWork {
  const stopping = new AbortController();
  const { signal } = stopping;
  let isWoken = false;
  let endPause = (): void => undefined;
  const pause = async (): Promise<void> => {
    if (isWoken || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  };
  const wake = (): void => {
    isWoken = true;
    endPause();
  };
  const work = async (): Promise<void> => {
    while (!signal.aborted) {
      isWoken = false;
      for (const performer of performers) {
        await performer.turn(signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn({ reason: messageOf(error) }, 'orders cannot be performed now');
        });
      }
      await pause();
    }
  };
  const working = work();
  return {
    wake,
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      wake();
      await working;
    },
  };
}
