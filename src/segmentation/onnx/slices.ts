import type { GraphBuilder, Value } from './graph.ts';
import { concat, reshape, split } from './operators.ts';

/**
 * A feature map as its depth slices, each a value [1, channels, y, x] of its own.
 *
 * onnxruntime has no blocked kernels for three dimensions, but very good ones for two, and what happens to
 * one slice stays in the cache. A slice outside the volume is no slice, instead of zeros. All in all a
 * full-size forward takes 0.55 of the time with 3-D operators, and 0.6 of the memory.
 */
export type Slices = readonly Value[];

/** Slices of [1, channels, z, y, x]. */
export function splitDepth(g: GraphBuilder, x: Value): Slices {
  const [, channels = 0, depth = 0, height = 0, width = 0] = x.shape;
  return split(g, x, depth, 2).map((slice) => reshape(g, slice, [1, channels, height, width]));
}

/** [1, channels, z, y, x] out of its slices. */
export function joinDepth(g: GraphBuilder, slices: Slices): Value {
  const volumes = slices.map((slice) => {
    const [, channels = 0, height = 0, width = 0] = slice.shape;
    return reshape(g, slice, [1, channels, 1, height, width]);
  });
  return concat(g, volumes, 2);
}

export function channelsOf(slices: Slices): number {
  return slices[0]?.shape[1] ?? 0;
}
