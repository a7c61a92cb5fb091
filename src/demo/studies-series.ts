import type { Volume } from '../dicom/volume.ts';
import type { WritableDataset } from '../dicom/writing/write.ts';
import { writeObject } from '../results/write-object.ts';
import { type Abdomen, createAbdomen } from './phantom/abdomen.ts';
import { renderContrast, renderPancreas } from './phantom/render.ts';
import type { Contrast } from './phantom/tissues.ts';
import { onTable, type Stack, stackGrid, underPose } from './studies-grid.ts';
import {
  imageModules,
  MAX_STORED,
  pixelModule,
  planeOf,
  type SeriesHeader,
  seriesModules,
  syntheticUid,
  type Visit,
} from './studies-header.ts';

/** What a series is to the node: what series selection should say of it. */
export type SyntheticKind = 'CT_ABDOMEN' | 'T1W' | 'T2W' | 'NONE';

export interface SyntheticSeries {
  readonly seriesInstanceUid: string;
  readonly description: string;
  readonly kind: SyntheticKind;
  /**
   * Part 10 bytes of each instance, in the order of InstanceNumber. Rendered anew, identically, on each call.
   */
  readonly instances: () => Iterable<Uint8Array>;
  /**
   * The pancreas on the series' grid, planes ascending along row x column; only for series to be segmented.
   */
  readonly truth?: () => Volume<Uint8Array>;
}

/** One stack of images with one contrast. */
export interface StackOfImages {
  readonly stack: Stack;
  readonly contrast: Contrast;
  /** Added to the series' attributes on these images. */
  readonly attributes: WritableDataset;
  /** Whether InstanceNumber counts against the direction of the planes (axial: from the head downwards). */
  readonly descending: boolean;
}

export interface SeriesPlan {
  readonly header: SeriesHeader;
  readonly kind: SyntheticKind;
  readonly stacks: readonly StackOfImages[];
  /** Stored value = rendered value + this. */
  readonly storedOffset: number;
}

export function abdomenOf({ patient, pancreasScale }: Visit): Abdomen {
  return createAbdomen(patient.seed, { pancreasScale });
}

/** A series of rendered stacks; nothing is rendered before it is asked for. */
export function syntheticSeries(visit: Visit, plan: SeriesPlan): SyntheticSeries {
  const series = {
    seriesInstanceUid: syntheticUid(visit, plan.header.key),
    description: plan.header.description,
    kind: plan.kind,
    instances: () => renderInstances(visit, plan),
  };
  const first = plan.stacks[0];
  if (plan.kind === 'NONE' || !first) return series;
  return { ...series, truth: () => truthOf(visit, first.stack) };
}

function truthOf(visit: Visit, stack: Stack): Volume<Uint8Array> {
  const grid = stackGrid(stack);
  const mask = renderPancreas(abdomenOf(visit), underPose(grid, visit.pose));
  return { ...mask, affine: onTable(grid, visit.pose).affine };
}

function* renderInstances(visit: Visit, plan: SeriesPlan): Generator<Uint8Array> {
  const abdomen = abdomenOf(visit);
  const shared = seriesModules(visit, plan.header);
  let number = 0;
  for (const [i, { stack, contrast, attributes, descending }] of plan.stacks.entries()) {
    const grid = stackGrid(stack);
    const noiseSeed = visit.noiseSeed * SERIES_PER_VISIT + plan.header.number * STACKS_PER_SERIES + i;
    const image = renderContrast(abdomen, underPose(grid, visit.pose), contrast, noiseSeed);
    const tableGrid = onTable(grid, visit.pose);
    for (let s = 0; s < stack.slices; s++) {
      number++;
      const k = descending ? stack.slices - 1 - s : s;
      const plane = { number, acquisition: i + 1, ...planeOf(stack, tableGrid, k) };
      yield writeObject({
        ...shared,
        ...attributes,
        ...imageModules(visit, plan.header, plane),
        ...pixelModule(stack.columns, stack.rows, storedSlice(image.voxels, stack, k, plan.storedOffset)),
      });
    }
  }
}

/** Bounds that keep the noise seeds of series and stacks apart. */
const SERIES_PER_VISIT = 1000;
const STACKS_PER_SERIES = 20;

function storedSlice(voxels: Int16Array, { columns, rows }: Stack, k: number, offset: number): Uint16Array {
  const pixels = columns * rows;
  const stored = new Uint16Array(pixels);
  for (let i = 0; i < pixels; i++)
    stored[i] = Math.min(MAX_STORED, Math.max(0, (voxels[k * pixels + i] ?? 0) + offset));
  return stored;
}
