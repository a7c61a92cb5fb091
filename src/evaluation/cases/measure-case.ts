import { z } from 'zod';
import { voxelVolumeMl } from '../../dicom/volume.ts';
import { EvaluationError } from '../evaluation-error.ts';
import { agreementOf, kappaInBox, overlapOf } from '../metrics/agreement.ts';
import { boxed } from '../metrics/mask-pair.ts';
import { checkRightAngles, isSameGrid, resampled } from '../sources/grids.ts';
import { loadImage, loadMask, type Mask } from '../sources/load.ts';
import type { CaseSource, MaskReading, MaskSource } from '../sources/sources.ts';

const orNull = z.number().nullable();

const agreementForm = z.strictObject({
  dice: z.number(),
  jaccard: z.number(),
  precision: orNull,
  recall: orNull,
  hd95Mm: orNull,
  meanSurfaceDistanceMm: orNull,
  surfaceDice1Mm: z.number(),
  surfaceDice3Mm: z.number(),
  predictedMl: z.number(),
  labelMl: z.number(),
  errorMl: z.number(),
  errorPercent: orNull,
  kappa: orNull,
});

/** What is measured of a case. */
export const caseMeasures = z.strictObject({
  /** Null for a case that has no label: only its volume is wanted. */
  agreement: agreementForm.nullable(),
  against: agreementForm.nullable(),
  predictedMl: z.number(),
  /** Volumes by the label and each rater; null where there is none. */
  ratedMl: z.array(orNull),
  /** Of each two of the label (0) and the raters (from 1 on) that there are. */
  raterPairs: z.array(
    z.strictObject({ first: z.number(), second: z.number(), dice: z.number(), kappa: orNull }),
  ),
  /** Which masks were laid on the label's grid. */
  resampled: z.array(z.string()),
});
export type CaseMeasures = z.output<typeof caseMeasures>;

/**
 * Reads the masks of a case and measures everything about them.
 * @throws {EvaluationError} CASE_INCOMPLETE, LABEL_VALUES, GRID_DIFFERS, GRID_SHEARED; NiftiError, DicomError
 */
export async function measureCase(source: CaseSource, reading: MaskReading): Promise<CaseMeasures> {
  const { name, label, prediction, against, raters } = source;
  if (!prediction) throw new EvaluationError('CASE_INCOMPLETE', `${name} has no prediction`);
  const all = [label, prediction, against, ...raters];
  const needsSeries = all.some((mask) => mask?.kind === 'seg');
  const series = needsSeries && source.image ? (await loadImage(source.image)).series : undefined;
  const load = (mask: MaskSource, values: readonly number[] | undefined) => loadMask(mask, values, series);

  const labelled = label && (await load(label, reading.labelValues));
  const moved: string[] = [];
  const onLabel = async (mask: MaskSource, values: readonly number[] | undefined, what: string) => {
    const loaded = await load(mask, values);
    if (!labelled || isSameGrid(labelled, loaded)) return loaded.voxels;
    if (!reading.resample) throw gridDiffers(name, what, labelled, loaded);
    moved.push(what);
    return resampled(loaded.voxels, loaded, labelled);
  };
  if (!labelled) {
    const { voxels, affine } = await load(prediction, reading.predictionValues);
    const predictedMl = voxelVolumeMl(affine) * voxels.reduce((count, value) => count + value, 0);
    return { agreement: null, against: null, predictedMl, ratedMl: [], raterPairs: [], resampled: [] };
  }
  checkRightAngles(labelled, name);
  const { size, affine, spacing } = labelled;
  const measure = (voxels: Uint8Array) =>
    agreementOf({ prediction: voxels, label: labelled.voxels, size }, affine, spacing);
  const agreement = measure(await onLabel(prediction, reading.predictionValues, 'the prediction'));
  const other =
    against && measure(await onLabel(against, reading.predictionValues, 'the prediction to compare with'));
  const rated: (Uint8Array | undefined)[] = [labelled.voxels];
  for (const [i, rater] of raters.entries())
    rated.push(rater && (await onLabel(rater, reading.labelValues, `rater ${i + 1}`)));
  const voxelMl = voxelVolumeMl(affine);
  return {
    agreement,
    against: other ?? null,
    predictedMl: agreement.predictedMl,
    ratedMl: rated.map((mask) => (mask ? voxelMl * mask.reduce((count, value) => count + value, 0) : null)),
    raterPairs: pairsOf(rated, labelled),
    resampled: moved,
  };
}

function pairsOf(rated: readonly (Uint8Array | undefined)[], { size }: Mask): CaseMeasures['raterPairs'] {
  return rated.flatMap((prediction, first) =>
    rated.slice(first + 1).flatMap((label, offset) => {
      if (!prediction || !label) return [];
      const { counts } = boxed({ prediction, label, size });
      const { dice } = overlapOf(counts);
      return [{ first, second: first + 1 + offset, dice, kappa: kappaInBox(counts) }];
    }),
  );
}

function gridDiffers(name: string, what: string, label: Mask, other: Mask): EvaluationError {
  const sizes = `${label.size.join(' x ')} and ${other.size.join(' x ')} voxels`;
  const problem = `the label and ${what} lie on different grids (${sizes}); --resample takes nearest voxels`;
  return new EvaluationError('GRID_DIFFERS', `${name}: ${problem}`);
}
