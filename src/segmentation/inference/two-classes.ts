import type { Networks } from './networks.ts';
import type { Predict } from './window.ts';

/**
 * Networks of several classes as such of two: the pancreas, and the likeliest other class. Its softmax is
 * above one half exactly where the pancreas is the likeliest of all.
 */
export function pancreasAndOthers(networks: Networks, classes: number, pancreas: number): Networks {
  if (classes === 2) return networks;
  const paired =
    (predict: Predict): Predict =>
    async (window) =>
      pairOf(await predict(window), classes, pancreas);
  return {
    count: networks.count,
    each: (use) => networks.each((predict) => use(paired(predict))),
    first: (use) => networks.first((predict) => use(paired(predict))),
    [Symbol.asyncDispose]: () => networks[Symbol.asyncDispose](),
  };
}

function pairOf(logits: Float32Array, classes: number, pancreas: number): Float32Array {
  const voxels = logits.length / classes;
  const pair = new Float32Array(2 * voxels).fill(Number.NEGATIVE_INFINITY, 0, voxels);
  for (let label = 0; label < classes; label++) {
    const own = logits.subarray(label * voxels, (label + 1) * voxels);
    if (label === pancreas) pair.set(own, voxels);
    else
      for (let i = 0; i < voxels; i++)
        if ((own[i] as number) > (pair[i] as number)) pair[i] = own[i] as number;
  }
  return pair;
}
