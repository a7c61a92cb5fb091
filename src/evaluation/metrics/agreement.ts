import { type Affine, voxelVolumeMl } from '../../dicom/volume.ts';
import { mean, quantile } from '../statistics/describe.ts';
import { distancesTo } from './distance-transform.ts';
import { boxed, type Counts, type MaskPair, type Spacing } from './mask-pair.ts';
import { surfaceOf } from './surface.ts';

/**
 * How well a prediction agrees with a label. Null is what has no value: ratios with nothing below the line,
 * and distances where one of the masks is empty. Two empty masks agree: shares are 1, distances 0.
 */
export interface Agreement extends Overlap, SurfaceAgreement {
  readonly predictedMl: number;
  readonly labelMl: number;
  /** Predicted less labelled. */
  readonly errorMl: number;
  /** Of the labelled volume; null where that is 0. */
  readonly errorPercent: number | null;
  /** See `kappaInBox`. */
  readonly kappa: number | null;
}

interface Overlap {
  /** 2 |P and L| / (|P| + |L|), Dice 1945. */
  readonly dice: number;
  /** |P and L| / |P or L|, Jaccard 1912. */
  readonly jaccard: number;
  /** |P and L| / |P|. */
  readonly precision: number | null;
  /** |P and L| / |L|: sensitivity. */
  readonly recall: number | null;
}

interface SurfaceAgreement {
  /** See `surfaceAgreement`. */
  readonly hd95Mm: number | null;
  readonly meanSurfaceDistanceMm: number | null;
  /** At a tolerance of 1 mm and of 3 mm. */
  readonly surfaceDice1Mm: number;
  readonly surfaceDice3Mm: number;
}

/** The percentile of HD95. */
const PERCENTILE = 0.95;

/**
 * Everything about one pair of masks.
 * @param affine of the grid, for the volume of a voxel
 * @param spacing along x, y and z in mm; the axes stand at right angles
 */
export function agreementOf(pair: MaskPair, affine: Affine, spacing: Spacing): Agreement {
  const box = boxed(pair);
  const { counts } = box;
  const voxelMl = voxelVolumeMl(affine);
  const predictedMl = counts.prediction * voxelMl;
  const labelMl = counts.label * voxelMl;
  return {
    ...overlapOf(counts),
    ...surfaceAgreement(box, spacing),
    predictedMl,
    labelMl,
    errorMl: predictedMl - labelMl,
    errorPercent: counts.label === 0 ? null : 100 * (counts.prediction / counts.label - 1),
    kappa: kappaInBox(counts),
  };
}

export function overlapOf({ prediction, label, both }: Counts): Overlap {
  if (prediction + label === 0) return { dice: 1, jaccard: 1, precision: 1, recall: 1 };
  return {
    dice: (2 * both) / (prediction + label),
    jaccard: both / (prediction + label - both),
    precision: prediction === 0 ? null : both / prediction,
    recall: label === 0 ? null : both / label,
  };
}

/**
 * Cohen's kappa (Cohen 1960, unweighted) of two raters who each call every voxel inside or outside, over the
 * voxels of the smallest box that holds both masks. Over the whole image it would only be Dice again: nearly
 * all voxels are outside in both. Where both masks fill the box, chance alone agrees wholly: 1. Null for two
 * empty masks: there is no box.
 */
export function kappaInBox({ prediction, label, both, box }: Counts): number | null {
  if (box === 0) return null;
  const observed = (box - prediction - label + 2 * both) / box;
  const chance = (prediction * label + (box - prediction) * (box - label)) / box ** 2;
  return chance === 1 ? 1 : (observed - chance) / (1 - chance);
}

/**
 * Distances between surfaces, in mm, from centre to centre of voxels. The surface of a mask is `surfaceOf`;
 * each of its voxels has a distance to the nearest one of the other mask's surface.
 *
 * - HD95: the 95th percentile, interpolated linearly, of the distances of both surfaces taken together, as
 *   medpy's `hd95` (0.4 and later). MONAI takes the larger of the two directed percentiles instead.
 * - Mean surface distance: the mean of the two surfaces' mean distances, as medpy's `assd`.
 * - Normalized surface Dice at a tolerance: the share of the voxels of both surfaces whose distance is at
 *   most the tolerance (Nikolov et al. 2021, counted in voxels as MONAI's `compute_surface_dice` by default
 *   does, not in areas of facets). One empty mask: 0.
 */
function surfaceAgreement({ prediction, label, size }: MaskPair, spacing: Spacing): SurfaceAgreement {
  const predicted = surfaceOf(prediction, size);
  const labelled = surfaceOf(label, size);
  if (predicted.count === 0 && labelled.count === 0)
    return { hd95Mm: 0, meanSurfaceDistanceMm: 0, surfaceDice1Mm: 1, surfaceDice3Mm: 1 };
  if (predicted.count === 0 || labelled.count === 0)
    return { hd95Mm: null, meanSurfaceDistanceMm: null, surfaceDice1Mm: 0, surfaceDice3Mm: 0 };
  const there = distancesTo(labelled.surface, predicted.surface, predicted.count, size, spacing);
  const back = distancesTo(predicted.surface, labelled.surface, labelled.count, size, spacing);
  const meanSurfaceDistanceMm = (mean(there) + mean(back)) / 2;
  const all = new Float64Array(there.length + back.length);
  all.set(there);
  all.set(back, there.length);
  all.sort();
  const within = (toleranceMm: number) => countUpTo(all, toleranceMm) / all.length;
  return {
    hd95Mm: quantile(all, PERCENTILE),
    meanSurfaceDistanceMm,
    surfaceDice1Mm: within(1),
    surfaceDice3Mm: within(3),
  };
}

/** How many of the sorted values are at most the limit. */
function countUpTo(sorted: Float64Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
