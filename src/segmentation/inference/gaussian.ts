import type { Shape3 } from '../array3.ts';

/** Standard deviation of the window's weights as a share of the patch (nnU-Net v1: sigma_scale). */
const SIGMA_SCALE = 1 / 8;

/**
 * Weights of one axis of a window: a Gaussian round its middle, 1 there. nnU-Net v1's importance map is the
 * product over the three axes, since it filters a single point and divides by the largest value; at 4 sigma,
 * where its filter ends, the patch ends too.
 */
export function gaussianWeights(patchLength: number): Float64Array {
  const sigma = patchLength * SIGMA_SCALE;
  const centre = Math.floor(patchLength / 2);
  return Float64Array.from({ length: patchLength }, (_, i) => Math.exp(-0.5 * ((i - centre) / sigma) ** 2));
}

/** nnU-Net v2's largest weight. */
const LARGEST = 10;

/**
 * nnU-Net v2's weights of a window's voxels, in half precision: a unit peak, filtered by scipy's
 * gaussian_filter (truncate 4), scaled to a maximum of 10. What half precision makes 0 has the smallest other
 * weight.
 */
export function halfGaussian([p0, p1, p2]: Shape3): Float16Array {
  const [along0, along1, along2] = [filtered(p0), filtered(p1), filtered(p2)];
  const peak = Math.max(...along0) * Math.max(...along1) * Math.max(...along2);
  const unit = peak / LARGEST;
  const weights = new Float16Array(p0 * p1 * p2);
  let at = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const a of along0) {
    for (const b of along1) {
      for (const c of along2) {
        // PyTorch goes from double to half by way of single precision.
        weights[at] = Math.fround((a * b * c) / unit);
        const weight = weights[at++] as number;
        if (weight > 0 && weight < least) least = weight;
      }
    }
  }
  for (let i = 0; i < weights.length; i++) if (weights[i] === 0) weights[i] = least;
  return weights;
}

/** What scipy.ndimage.gaussian_filter1d makes of a 1 in the middle. */
function filtered(length: number): Float64Array {
  const sigma = length * SIGMA_SCALE;
  const radius = Math.floor(4 * sigma + 0.5);
  const density = (distance: number) => Math.exp((-0.5 / (sigma * sigma)) * distance ** 2);
  let sum = 0;
  for (let distance = -radius; distance <= radius; distance++) sum += density(distance);
  const centre = Math.floor(length / 2);
  return Float64Array.from({ length }, (_, i) =>
    Math.abs(i - centre) <= radius ? density(i - centre) / sum : 0,
  );
}
