import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { buildVolume, type SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import { unpackBits } from '../../src/dicom/pixels/bit-packing.ts';
import { type Instance, numbers, readInstance, sequence } from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import { apply, cross, determinant } from '../support/affine.ts';
import { enhancedImage } from '../support/enhanced-image.ts';
import { ctAttributes, part10, words } from '../support/part10.ts';
import { context } from '../support/result-fixtures.ts';

type Point = readonly number[];

interface Scene {
  readonly row: Point;
  readonly column: Point;
  /** Between rows, between columns, between slices, in mm. */
  readonly spacing: readonly number[];
  readonly origin: Point;
  readonly size: readonly [number, number, number];
  /** order[i] is the plane that comes as the i-th image. */
  readonly order: readonly number[];
  readonly enhanced: boolean;
  readonly syntax: string;
  readonly marker: readonly [number, number, number];
  readonly within: Point;
}

/** Axial, coronal and sagittal images with every sign of row and column, and any oblique one. */
const orthogonal = fc
  .record({ axes: fc.shuffledSubarray([0, 1, 2], { minLength: 3, maxLength: 3 }), signs: pair(fc.boolean()) })
  .map(({ axes, signs }) =>
    [0, 1].map((i) => [0, 1, 2].map((axis) => (axis === axes[i] ? (signs[i] ? -1 : 1) : 0))),
  );
const component = fc.double({ min: -1, max: 1, noNaN: true });
const oblique = fc
  .tuple(component, component, component, component)
  .filter((quaternion) => Math.hypot(...quaternion) > 0.1)
  .map(rotation);

const length = fc.double({ min: 0.3, max: 5, noNaN: true });
const place = fc.double({ min: -300, max: 300, noNaN: true });
const fraction = fc.double({ min: -0.4, max: 0.4, noNaN: true });
const anyScene: fc.Arbitrary<Scene> = fc
  .tuple(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 7 }))
  .chain((size) =>
    fc.record({
      directions: fc.oneof(orthogonal, oblique),
      spacing: fc.tuple(length, length, length),
      origin: fc.tuple(place, place, place),
      size: fc.constant(size),
      order: fc.shuffledSubarray([...Array(size[2]).keys()], { minLength: size[2], maxLength: size[2] }),
      enhanced: fc.boolean(),
      syntax: fc.constantFrom(
        TRANSFER_SYNTAX.explicitLittleEndian,
        TRANSFER_SYNTAX.implicitLittleEndian,
        TRANSFER_SYNTAX.explicitBigEndian,
      ),
      marker: fc.tuple(fc.nat(size[0] - 1), fc.nat(size[1] - 1), fc.nat(size[2] - 1)),
      within: fc.tuple(fraction, fraction, fraction),
    }),
  )
  .map(({ directions: [row = [], column = []], ...rest }) => ({ row, column, ...rest }));

/**
 * Where an index lies in the patient, by the equation of PS3.3 C.7.6.2.1.1: not by the code that is tested.
 */
function pointAt({ row, column, spacing, origin }: Scene, [x = 0, y = 0, z = 0]: Point): number[] {
  const normal = cross(row, column);
  const [betweenRows = 0, betweenColumns = 0, betweenSlices = 0] = spacing;
  return origin.map(
    (value, axis) =>
      value +
      x * betweenColumns * (row[axis] ?? 0) +
      y * betweenRows * (column[axis] ?? 0) +
      z * betweenSlices * (normal[axis] ?? 0),
  );
}

/** Every voxel has another value; the images stand in the scene's order. */
function imagesOf(scene: Scene): Instance[] {
  const [columns, rows] = scene.size;
  const plane = columns * rows;
  const valuesOf = (z: number) => Array.from({ length: plane }, (_, i) => 1 + z * plane + i);
  const orientation = { ImageOrientationPatient: decimals([...scene.row, ...scene.column]) };
  const spacing = { PixelSpacing: decimals(scene.spacing.slice(0, 2)) };
  const size = { Rows: rows, Columns: columns };
  if (scene.enhanced) {
    const frames = scene.order.map((z) => ({
      position: decimals(pointAt(scene, [0, 0, z])),
      values: valuesOf(z),
    }));
    const shared = {
      PixelMeasuresSequence: [spacing],
      PlaneOrientationSequence: [orientation],
      PixelValueTransformationSequence: [{ RescaleSlope: '1', RescaleIntercept: '0' }],
    };
    return [enhancedImage(frames, size, shared)];
  }
  return scene.order.map((z) => {
    const pixels = words(valuesOf(z));
    const swapped = scene.syntax === TRANSFER_SYNTAX.explicitBigEndian;
    const attributes = ctAttributes({
      ...orientation,
      ...spacing,
      ...size,
      SOPInstanceUID: `2.25.10${z}`,
      ImagePositionPatient: decimals(pointAt(scene, [0, 0, z])),
      PixelData: swapped ? Uint8Array.from(Buffer.from(pixels).swap16()).buffer : pixels,
    });
    return readInstance(part10(attributes, scene.syntax), `slice ${z}`);
  });
}

it('every voxel comes back in its place, for any orientation, spacing and order', async () => {
  await fc.assert(
    fc.asyncProperty(anyScene, async (given) => {
      const [columns, rows, planes] = given.size;
      const { volume } = await buildVolume(imagesOf(given));
      expect([...volume.size]).toEqual([columns, rows, planes]);
      expect([...volume.voxels]).toEqual(Array.from({ length: columns * rows * planes }, (_, i) => 1 + i));
      expect(determinant(volume.affine)).toBeGreaterThan(0);
      for (const corner of [
        [0, 0, 0],
        [columns - 1, 0, 0],
        [0, rows - 1, 0],
        [columns - 1, rows - 1, planes - 1],
      ]) {
        expect(distance(apply(volume.affine, corner), pointAt(given, corner))).toBeLessThan(1e-6);
      }
    }),
    { numRuns: 300 },
  );
});

it('a point in the patient is found there in the SEG that is made of its volume', async () => {
  await fc.assert(
    fc.asyncProperty(anyScene, async (given) => {
      const point = pointAt(
        given,
        given.marker.map((index, axis) => index + (given.within[axis] ?? 0)),
      );
      const series = await buildVolume(imagesOf(given));
      const index = nearestVoxel(series, point);
      const mask = new Uint8Array(series.volume.voxels.length);
      mask[index] = 1;
      const segmentation = createSegmentation(context({ series, mask }));
      if (!segmentation) throw new Error('nothing was written');
      expect(readSegmentation(segmentation.bytes, series)).toEqual(mask);
      // By the SEG's own attributes alone, the segmented voxel is the one around the point.
      const [x, y, z] = given.marker;
      const found = segmentedPoint(segmentation.bytes);
      expect(distance(found, pointAt(given, [x, y, z]))).toBeLessThan(1e-4);
    }),
    { numRuns: 150 },
  );
});

/** The voxel whose centre is nearest, by looking at all of them. */
function nearestVoxel({ volume }: SeriesVolume, point: Point): number {
  const [nx, ny] = volume.size;
  const distances = Array.from(volume.voxels, (_, i) =>
    distance(apply(volume.affine, [i % nx, Math.floor(i / nx) % ny, Math.floor(i / (nx * ny))]), point),
  );
  return distances.indexOf(Math.min(...distances));
}

function segmentedPoint(seg: Uint8Array): number[] {
  const { dataset, frames } = readInstance(seg, 'SEG');
  const [shared = {}] = sequence(dataset, 'SharedFunctionalGroupsSequence');
  const [frame = {}] = sequence(dataset, 'PerFrameFunctionalGroupsSequence');
  const of = (group: typeof shared, macro: string, keyword: string) =>
    numbers(sequence(group, macro)[0] ?? {}, keyword);
  const cosines = of(shared, 'PlaneOrientationSequence', 'ImageOrientationPatient');
  const [betweenRows = 0, betweenColumns = 0] = of(shared, 'PixelMeasuresSequence', 'PixelSpacing');
  const origin = of(frame, 'PlanePositionSequence', 'ImagePositionPatient');
  const columns = Number(dataset['Columns']);
  const bits = unpackBits(Buffer.concat(frames), 0, columns * Number(dataset['Rows']));
  const at = bits.indexOf(1);
  return origin.map(
    (value, axis) =>
      value +
      (at % columns) * betweenColumns * (cosines[axis] ?? 0) +
      Math.floor(at / columns) * betweenRows * (cosines[3 + axis] ?? 0),
  );
}

function pair<T>(value: fc.Arbitrary<T>): fc.Arbitrary<[T, T]> {
  return fc.tuple(value, value);
}

function distance(a: Point, b: Point): number {
  return Math.hypot(...a.map((value, axis) => value - (b[axis] ?? 0)));
}

/** Row and column direction of a rotation. */
function rotation(quaternion: Point): [number[], number[]] {
  const norm = Math.hypot(...quaternion);
  const [w = 1, x = 0, y = 0, z = 0] = quaternion.map((value) => value / norm);
  return [
    [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
  ];
}

/** Decimal strings of at most 16 characters (PS3.5 6.2). */
function decimals(values: readonly number[]): string[] {
  return values.map((value) => value.toFixed(11).slice(0, 16));
}
