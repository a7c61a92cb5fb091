import type { ConvBlock } from '../architecture/network-architecture.ts';
import type { GraphBuilder } from './graph.ts';

/** One block after the other, each under its name; the first takes all inputs. */
export function applyInTurn<T>(
  g: GraphBuilder,
  inputs: readonly T[],
  blocks: readonly ConvBlock[],
  apply: (from: readonly T[], block: ConvBlock) => T,
): T {
  const last = blocks.reduce<readonly T[]>(
    (from, block) => [g.within(block.name, () => apply(from, block))],
    inputs,
  );
  return last[0] as T;
}
