import { type Volume, voxelVolumeMl } from '../../dicom/volume.ts';
import type { Grid } from './field.ts';
import { renderPancreas } from './render.ts';
import type { Tube } from './shapes.ts';
import { endedAt, extent, type VariedScan } from './varied-scan.ts';

/**
 * What images look like where segmentation is hard: as usual; the gland cut by the lowest slice; the gland up
 * against the side of the field; a second gland of the same tissue below the first.
 */
export const SCAN_FORMS = ['ordinary', 'cut', 'edge', 'two'] as const;
export type ScanForm = (typeof SCAN_FORMS)[number];

/** An image with what is true of it. */
export interface DrawnCase {
  readonly image: Volume<Int16Array>;
  readonly truth: Volume<Uint8Array>;
  /** Of what the image shows, ml. */
  readonly trueVolumeMl: number;
}

/** A scan in a form; of what no longer is the whole gland the voxels are counted. */
export function drawCase(scan: VariedScan, form: ScanForm): DrawnCase {
  const { abdomen, grid } = scan;
  const gland = abdomen.pancreas;
  if (form === 'two') {
    const lower = movedDown(gland, SECOND_GLAND_MM);
    const second = abdomen.organs.filter(({ shape }) => shape === gland).map((o) => ({ ...o, shape: lower }));
    const image = scan.imageOf({ ...abdomen, organs: [...abdomen.organs, ...second] }, grid);
    const truth = renderPancreas(abdomen, grid);
    for (const [i, value] of renderPancreas({ ...abdomen, pancreas: lower }, grid).voxels.entries())
      truth.voxels[i] = (truth.voxels[i] ?? 0) | value;
    return { image, truth, trueVolumeMl: countedMl(truth) };
  }
  const field = fieldOf(form, grid, gland);
  const truth = renderPancreas(abdomen, field);
  const trueVolumeMl = form === 'cut' ? countedMl(truth) : abdomen.pancreasVolumeMl;
  return { image: scan.imageOf(abdomen, field), truth, trueVolumeMl };
}

function fieldOf(form: Exclude<ScanForm, 'two'>, grid: Grid, gland: Tube): Grid {
  if (form === 'ordinary') return grid;
  if (form === 'edge') return endedAt(grid, 0, true, extent(gland, 0).high + BESIDE_MM);
  const { low, high } = extent(gland, 2);
  return endedAt(grid, 2, false, low + (high - low) * CUT_SHARE);
}

const countedMl = (truth: Volume<Uint8Array>): number =>
  truth.voxels.reduce((sum, v) => sum + v, 0) * voxelVolumeMl(truth.affine);

/** Share of the gland's height that the lowest slice cuts off. */
const CUT_SHARE = 1 / 3;

/** What remains between the gland and the side of the field, mm. */
const BESIDE_MM = 2;

/** By how much the second gland lies lower, mm. */
const SECOND_GLAND_MM = 75;

function movedDown(gland: Tube, distance: number): Tube {
  return { ...gland, samples: gland.samples.map((value, i) => (i % 4 === 2 ? value - distance : value)) };
}
