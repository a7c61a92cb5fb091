import type { Volume } from '../../dicom/volume.ts';
import type { Abdomen } from './abdomen.ts';
import type { Organ } from './anatomy.ts';
import { coverage, evaluate, type Field, type Grid } from './field.ts';
import { addCtNoise, addRicianNoise, smoothField } from './noise.ts';
import { Random } from './random.ts';
import { type Contrast, NOISE, TISSUES, type Tissue } from './tissues.ts';

/**
 * The abdomen as a scanner would show it on a grid: HU for CT, arbitrary units for MR. `noiseSeed` stands for
 * the visit: noise, bias field, timing of the contrast medium and gas in the bowel follow it; the anatomy
 * doesn't. `noise` multiplies the usual acquisition's noise.
 */
export function renderContrast(
  abdomen: Abdomen,
  grid: Grid,
  contrast: Contrast,
  noiseSeed: number,
  { noise = 1 }: { noise?: number } = {},
): Volume<Int16Array> {
  const random = new Random(noiseSeed);
  const patient = new Random(abdomen.seed ^ PATIENT_SALT);
  const [nx, ny, nz] = grid.size;
  const image = new Float32Array(nx * ny * nz).fill(TISSUES.air[contrast][0]);
  const levels = intensities(contrast, patient, random);
  for (const organ of abdomen.organs) {
    const gasShift = random.around(0, GAS_SHIFT_MM);
    paint(image, grid, organ, levels, contrast, gasShift);
  }
  texture(image, grid, contrast, random);
  if (contrast === 'CT') addCtNoise(image, grid.size, noise * NOISE.CT * random.uniform(0.7, 1.3), random);
  else addRicianNoise(image, noise * NOISE[contrast] * random.uniform(0.7, 1.3), random);
  return { voxels: toInt16(image), size: grid.size, affine: grid.affine };
}

/** 1 where the voxel's centre lies in the pancreas. */
export function renderPancreas(abdomen: Abdomen, grid: Grid): Volume<Uint8Array> {
  const [nx, ny, nz] = grid.size;
  const voxels = new Uint8Array(nx * ny * nz);
  const field = evaluate(abdomen.pancreas, grid);
  if (field) {
    const { low, count, values } = field;
    let index = 0;
    for (let z = 0; z < count[2]; z++)
      for (let y = 0; y < count[1]; y++) {
        const start = low[0] + nx * (low[1] + y + ny * (low[2] + z));
        for (let x = 0; x < count[0]; x++, index++) if ((values[index] ?? 1) < 0) voxels[start + x] = 1;
      }
  }
  return { voxels, size: grid.size, affine: grid.affine };
}

/**
 * The share of each voxel that lies in the pancreas, 0 to 1: what a network should learn at the organ's edge.
 */
export function renderPancreasShare(abdomen: Abdomen, grid: Grid): Volume<Float32Array> {
  const [nx, ny, nz] = grid.size;
  const voxels = new Float32Array(nx * ny * nz);
  const field = evaluate(abdomen.pancreas, grid);
  if (field) blend(voxels, grid, field, 0, 1, undefined);
  return { voxels, size: grid.size, affine: grid.affine };
}

/** Keeps the patient's tissue values apart from the numbers that shaped the anatomy. */
const PATIENT_SALT = 0x5bd1e995;

/** How far the gas level in a hollow organ moves from visit to visit, mm. */
const GAS_SHIFT_MM = 6;

/**
 * Part of a tissue's spread that changes between visits (timing of the contrast medium, say); the rest is the
 * patient's.
 */
const VISIT_PART = 0.25;

/** Part of a tissue's spread by which single organs (one loop of bowel, say) differ. */
const ORGAN_PART = 0.5;

/** Relative brightness changes within organs, and their extent in mm. */
const TEXTURE = { CT: 0.03, MR: 0.05, pitchMm: 14 } as const;

/** Strength of the MR receive field, and its extent in mm. */
const BIAS = { low: 0.12, high: 0.3, pitchMm: 110 } as const;

function intensities(contrast: Contrast, patient: Random, visit: Random): Map<Tissue, [number, number]> {
  const levels = new Map<Tissue, [number, number]>();
  for (const [name, ranges] of Object.entries(TISSUES) as [Tissue, (typeof TISSUES)[Tissue]][]) {
    const [mean, spread] = ranges[contrast];
    const own = patient.around(0, 1 - VISIT_PART) + visit.around(0, VISIT_PART);
    levels.set(name, [mean + spread * own, spread * ORGAN_PART]);
  }
  return levels;
}

function paint(
  image: Float32Array,
  grid: Grid,
  organ: Organ,
  levels: ReadonlyMap<Tissue, [number, number]>,
  contrast: Contrast,
  gasShift: number,
): void {
  const field = evaluate(organ.shape, grid);
  if (!field) return;
  for (const [i, layer] of organ.layers.entries()) {
    const [mean, spread] = levels.get(layer.tissue) ?? [0, 0];
    const pure = mean + spread * organ.deviation;
    const [fat] = levels.get('fat') ?? [0];
    const value = pure + (layer.fat ?? 0) * (fat - pure);
    const innermost = i === organ.layers.length - 1;
    const gas =
      innermost && organ.gasBefore !== undefined
        ? { before: organ.gasBefore + gasShift, value: TISSUES.gas[contrast][0] }
        : undefined;
    blend(image, grid, field, layer.offset, value, gas);
  }
}

function blend(
  image: Float32Array,
  { size, affine }: Grid,
  field: Field,
  offset: number,
  value: number,
  gas: { before: number; value: number } | undefined,
): void {
  const { low, count } = field;
  let index = 0;
  for (let z = 0; z < count[2]; z++)
    for (let y = 0; y < count[1]; y++) {
      const start = low[0] + size[0] * (low[1] + y + size[1] * (low[2] + z));
      const rowY = (affine[5] ?? 0) * (y + low[1]) + (affine[6] ?? 0) * (z + low[2]) + (affine[7] ?? 0);
      for (let x = 0; x < count[0]; x++, index++) {
        const part = coverage(field, index, x, y, z, offset);
        if (part === 0) continue;
        let own = value;
        if (gas) {
          const share = 0.5 + (gas.before - rowY - (affine[4] ?? 0) * (x + low[0])) / GAS_SURFACE_MM;
          own += Math.min(1, Math.max(0, share)) * (gas.value - value);
        }
        const before = image[start + x] ?? 0;
        image[start + x] = before + part * (own - before);
      }
    }
}

/** Over how many mm gas gives way to fluid: about a pixel. */
const GAS_SURFACE_MM = 1.6;

function texture(image: Float32Array, grid: Grid, contrast: Contrast, random: Random): void {
  if (contrast === 'CT') {
    const grain = smoothField(grid, TEXTURE.pitchMm, random);
    const scale = TEXTURE.CT * CT_SOFT_TISSUE_HU * SMOOTH_GAIN;
    for (let i = 0; i < image.length; i++) image[i] = (image[i] ?? 0) + scale * (grain[i] ?? 0);
    return;
  }
  const grain = smoothField(grid, TEXTURE.pitchMm, random);
  const bias = smoothField(grid, BIAS.pitchMm, random);
  const strength = random.uniform(BIAS.low, BIAS.high) * SMOOTH_GAIN;
  const gain = random.uniform(0.6, 1.6);
  for (let i = 0; i < image.length; i++)
    image[i] =
      gain *
      (image[i] ?? 0) *
      (1 + TEXTURE.MR * SMOOTH_GAIN * (grain[i] ?? 0)) *
      Math.exp(strength * (bias[i] ?? 0));
}

/** The texture of CT is set as a share of this, HU. */
const CT_SOFT_TISSUE_HU = 100;

/** Interpolating between lattice points evens the field out; this brings it back to about its own spread. */
const SMOOTH_GAIN = 1.5;

function toInt16(image: Float32Array): Int16Array {
  const out = new Int16Array(image.length);
  for (let i = 0; i < image.length; i++) out[i] = Math.round(Math.min(32767, Math.max(-1024, image[i] ?? 0)));
  return out;
}
