import type { Network } from './network.ts';
import type { ForEachNetwork, Predict } from './window.ts';

/** A model's networks (folds), one in memory at a time. */
export interface Networks extends AsyncDisposable {
  readonly count: number;
  /** One after the other. */
  readonly each: ForEachNetwork;
  /** Only the first. */
  readonly first: <T>(use: (predict: Predict) => Promise<T>) => Promise<T>;
}

/** @param openers one per fold; what was opened last stays until another one is needed */
export function networksOf(openers: readonly (() => Promise<Network>)[]): Networks {
  let current: { readonly index: number; readonly network: Network } | undefined;
  const release = async () => {
    const last = current;
    current = undefined;
    await last?.network.release();
  };
  const take = async (index: number) => {
    if (current?.index === index) return current.network;
    await release();
    const open = openers[index];
    if (!open) throw new RangeError('a model has at least one network');
    current = { index, network: await open() };
    return current.network;
  };
  return {
    count: openers.length,
    async each(use) {
      for (const index of openers.keys()) await use((await take(index)).predict);
    },
    first: async (use) => use((await take(0)).predict),
    [Symbol.asyncDispose]: release,
  };
}
