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
