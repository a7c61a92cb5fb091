import { DicomError } from '../dicom-error.ts';
import { type DicomDataset, requiredNumber, requiredNumbers } from '../reading/dataset.ts';
import type { Affine, Size } from '../volume.ts';

type Vector = readonly [number, number, number];

/** Where one image lies in the patient (PS3.3 C.7.6.2): LPS, mm. */
export interface PlaneGeometry {
  /** What messages call this image. */
  readonly label: string;
  readonly rows: number;
  readonly columns: number;
  /** Centre of the first pixel. */
  readonly position: Vector;
  /** Direction in which the column index grows: along a row. */
  readonly rowDirection: Vector;
  /** Direction in which the row index grows: down a column. */
  readonly columnDirection: Vector;
  /** Distance between neighbouring rows (PixelSpacing 1) and columns (PixelSpacing 2). */
  readonly rowSpacing: number;
  readonly columnSpacing: number;
}

/** Planes in order along the normal (row direction x column direction), and the grid they make. */
export interface PlaneStack {
  /** order[k] is the index of plane k in what was given. */
  readonly order: readonly number[];
  readonly size: Size;
  readonly affine: Affine;
}

/**
 * Direction cosines: viewers call larger deviations "not orthogonal"; 0.001 is 0.25 mm at the edge of a 500
 * mm image.
 */
const DIRECTION_TOLERANCE = 1e-3;
/** PixelSpacing between slices of one series, relative: 0.1 % moves the edge of a 500 mm image by 0.25 mm. */
const PIXEL_SPACING_TOLERANCE = 1e-3;
/** Slices closer than this show the same place: no scanner steps so finely. */
const SAME_POSITION_MM = 0.01;
/** Some scanners write positions with one decimal: either end of a gap is then up to 0.05 mm off. */
const GAP_TOLERANCE_MM = 0.101;
/** Thick slices may stand a little off what the table promised; 2 % of a step is far below a voxel. */
const GAP_TOLERANCE = 0.02;
/**
 * How far a slice may stand from its place in the even grid, in steps: small errors of gaps add up over a
 * series.
 */
const DRIFT_TOLERANCE = 0.1;
/** Sideways shift per mm of slice distance that rounded direction cosines explain: 0.1 degrees. */
const TILT_TOLERANCE = 2e-3;
/** How many examples a message names. */
const EXAMPLES = 3;

/** Reads the image plane and size of one classic image. Throws DICOM_ATTRIBUTE. */
export function planeGeometry(dataset: DicomDataset, label: string): PlaneGeometry {
  const [px = 0, py = 0, pz = 0] = requiredNumbers(dataset, 'ImagePositionPatient', 3, label);
  const cosines = requiredNumbers(dataset, 'ImageOrientationPatient', 6, label);
  const [rx = 0, ry = 0, rz = 0, cx = 0, cy = 0, cz = 0] = cosines;
  const rowDirection: Vector = [rx, ry, rz];
  const columnDirection: Vector = [cx, cy, cz];
  const lengthsOff = [rowDirection, columnDirection].map((direction) => Math.abs(length(direction) - 1));
  const deviation = Math.max(...lengthsOff, Math.abs(dot(rowDirection, columnDirection)));
  if (deviation > DIRECTION_TOLERANCE) {
    const what = `ImageOrientationPatient is ${cosines.join('\\')}: not two unit vectors at a right angle`;
    throw new DicomError('DICOM_ATTRIBUTE', `${label}: ${what}`);
  }
  const [rowSpacing = 0, columnSpacing = 0] = requiredNumbers(dataset, 'PixelSpacing', 2, label);
  if (rowSpacing <= 0 || columnSpacing <= 0) {
    const what = `PixelSpacing is ${rowSpacing}\\${columnSpacing}, needs two numbers above zero`;
    throw new DicomError('DICOM_ATTRIBUTE', `${label}: ${what}`);
  }
  return {
    label,
    rows: requiredNumber(dataset, 'Rows', label),
    columns: requiredNumber(dataset, 'Columns', label),
    position: [px, py, pz],
    rowDirection,
    columnDirection,
    rowSpacing,
    columnSpacing,
  };
}

/**
 * Orders planes along their normal and makes one grid of them. Throws DICOM_GEOMETRY with all reasons at once
 * unless they have one size and orientation and follow each other evenly along the normal, without a gap or a
 * place taken twice.
 */
export function stackPlanes(planes: readonly PlaneGeometry[]): PlaneStack {
  const [first] = planes;
  if (!first || planes.length < 2) {
    throw new DicomError('DICOM_GEOMETRY', `${first?.label ?? 'the series'}: a single slice makes no volume`);
  }
  const normal = cross(first.rowDirection, first.columnDirection);
  const heights = planes.map(({ position }) => dot(position, normal));
  const order = planes.map((_, i) => i).sort((a, b) => (heights[a] ?? 0) - (heights[b] ?? 0));
  const sorted = order.flatMap((i) => planes[i] ?? []);
  const reasons = uniformityReasons(planes);
  // Heights over planes that look in several directions mean nothing.
  if (!reasons.some((reason) => reason.startsWith(ORIENTATION_REASON))) {
    reasons.push(...positionReasons(sorted, normal));
  }
  if (reasons.length > 0) {
    throw new DicomError('DICOM_GEOMETRY', `the slices make no even volume: ${reasons.join('; ')}`);
  }
  const lowest = sorted[0] ?? first;
  const highest = sorted.at(-1) ?? first;
  const steps = planes.length - 1;
  const step = subtract(highest.position, lowest.position).map((value) => value / steps);
  const { rowDirection, columnDirection, rowSpacing, columnSpacing } = lowest;
  const affine = [0, 1, 2].flatMap((axis) => [
    (rowDirection[axis] ?? 0) * columnSpacing,
    (columnDirection[axis] ?? 0) * rowSpacing,
    step[axis] ?? 0,
    lowest.position[axis] ?? 0,
  ]);
  return { order, size: [lowest.columns, lowest.rows, planes.length], affine: [...affine, 0, 0, 0, 1] };
}

const ORIENTATION_REASON = 'ImageOrientationPatient differs';

/** Problems of slices that differ from the first in what all must share. */
function uniformityReasons(planes: readonly PlaneGeometry[]): string[] {
  const shared: [reason: string, same: (a: PlaneGeometry, b: PlaneGeometry) => boolean][] = [
    ['Rows or Columns differ', (a, b) => a.rows === b.rows && a.columns === b.columns],
    [
      'PixelSpacing differs',
      (a, b) => closeTo(a.rowSpacing, b.rowSpacing) && closeTo(a.columnSpacing, b.columnSpacing),
    ],
    [
      ORIENTATION_REASON,
      (a, b) =>
        [subtract(a.rowDirection, b.rowDirection), subtract(a.columnDirection, b.columnDirection)]
          .flat()
          .every((difference) => Math.abs(difference) <= DIRECTION_TOLERANCE),
    ],
  ];
  return shared.flatMap(([reason, same]) => {
    const kinds: PlaneGeometry[][] = [];
    for (const plane of planes) {
      const kind = kinds.find(([example]) => example !== undefined && same(example, plane));
      if (kind) kind.push(plane);
      else kinds.push([plane]);
    }
    if (kinds.length === 1) return [];
    const examples = kinds
      .slice(0, EXAMPLES)
      .map((kind) => `${kind[0]?.label} (${kind.length} of ${planes.length})`);
    return [`${reason} between ${kinds.length} kinds of slices, such as ${examples.join(', ')}`];
  });
}

function closeTo(a: number, b: number): boolean {
  return Math.abs(a - b) <= PIXEL_SPACING_TOLERANCE * a;
}

/** What is wrong with the places of planes that are sorted along their common normal. */
function positionReasons(sorted: readonly PlaneGeometry[], normal: Vector): string[] {
  const pairs = sorted.slice(1).flatMap((upper, i) => {
    const lower = sorted[i];
    if (!lower) return [];
    const gap = dot(subtract(upper.position, lower.position), normal);
    return [{ gap, between: `${lower.label} and ${upper.label}` }];
  });
  const reasons: string[] = [];
  const twice = pairs.filter(({ gap }) => gap < SAME_POSITION_MM);
  if (twice.length > 0) {
    const what = `${twice.length} slice(s) lie where another one lies: ${examplesOf(twice)}`;
    reasons.push(`${what} (several phases, echoes or copies in one series)`);
  }
  const apart = pairs.filter(({ gap }) => gap >= SAME_POSITION_MM);
  const median = apart.map(({ gap }) => gap).sort((a, b) => a - b)[(apart.length - 1) >> 1] ?? 0;
  const tolerance = Math.max(GAP_TOLERANCE_MM, GAP_TOLERANCE * median);
  const uneven = apart.filter(({ gap }) => Math.abs(gap - median) > tolerance);
  if (uneven.length > 0) {
    const gaps = uneven
      .slice(0, EXAMPLES)
      .map(({ gap, between }) => `${mm(gap)} between ${between}${missing(gap)}`);
    const more = uneven.length > EXAMPLES ? ` and ${uneven.length - EXAMPLES} more` : '';
    reasons.push(`uneven slice distances: ${mm(median)} as a rule, but ${gaps.join(', ')}${more}`);
  }
  if (reasons.length === 0) reasons.push(...driftReasons(sorted, normal));
  return [...reasons, ...tiltReasons(sorted, normal)];

  function missing(gap: number): string {
    const steps = Math.round(gap / median);
    const fits = steps >= 2 && Math.abs(gap - steps * median) <= tolerance * steps;
    return fits ? ` (as if ${steps - 1} slice(s) were missing)` : '';
  }
}

/** Each slice must stand where the grid from the first to the last has it. */
function driftReasons(sorted: readonly PlaneGeometry[], normal: Vector): string[] {
  const heights = sorted.map(({ position }) => dot(position, normal));
  const [bottom = 0] = heights;
  const step = ((heights.at(-1) ?? 0) - bottom) / (heights.length - 1);
  const drifts = heights.map((height, k) => Math.abs(height - bottom - k * step));
  const worst = Math.max(...drifts);
  if (worst <= Math.max(GAP_TOLERANCE_MM, DRIFT_TOLERANCE * step)) return [];
  const label = sorted[drifts.indexOf(worst)]?.label;
  return [`uneven slice distances: ${label} lies ${mm(worst)} from its place on an even grid of ${mm(step)}`];
}

/** The line from each slice to the next must run along the normal. */
function tiltReasons(sorted: readonly PlaneGeometry[], normal: Vector): string[] {
  const [lowest] = sorted;
  if (!lowest) return [];
  const shifts = sorted.map((plane) => {
    const offset = subtract(plane.position, lowest.position);
    const height = dot(offset, normal);
    const sideways = length(subtract(offset, [normal[0] * height, normal[1] * height, normal[2] * height]));
    return { plane, height, sideways };
  });
  const tilted = shifts.filter(
    ({ height, sideways }) => sideways > GAP_TOLERANCE_MM + TILT_TOLERANCE * Math.abs(height),
  );
  const worst = tilted.sort((a, b) => b.sideways - a.sideways)[0];
  if (!worst) return [];
  const degrees = (Math.atan2(worst.sideways, worst.height) * 180) / Math.PI;
  const what =
    'positions do not run along the normal of the slices: ' +
    `${worst.plane.label} lies ${mm(worst.sideways)} aside`;
  return [
    `${what} of ${lowest.label} at ${mm(worst.height)} height (${degrees.toFixed(1)} degrees: a tilted ` +
      'gantry)',
  ];
}

function examplesOf(pairs: readonly { between: string }[]): string {
  const named = pairs.slice(0, EXAMPLES).map(({ between }) => between);
  return named.join(', ') + (pairs.length > EXAMPLES ? ` and ${pairs.length - EXAMPLES} more` : '');
}

function mm(value: number): string {
  return `${value.toFixed(2)} mm`;
}

function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function subtract(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

function length(a: Vector): number {
  return Math.hypot(...a);
}
