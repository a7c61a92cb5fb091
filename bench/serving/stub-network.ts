import type { Network } from '../../src/segmentation/inference/network.ts';
import type { Predict } from '../../src/segmentation/inference/window.ts';

/** Stands for `openNetwork` while all but the network is measured: what is brighter than this is the organ. */
const BRIGHT = 1.5;

export async function openNetwork(): Promise<Network> {
  let logits = new Float32Array();
  const predict: Predict = async (window) => {
    if (logits.length === 0) logits = new Float32Array(2 * window.length);
    for (let i = 0; i < window.length; i++)
      logits[window.length + i] = (window[i] as number) > BRIGHT ? 4 : -4;
    return logits;
  };
  return { predict, executionProvider: 'cpu', release: async () => undefined };
}
