import { type DicomDataset, number, numbers } from '../../dicom/reading/dataset.ts';

/** mm, LPS. */
export type Point = readonly [number, number, number];

/** How the images of a series stand in the patient. */
export interface Stack {
  /** axial, coronal, sagittal or oblique, by the slice normal (PS3.3 C.7.6.2.1.1). */
  readonly orientation?: string;
  readonly images: number;
  /** Places that images lie at. */
  readonly slices: number;
  /** Most images at one place: 2 where each place was imaged twice. */
  readonly volumes: number;
  /** From the lower side of the first slice to the upper side of the last, in mm. */
  readonly coverage?: number;
  /** Between the centres of neighbouring slices, in mm. */
  readonly spacing?: number;
  /** Feet and head end of an axial stack on the patient's axis, in mm. */
  readonly bottom?: number;
  readonly top?: number;
}

/**
 * Cosine above which a slice normal counts as along a patient axis: within 30 degrees, as oblique abdominal
 * stacks are.
 */
const ALONG_AXIS = Math.cos(Math.PI / 6);
/** Images nearer than this lie at one place; no scanner steps so finely. */
const SAME_PLACE_MM = 0.01;

/** ImagePositionPatient, where it is there. */
export function pointOf(dataset: DicomDataset): Point | undefined {
  const [x, y, z, ...more] = numbers(dataset, 'ImagePositionPatient');
  return x === undefined || y === undefined || z === undefined || more.length > 0 ? undefined : [x, y, z];
}

/** @param header of one image, flat */
export function stackOf(
  header: DicomDataset,
  images: number,
  positions: readonly Point[] | undefined,
): Stack {
  const normal = normalOf(header);
  const facts = {
    images,
    slices: images,
    volumes: 1,
    ...(normal ? { orientation: orientationOf(normal) } : {}),
  };
  const stated = number(header, 'SpacingBetweenSlices') || number(header, 'SliceThickness');
  if (!normal || !positions || positions.length === 0) {
    return stated ? { ...facts, spacing: stated, coverage: Math.round(images * stated) } : facts;
  }
  const places = placesAlong(normal, positions);
  const heights = places.map(({ height }) => height);
  const gaps = heights.slice(1).map((height, i) => height - (heights[i] ?? 0));
  const spacing = gaps.toSorted((a, b) => a - b)[gaps.length >> 1] ?? stated ?? 0;
  const extent = (heights.at(-1) ?? 0) - (heights[0] ?? 0);
  const upright = positions.map(([, , z]) => z);
  return {
    ...facts,
    slices: places.length,
    volumes: Math.max(...places.map(({ images: count }) => count)),
    // One place covers nothing: it was imaged again and again.
    coverage: places.length === 1 ? 0 : Math.round(extent + spacing),
    spacing: Number(spacing.toFixed(3)),
    ...(orientationOf(normal) === 'axial' ? { bottom: Math.min(...upright), top: Math.max(...upright) } : {}),
  };
}

function placesAlong(normal: Point, positions: readonly Point[]): { height: number; images: number }[] {
  const heights = positions.map(([x, y, z]) => x * normal[0] + y * normal[1] + z * normal[2]);
  const places: { height: number; images: number }[] = [];
  for (const height of heights.toSorted((a, b) => a - b)) {
    const last = places.at(-1);
    if (last && height - last.height < SAME_PLACE_MM) last.images++;
    else places.push({ height, images: 1 });
  }
  return places;
}

/** Normal of the image plane; undefined where ImageOrientationPatient is missing or no plane. */
export function normalOf(header: DicomDataset): Point | undefined {
  const directions = numbers(header, 'ImageOrientationPatient');
  if (directions.length !== 6) return undefined;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = directions;
  const normal: Point = [b * f - c * e, c * d - a * f, a * e - b * d];
  return Math.hypot(...normal) > 0.5 ? normal : undefined;
}

export function orientationOf(normal: Point): string {
  const axis = normal.findIndex((component) => Math.abs(component) >= ALONG_AXIS);
  return ['sagittal', 'coronal', 'axial'][axis] ?? 'oblique';
}
