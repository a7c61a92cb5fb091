/**
 * Draws the README's picture: the first synthetic CT with the pancreas that was drawn into it (colour) and
 * the outline that the demo's model finds (line), in an axial, a coronal and a sagittal plane. Usage: node
 * tools/draw-demo-picture.ts [FILE]
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { encode } from 'fast-png';
import { syntheticStudies } from '../src/demo/studies.ts';
import { buildVolume } from '../src/dicom/geometry/series-volume.ts';
import { readInstance } from '../src/dicom/reading/dataset.ts';
import { spacingOf } from '../src/dicom/volume.ts';
import { loadModel } from '../src/segmentation/model/model-folder.ts';
import { segment } from '../src/segmentation/segment.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const PANEL_HEIGHT = 300;
const GAP = 6;
const WINDOW_HU = { from: -110, to: 240 } as const;
const TRUTH: Colour = [90, 200, 250];
const TRUTH_OPACITY = 0.35;
const OUTLINE: Colour = [255, 214, 10];

type Colour = readonly [red: number, green: number, blue: number];
type Axis = 0 | 1 | 2;

const series = syntheticStudies()[0]?.series.find(({ kind }) => kind === 'CT_ABDOMEN');
const truth = series?.truth?.().voxels;
if (!series || !truth) throw new Error('the first synthetic study has an abdominal CT');
const { volume } = await buildVolume(
  [...series.instances()].map((bytes) => readInstance(bytes, series.description)),
);
const { mask } = await segment(volume, await loadModel('demo-ct', [path.join(ROOT, 'models')]));
const spacing = spacingOf(volume.affine);
const { voxels, size } = volume;

const at = (x: number, y: number, z: number): number => x + size[0] * (y + size[1] * z);

/** The plane across an axis that holds most of the pancreas. */
function fullestPlane(axis: Axis): number {
  const counts = Array.from({ length: size[axis] }, () => 0);
  for (let z = 0; z < size[2]; z++)
    for (let y = 0; y < size[1]; y++)
      for (let x = 0; x < size[0]; x++) {
        const plane = [x, y, z][axis] ?? 0;
        if (truth?.[at(x, y, z)]) counts[plane] = (counts[plane] ?? 0) + 1;
      }
  return counts.indexOf(Math.max(...counts));
}

interface Panel {
  readonly width: number;
  readonly colour: (column: number, row: number) => Colour;
}

/** A plane as people look at it: the patient's right on the left, front or head on top. */
function panel(across: Axis, horizontal: Axis, vertical: Axis, flipped: boolean): Panel {
  const plane = fullestPlane(across);
  const mmPerPixel = (size[vertical] * spacing[vertical]) / PANEL_HEIGHT;
  const index = (column: number, row: number): number => {
    const voxel = [0, 0, 0];
    voxel[across] = plane;
    const limit = (value: number, axis: Axis) => Math.min(size[axis] - 1, Math.max(0, Math.floor(value)));
    voxel[horizontal] = limit((column * mmPerPixel) / spacing[horizontal], horizontal);
    const down = limit((row * mmPerPixel) / spacing[vertical], vertical);
    voxel[vertical] = flipped ? size[vertical] - 1 - down : down;
    return at(voxel[0] ?? 0, voxel[1] ?? 0, voxel[2] ?? 0);
  };
  const inside = (column: number, row: number) => mask[index(column, row)] === 1;
  return {
    width: Math.round((size[horizontal] * spacing[horizontal]) / mmPerPixel),
    colour: (column, row) => {
      const here = inside(column, row);
      const atEdge =
        here && ![1, -1].every((step) => inside(column + step, row) && inside(column, row + step));
      if (atEdge) return OUTLINE;
      const hu = voxels[index(column, row)] ?? 0;
      const grey = Math.min(
        255,
        Math.max(0, (255 * (hu - WINDOW_HU.from)) / (WINDOW_HU.to - WINDOW_HU.from)),
      );
      const share = truth?.[index(column, row)] ? TRUTH_OPACITY : 0;
      const mixed = (value: number) => Math.round(grey * (1 - share) + value * share);
      return [mixed(TRUTH[0]), mixed(TRUTH[1]), mixed(TRUTH[2])];
    },
  };
}

const panels = [panel(2, 0, 1, false), panel(1, 0, 2, true), panel(0, 1, 2, true)];
const width = panels.reduce((sum, { width: one }) => sum + one + GAP, -GAP);
const pixels = new Uint8Array(width * PANEL_HEIGHT * 3).fill(255);
let left = 0;
for (const { width: columns, colour } of panels) {
  for (let row = 0; row < PANEL_HEIGHT; row++)
    for (let column = 0; column < columns; column++)
      pixels.set(colour(column, row), 3 * (row * width + left + column));
  left += columns + GAP;
}
const file = process.argv[2] ?? path.join(ROOT, 'docs/demo.png');
writeFileSync(file, encode({ width, height: PANEL_HEIGHT, data: pixels, channels: 3 }));
