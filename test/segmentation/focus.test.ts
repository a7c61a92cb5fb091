import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ArrayPart } from '../../src/segmentation/array-view.ts';
import { type Array3, elements, type Shape3 } from '../../src/segmentation/array3.ts';
import { type Focus, focusWindows } from '../../src/segmentation/inference/focus/focus.ts';
import { ForwardTally } from '../../src/segmentation/inference/forward-tally.ts';
import { type Networks, networksOf } from '../../src/segmentation/inference/networks.ts';
import { countForwards, slideWindow } from '../../src/segmentation/inference/sliding-window.ts';
import type { Predict } from '../../src/segmentation/inference/window.ts';
import { wholeImage } from '../../src/segmentation/inference/windowed-image.ts';

const PATCH: Shape3 = [16, 16, 16];
/** A window is 48 mm wide, and what is as near as 15 mm is 5 voxels away. */
const FOCUS = { patchSize: PATCH, spacing: [3, 3, 3], mirrorAxes: [0, 1, 2] } as const;
const [AIR, BODY, ORGAN] = [-4, -2, 3];

interface Ellipsoid {
  readonly middle: Shape3;
  readonly radii: Shape3;
}

/** A body with air on both sides of its last axis, and organs in it. */
function abdomen(shape: Shape3, organs: readonly Ellipsoid[], air = 0): Array3<Float32Array> {
  const data = new Float32Array(elements(shape));
  let at = 0;
  for (let i = 0; i < shape[0]; i++)
    for (let j = 0; j < shape[1]; j++)
      for (let k = 0; k < shape[2]; k++) {
        const isIn = ({ middle, radii }: Ellipsoid) =>
          ((i - middle[0]) / radii[0]) ** 2 +
            ((j - middle[1]) / radii[1]) ** 2 +
            ((k - middle[2]) / radii[2]) ** 2 <=
          1;
        data[at++] = organs.some(isIn) ? ORGAN : k < air || k >= shape[2] - air ? AIR : BODY;
      }
  return { data, shape };
}

/** Its foreground logit is the voxel itself; what pads the image is 0 and tells nothing. */
const voxelwise: Predict = async (window) => {
  const logits = new Float32Array(2 * window.length);
  for (const [i, value] of window.entries()) logits[window.length + i] = value === 0 ? BODY : value;
  return logits;
};

const networks = (...predicts: Predict[]): Networks =>
  networksOf(
    predicts.map((predict) => async () => ({ predict, executionProvider: 'cpu', release: async () => {} })),
  );

/** The part in its place. */
function whole({ data, box, shape }: ArrayPart): Float32Array {
  const all = new Float32Array(elements(shape));
  const [, b1, b2] = box.shape;
  for (const [at, value] of data.entries()) {
    const [i, j, k] = [Math.floor(at / (b1 * b2)), Math.floor(at / b2) % b1, at % b2];
    const isEdge = [i, j, k].some((index, axis) => {
      const place = index + (box.start[axis] as number);
      return (
        (index === 0 && place > 0) ||
        (index === (box.shape[axis] as number) - 1 && place < (shape[axis] as number) - 1)
      );
    });
    if (isEdge) expect(value, 'the outermost values').toBe(0);
    all[((box.start[0] + i) * shape[1] + box.start[1] + j) * shape[2] + box.start[2] + k] = value;
  }
  return all;
}

async function focus(image: Array3<Float32Array>, through = networks(voxelwise), how: Focus = FOCUS) {
  const tally = new ForwardTally(undefined, 0);
  const data = whole(await focusWindows(wholeImage(image), how, through, tally));
  return { data, mask: Array.from(data, (value) => value > 0.5), forwards: tally.done };
}

const organMask = ({ data }: Array3<Float32Array>) => Array.from(data, (value) => value === ORGAN);

describe('windows on the organ', () => {
  test('find all of it, wherever it lies and however far it reaches', async () => {
    const within = (length: number) => fc.integer({ min: 0, max: length - 1 });
    const scene = fc
      .tuple(
        fc.integer({ min: 8, max: 40 }),
        fc.integer({ min: 8, max: 40 }),
        fc.integer({ min: 8, max: 40 }),
      )
      .chain((shape) =>
        fc.record({
          shape: fc.constant(shape),
          middle: fc.tuple(within(shape[0]), within(shape[1]), within(shape[2])),
          radii: fc.tuple(
            fc.integer({ min: 3, max: 14 }),
            fc.integer({ min: 3, max: 14 }),
            fc.integer({ min: 3, max: 14 }),
          ),
        }),
      );
    await fc.assert(
      fc.asyncProperty(scene, async ({ shape, middle, radii }) => {
        const image = abdomen(shape, [{ middle, radii }]);
        const { mask } = await focus(image);
        const wrong = organMask(image).filter((isIn, i) => isIn !== mask[i]);
        expect(wrong).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('are few, and none lies in the air', async () => {
    const image = abdomen([48, 48, 96], [{ middle: [24, 24, 48], radii: [6, 6, 6] }], 24);
    const { forwards, mask } = await focus(image);
    expect(mask).toEqual(organMask(image));
    // Twenty-seven windows hold the body at step 1, eight of them the organ's neighbourhood.
    expect(forwards).toBeLessThanOrEqual(27 + 8 * 8);
    expect(forwards).toBeLessThan(countForwards(image.shape, { ...FOCUS, stepSize: 0.5 }) / 12);
  });

  test('give the mean of all folds', async () => {
    const image = abdomen([20, 20, 20], [{ middle: [10, 10, 10], radii: [5, 5, 5] }]);
    const surer: Predict = async (window) => (await voxelwise(window)).map((logit) => 2 * logit);
    const { data } = await focus(image, networks(voxelwise, surer));
    const logistic = (x: number) => 1 / (1 + Math.exp(-x));
    expect(Math.max(...data)).toBeCloseTo((logistic(ORGAN) + logistic(2 * ORGAN)) / 2, 5);
  });

  test('keep pieces of it that lie near, and leave out what lies apart or is small', async () => {
    const organ = { middle: [12, 12, 12], radii: [6, 6, 6] } as const;
    const near = { middle: [12, 12, 22], radii: [3, 3, 3] } as const;
    const apart = { middle: [12, 12, 36], radii: [5, 5, 5] } as const;
    const speck = { middle: [12, 21, 12], radii: [1, 1, 1] } as const;
    const { mask } = await focus(abdomen([24, 24, 44], [organ, near, apart, speck]));
    expect(mask).toEqual(organMask(abdomen([24, 24, 44], [organ, near])));
  });

  test('are sought all over the image, twice, before there is none', async () => {
    const image = abdomen([20, 20, 40], []);
    const { data, forwards } = await focus(image);
    expect(data.every((value) => value === 0)).toBe(true);
    const search = { patchSize: PATCH, mirrorAxes: [] };
    const all = [1, 0.5].map((stepSize) => countForwards(image.shape, { ...search, stepSize }));
    expect(forwards).toBe((all[0] ?? 0) + (all[1] ?? 0));
  });

  test('find what is tiny, too, after all else was looked at', async () => {
    const image = abdomen([20, 20, 40], [{ middle: [10, 10, 30], radii: [1, 1, 1] }]);
    expect((await focus(image)).mask).toEqual(organMask(image));
  });

  test('where a closer look refutes the first one, give nothing', async () => {
    // Sees an organ in the window's first quarter only, which no window that is centred on it confirms.
    const deceived: Predict = async (window) => {
      const logits = (await voxelwise(window)).slice();
      for (let i = 0; i < window.length; i++)
        logits[window.length + i] = i < window.length / 4 && window[i] === ORGAN ? ORGAN : BODY;
      return logits;
    };
    const image = abdomen([40, 40, 40], [{ middle: [18, 20, 20], radii: [3, 3, 3] }]);
    const { data } = await focus(image, networks(deceived));
    expect(data.some((value) => value > 0.5)).toBe(false);
  });

  test('where they leave a doubt, give way to those of the grid: what the whole image would give', async () => {
    const organ = { middle: [20, 20, 20], radii: [5, 5, 5] } as const;
    const image = abdomen([40, 40, 40], [organ]);
    // Unsure of all but the organ's middle in a window that holds the whole organ; none of the grid does.
    const voxels = organMask(image).filter(Boolean).length;
    const patchy: Predict = async (window) => {
      const logits = await voxelwise(window);
      if (window.filter((value) => value === ORGAN).length < voxels) return logits;
      const isFar = (i: number) =>
        Math.hypot(((i >> 8) % 16) - 7.5, ((i >> 4) % 16) - 7.5, (i % 16) - 7.5) > 3;
      return logits.map((logit, i) => (logit === ORGAN && isFar(i) ? -0.2 : logit));
    };
    const asFast = { ...FOCUS, inDoubtStep: 0.5 };
    const through = networks(patchy);
    const everywhere = { patchSize: PATCH, stepSize: 0.5, mirrorAxes: FOCUS.mirrorAxes };
    const exact = await slideWindow(image, everywhere, through.each);

    const { data } = await focus(image, networks(patchy), asFast);
    const organs = organMask(image);
    const differing = exact.data.filter((value, i) => organs[i] && Math.abs(value - (data[i] ?? 0)) > 1e-6);
    expect(differing).toHaveLength(0);
    const { forwards } = await focus(image, networks(voxelwise), asFast);
    expect(forwards, 'without a doubt').toBe((await focus(image)).forwards);
  });

  test('stop when told to', async () => {
    const stopping = AbortSignal.abort(new Error('no more'));
    const tally = new ForwardTally(undefined, 0);
    const image = abdomen([20, 20, 20], []);
    await expect(
      focusWindows(wholeImage(image), FOCUS, networks(voxelwise), tally, stopping),
    ).rejects.toThrow('no more');
  });
});
