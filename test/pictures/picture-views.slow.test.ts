import { describe, expect, it, test } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import type { Affine } from '../../src/dicom/volume.ts';
import { outline } from '../../src/pictures/outline.ts';
import { createPictures } from '../../src/pictures/secondary-capture.ts';
import {
  orientationLetters,
  pixelPoint,
  type View,
  viewPixels,
  viewsThrough,
} from '../../src/pictures/views.ts';
import { apply, inverse } from '../support/affine.ts';
import {
  AXIAL,
  affineOf,
  BOX_SIZE,
  boxMask,
  boxSeries,
  isOrgan,
  pictureInput,
} from '../support/picture-fixtures.ts';
import { context } from '../support/result-fixtures.ts';

const X = [1, 0, 0];
const Y = [0, 1, 0];
const Z = [0, 0, 1];
const minus = (vector: readonly number[]): number[] => vector.map((value) => -value);
const [COS, SIN] = [Math.cos(0.3), Math.sin(0.3)];

const GRIDS: Readonly<Record<string, Affine>> = {
  axial: AXIAL,
  'axial, rows and columns reversed': affineOf([minus(X), minus(Y), Z], [1.5, 1.5, 4]),
  'axial, from the head down': affineOf([X, minus(Y), minus(Z)], [1.5, 1.2, 4]),
  'coronal as acquired': affineOf([X, minus(Z), Y], [1.2, 1.2, 5]),
  'sagittal as acquired': affineOf([Y, minus(Z), minus(X)], [1.2, 1.2, 5]),
  oblique: affineOf(
    [
      [COS, SIN * COS, SIN * SIN],
      [-SIN, COS * COS, COS * SIN],
      [0, -SIN, COS],
    ],
    [1.2, 1.2, 5],
  ),
};

function viewsOf(affine: Affine): readonly View[] {
  const mask = boxMask();
  const views = viewsThrough({ voxels: mask, size: BOX_SIZE, affine }, mask);
  if (!views) throw new Error('no views');
  return views;
}

describe('views through an organ', () => {
  for (const [name, affine] of Object.entries(GRIDS)) {
    test(`${name}: every pixel shows the voxel that lies at its place in the patient`, () => {
      const mask = boxMask();
      for (const view of viewsOf(affine)) {
        const pixels = viewPixels(mask, view);
        for (let j = 0; j < view.height; j++) {
          for (let i = 0; i < view.width; i++) {
            const voxel = apply(inverse(affine), pixelPoint(view, i, j)).map(Math.round);
            expect(pixels[j * view.width + i] === 1).toBe(
              isOrgan(voxel[0] ?? -1, voxel[1] ?? -1, voxel[2] ?? -1),
            );
          }
        }
        expect(pixels.includes(1)).toBe(true);
      }
    });

    test(`${name}: left is to the right, back and feet are below, in the sagittal view back is to the right`, () => {
      const main = viewsOf(affine).map(({ name: view, right, down }) => [
        view,
        orientationLetters(right)[0],
        orientationLetters(down)[0],
      ]);
      expect(main).toEqual([
        ['axial', 'L', 'P'],
        ['coronal', 'L', 'F'],
        ['sagittal', 'P', 'F'],
      ]);
    });
  }

  it('are at the largest cross-section', () => {
    const mask = boxMask();
    mask[12 + 48 * (23 + 40 * 15)] = 1; // a lone voxel in plane 15
    mask[35 + 48 * (25 + 40 * 6)] = 1; // makes plane 6 the largest
    const views = viewsThrough({ voxels: mask, size: BOX_SIZE, affine: AXIAL }, mask);
    expect(views?.[0]?.plane).toBe(6);
  });

  it('do not exist for an empty mask', () => {
    const mask = new Uint8Array(48 * 40 * 20);
    expect(viewsThrough({ voxels: mask, size: BOX_SIZE, affine: AXIAL }, mask)).toBeUndefined();
  });
});

describe('orientation letters', () => {
  it('name the main direction first, and a second one where it is notable', () => {
    expect(orientationLetters([-1, 0, 0])).toBe('R');
    expect(orientationLetters([0.05, -1, 0.1])).toBe('A');
    expect(orientationLetters([0.4, 0, -0.9])).toBe('FL');
  });
});

describe('the outline', () => {
  it('runs along the edges of the pixels, around holes too, and along the edge of the image', () => {
    const ring = [1, 1, 1, 1, 0, 1, 1, 1, 1];
    expect(outline(ring, 3, 3)).toEqual([
      { from: [0, 0], to: [3, 0] },
      { from: [1, 1], to: [2, 1] },
      { from: [1, 2], to: [2, 2] },
      { from: [0, 3], to: [3, 3] },
      { from: [0, 0], to: [0, 3] },
      { from: [1, 1], to: [1, 2] },
      { from: [2, 1], to: [2, 2] },
      { from: [3, 0], to: [3, 3] },
    ]);
  });
});

/** The part of a key image that shows the plane; its text stands above and below. */
const PICTURE = { left: 20, top: 84, width: 984, height: 844 };

/** The rectangle that pixels of the outline's colour fill: left, top, right, bottom. */
function amberRectangle(bytes: Uint8Array): number[] {
  const { dataset, frames } = readInstance(bytes, 'SC');
  const [pixels = Uint8Array.of()] = frames;
  const columns = Number(dataset['Columns']);
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let y = PICTURE.top; y < PICTURE.top + PICTURE.height; y++) {
    for (let x = PICTURE.left; x < PICTURE.left + PICTURE.width; x++) {
      const [red = 0, green = 0, blue = 0] = pixels.subarray((y * columns + x) * 3);
      if (red < 200 || Math.abs(green - 176) > 40 || blue > 60) continue;
      xs.push(x);
      ys.push(y);
    }
  }
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
}

/** Where a rectangle of a plane, in mm from its upper left corner, lies in a picture that the plane fills. */
function placed(planeMm: readonly [number, number], mm: readonly number[]): number[] {
  const scale = Math.min(PICTURE.width / planeMm[0], PICTURE.height / planeMm[1]);
  const left = PICTURE.left + (PICTURE.width - planeMm[0] * scale) / 2;
  const top = PICTURE.top + (PICTURE.height - planeMm[1] * scale) / 2;
  return mm.map((value, index) => (index % 2 === 0 ? left : top) + value * scale);
}

describe('key images', () => {
  /** Plane and organ in mm, by hand: voxels x 10..29 of 48, y 22..30 of 40, z 4..9 of 20 from the feet. */
  const expected: Readonly<
    Record<string, { affine: Affine; views: [plane: [number, number], organ: number[]][] }>
  > = {
    axial: {
      affine: AXIAL, // 1.5, 1.5, 4 mm
      views: [
        [
          [72, 60],
          [15, 33, 45, 46.5],
        ],
        [
          [72, 80],
          [15, 40, 45, 64],
        ],
        [
          [60, 80],
          [33, 40, 46.5, 64],
        ],
      ],
    },
    'coronal as acquired': {
      affine: affineOf([X, minus(Z), Y], [1.5, 1, 4]), // rows run down, planes from front to back
      views: [
        [
          [72, 80],
          [15, 16, 45, 40],
        ],
        [
          [72, 40],
          [15, 22, 45, 31],
        ],
        [
          [80, 40],
          [16, 22, 40, 31],
        ],
      ],
    },
    oblique: {
      affine: affineOf(
        [
          [COS, SIN, 0],
          [-SIN, COS, 0],
          [0, 0, 1],
        ],
        [1.5, 1.5, 4],
      ),
      views: [
        [
          [72, 60],
          [15, 33, 45, 46.5],
        ],
        [
          [72, 80],
          [15, 40, 45, 64],
        ],
        [
          [60, 80],
          [33, 40, 46.5, 64],
        ],
      ],
    },
  };
  for (const [name, { affine, views }] of Object.entries(expected)) {
    it(`${name}: have the outline of a box at its place, in true proportions`, () => {
      const series = boxSeries(affine);
      const [, ...keys] = createPictures(pictureInput({ context: context({ series, mask: boxMask() }) }));
      for (const [index, [plane, organ]] of views.entries()) {
        const found = amberRectangle(keys[index]?.bytes ?? Uint8Array.of());
        const wanted = placed(plane, organ);
        for (const [edge, at] of found.entries())
          expect(Math.abs(at - (wanted[edge] ?? 0))).toBeLessThan(2.5);
      }
    });
  }
});
