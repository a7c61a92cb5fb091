import type { Volume } from '../../dicom/volume.ts';
import { type Abdomen, createAbdomen, type WantedGland } from './abdomen.ts';
import type { Grid } from './field.ts';
import { Random } from './random.ts';
import { renderContrast } from './render.ts';
import { scaleTube, type Tube } from './shapes.ts';

/** The contrasts that the demo has models for. */
export const SCANNED = ['CT', 'T1W', 'T2W'] as const;
export type ScannedContrast = (typeof SCANNED)[number];

/** One patient in one scanner, as training and evaluation see them. */
export interface VariedScan {
  readonly abdomen: Abdomen;
  readonly grid: Grid;
  readonly sliceMm: number;
  readonly image: () => Volume<Int16Array>;
  /** The same patient, otherwise shaped or in another field, as this scanner shows it on this day. */
  readonly imageOf: (abdomen: Abdomen, grid: Grid) => Volume<Int16Array>;
}

/**
 * A scan of a seed's patient that varies as patients and protocols do: gland of 25 to 160 ml, wasted or
 * lobulated, arms up or down, slices of 1 to 6 mm, more noise in thin ones, the gland near the edge of the
 * field in some. Any run of successive seeds covers the volumes evenly.
 *
 * A `visit` other than 0 is the same patient in the same protocol on another day; `pancreasScale` as in
 * createAbdomen.
 */
export function variedScan(
  seed: number,
  contrast: ScannedContrast,
  { visit = 0, pancreasScale = 1 }: { visit?: number; pancreasScale?: number } = {},
): VariedScan {
  const patient = new Random(seed ^ PATIENT_SALT);
  const arms = patient.uniform(0, 1) < ARMS_DOWN ? 'down' : 'up';
  const abdomen = createAbdomen(seed, { pancreasScale, gland: glandOf(seed, patient), arms });
  const stream = seed * SCANNED.length + SCANNED.indexOf(contrast);
  const protocol = new Random(stream ^ PROTOCOL_SALT);
  const sliceMm = protocol.uniform(1, 6);
  const noise =
    noiseOf(contrast, sliceMm, protocol) * (contrast === 'CT' && arms === 'down' ? ARMS_NOISE : 1);
  // The field is planned for the first visit's gland, so that a smaller one later finds the same.
  const planned = scaleTube(abdomen.pancreas, 1 / pancreasScale);
  const field = nearBorder(acquisitionGrid(sliceMm, protocol), planned, protocol);
  const noiseSeed = stream * VISITS + visit;
  const grid = visit === 0 ? field : moved(field, new Random(noiseSeed));
  const imageOf = (shown: Abdomen, on: Grid) => renderContrast(shown, on, contrast, noiseSeed, { noise });
  return { abdomen, grid, sliceMm, image: () => imageOf(abdomen, grid), imageOf };
}

/** Keep the patient's gland and the protocol apart from the numbers that shape the anatomy. */
const PATIENT_SALT = 0x3c6ef372;
const PROTOCOL_SALT = 0x1f83d9ab;

/** Bound that keeps the noise seeds of scans apart. */
const VISITS = 16;

/** Share of the patients who keep their arms down, and how much noisier their CT is. */
const ARMS_DOWN = 0.25;
const ARMS_NOISE = 1.2;

const SMALLEST_ML = 25;
const LARGEST_ML = 160;

/** Multiples of this, less their whole parts, fill 0 to 1 evenly whichever run of numbers is taken. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

function glandOf(seed: number, patient: Random): WantedGland {
  const place = (seed * GOLDEN) % 1;
  // Half of the glands are not wasted, a third are not lobulated.
  const atrophy = Math.max(0, patient.uniform(-1, 1));
  const lobulation = Math.max(0, patient.uniform(-0.5, 1));
  return {
    volumeMl: SMALLEST_ML + (LARGEST_ML - SMALLEST_ML) * place,
    atrophy,
    lobulation,
    fat: MOST_FAT * lobulation * patient.uniform(0, 1),
  };
}

/** Share of fat in the most lobulated glands. */
const MOST_FAT = 0.2;

/** Noise against the usual acquisition's: fewer photons or protons in thin slices. */
function noiseOf(contrast: ScannedContrast, sliceMm: number, protocol: Random): number {
  const usual = contrast === 'CT' ? 3 : 4.5;
  return protocol.uniform(0.8, 1.2) * Math.min(1.35, Math.max(0.8, Math.sqrt(usual / sliceMm)));
}

function acquisitionGrid(sliceMm: number, random: Random): Grid {
  const inPlane = random.uniform(1.3, 2);
  // Half-widths of the field of view, mm.
  const half = [random.uniform(172, 195), random.uniform(140, 185)] as const;
  const size = [
    Math.round((2 * half[0]) / inPlane),
    Math.round((2 * half[1]) / inPlane),
    Math.round(random.uniform(195, 235) / sliceMm),
  ] as const;
  const origin = (axis: 0 | 1 | 2, step: number, centre: number) => centre - ((size[axis] - 1) / 2) * step;
  const [x, y, z] = [
    origin(0, inPlane, random.around(0, 8)),
    origin(1, inPlane, random.around(5, 8)),
    origin(2, sliceMm, random.around(-4, 12)),
  ];
  return { size, affine: [inPlane, 0, 0, x, 0, inPlane, 0, y, 0, 0, sliceMm, z, 0, 0, 0, 1] };
}

/** Share of the scans whose field ends shortly behind the gland on one side. */
const NEAR_BORDER = 0.3;

/**
 * The gland keeps this distance from the border, mm; more than the thickest slice and a patient's movement.
 */
const BORDER_MM = { low: 9, high: 24 } as const;

/** Cuts the field on one side near the gland, in some scans. The gland itself is never cut. */
function nearBorder(grid: Grid, gland: Tube, random: Random): Grid {
  const chosen = random.uniform(0, 1) < NEAR_BORDER;
  const axis = Math.floor(random.uniform(0, 3)) as 0 | 1 | 2;
  const above = random.uniform(0, 1) < 0.5;
  const margin = random.uniform(BORDER_MM.low, BORDER_MM.high);
  if (!chosen) return grid;
  const { low, high } = extent(gland, axis);
  return endedAt(grid, axis, above, above ? high + margin : low - margin);
}

/** The field without what lies beyond a place, mm: above it on that axis, or below. */
export function endedAt(grid: Grid, axis: 0 | 1 | 2, above: boolean, place: number): Grid {
  const step = grid.affine[axis * 5] ?? 1;
  const start = grid.affine[axis * 4 + 3] ?? 0;
  const length = grid.size[axis];
  const first = above ? 0 : Math.min(length - 1, Math.max(0, Math.floor((place - start) / step)));
  const last = above ? Math.max(0, Math.min(length - 1, Math.ceil((place - start) / step))) : length - 1;
  const [nx, ny, nz] = grid.size;
  const size = [nx, ny, nz] as [number, number, number];
  size[axis] = last - first + 1;
  const affine = [...grid.affine];
  affine[axis * 4 + 3] = start + first * step;
  return { size, affine };
}

/** From where to where a gland reaches on an axis, mm. */
export function extent({ samples, ripple }: Tube, axis: 0 | 1 | 2): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < samples.length; i += 4) {
    const reach = (samples[i + 3] ?? 0) + (ripple?.amplitude ?? 0);
    low = Math.min(low, (samples[i + axis] ?? 0) - reach);
    high = Math.max(high, (samples[i + axis] ?? 0) + reach);
  }
  return { low, high };
}

/** The field as it lies on another day, a little elsewhere. */
function moved({ size, affine }: Grid, random: Random): Grid {
  const out = [...affine];
  for (const place of [3, 7, 11]) out[place] = (out[place] ?? 0) + random.around(0, MOVED_MM);
  return { size, affine: out };
}

const MOVED_MM = 2;
