import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { SeriesVolume } from '../../src/dicom/geometry/series-volume.ts';
import { type Program, programPath } from './requires.ts';

const run = promisify(execFile);
const MOST_OUTPUT = 2 ** 28;

/** A frame of a SEG as another program reads it. */
interface ReadFrame {
  readonly position: readonly number[];
  readonly source: string;
  /** From 1; null where the source has one frame. */
  readonly sourceFrame: number | null;
  /** Half-open ranges of voxels inside the segment, row by row. */
  readonly runs: readonly (readonly [number, number])[];
}

interface ReadSegmentation {
  readonly volumeMl: number;
  readonly frames: readonly ReadFrame[];
}

export interface SegmentationReader {
  readonly name: string;
  readonly needs: Program;
  read(file: string): Promise<ReadSegmentation>;
}

const pydicomOutput = z.object({
  volumeMl: z.number(),
  frames: z.array(
    z.object({
      position: z.array(z.number()),
      source: z.string(),
      sourceFrame: z.number().nullable(),
      runs: z.array(z.tuple([z.number(), z.number()])),
    }),
  ),
});

async function readByPydicom(file: string): Promise<ReadSegmentation> {
  const script = path.join(import.meta.dirname, 'segmentation-voxels.py');
  const { stdout } = await run(programPath('python3'), [script, file], { maxBuffer: MOST_OUTPUT });
  return pydicomOutput.parse(JSON.parse(stdout));
}

const values = <T extends z.ZodType>(value: T) => z.object({ Value: z.array(value) });
const dcmtkFrame = z.object({
  '00209113': values(z.object({ '00200032': values(z.number()) })), // PlanePosition > ImagePositionPatient
  // DerivationImage > SourceImage > ReferencedSOPInstanceUID, ReferencedFrameNumber
  '00089124': values(
    z.object({
      '00082112': values(
        z.object({ '00081155': values(z.string()), '00081160': values(z.number()).optional() }),
      ),
    }),
  ),
});
const dcmtkOutput = z.object({
  '00280010': values(z.number()), // Rows
  '00280011': values(z.number()), // Columns
  '00620001': values(z.enum(['BINARY', 'FRACTIONAL', 'LABELMAP'])), // SegmentationType
  '0062000E': values(z.number()).optional(), // MaximumFractionalValue
  // SharedFunctionalGroups > PixelMeasures > PixelSpacing, SpacingBetweenSlices
  '52009229': values(
    z.object({
      '00289110': values(z.object({ '00280030': values(z.number()), '00180088': values(z.number()) })),
    }),
  ),
  '52009230': values(dcmtkFrame),
  '7FE00010': z.object({ InlineBinary: z.base64() }),
});

async function readByDcmtk(file: string): Promise<ReadSegmentation> {
  const { stdout } = await run(programPath('dcm2json'), [file], { maxBuffer: MOST_OUTPUT });
  const seg = dcmtkOutput.parse(JSON.parse(stdout));
  const [type] = seg['00620001'].Value;
  const length = (seg['00280010'].Value[0] ?? 0) * (seg['00280011'].Value[0] ?? 0);
  const bytes = Buffer.from(seg['7FE00010'].InlineBinary, 'base64');
  const half = (seg['0062000E']?.Value[0] ?? 0) / 2;
  const isInside = (voxel: number): boolean =>
    type === 'BINARY' ? (((bytes[voxel >> 3] ?? 0) >> (voxel & 7)) & 1) === 1 : (bytes[voxel] ?? 0) > half;
  const frames = seg['52009230'].Value.map((groups, frame) => {
    const source = groups['00089124'].Value[0]?.['00082112'].Value[0];
    return {
      position: groups['00209113'].Value[0]?.['00200032'].Value ?? [],
      source: source?.['00081155'].Value[0] ?? '',
      sourceFrame: source?.['00081160']?.Value[0] ?? null,
      runs: runsOf(length, (voxel) => isInside(frame * length + voxel)),
    };
  });
  const measures = seg['52009229'].Value[0]?.['00289110'].Value[0];
  const sides = [...(measures?.['00280030'].Value ?? []), ...(measures?.['00180088'].Value ?? [])];
  const voxels = frames.flatMap(({ runs }) => runs).reduce((sum, [start, end]) => sum + end - start, 0);
  return { volumeMl: sides.reduce((product, side) => product * side, voxels) / 1000, frames };
}

function runsOf(length: number, isInside: (voxel: number) => boolean): [number, number][] {
  const runs: [number, number][] = [];
  let start: number | undefined;
  for (let voxel = 0; voxel <= length; voxel++) {
    const inside = voxel < length && isInside(voxel);
    if (inside) start ??= voxel;
    else if (start !== undefined) {
      runs.push([start, voxel]);
      start = undefined;
    }
  }
  return runs;
}

export const SEGMENTATION_READERS: readonly SegmentationReader[] = [
  { name: 'pydicom', needs: 'python3', read: readByPydicom },
  { name: 'DCMTK', needs: 'dcm2json', read: readByDcmtk },
];

/** Planes are found by their source images; their positions must be those of the volume, to this many mm. */
const POSITION_TOLERANCE_MM = 0.01;

/**
 * What was read as a mask on the grid of the series. Throws where a frame is not on the plane of its source
 * image.
 */
export function maskOf({ frames }: ReadSegmentation, { volume, slices }: SeriesVolume): Uint8Array {
  const [nx, ny, nz] = volume.size;
  const mask = new Uint8Array(nx * ny * nz);
  for (const { source, sourceFrame, position, runs } of frames) {
    const plane = slices.findIndex(
      (slice) => slice.sopInstanceUid === source && (slice.frameNumber ?? null) === sourceFrame,
    );
    const expected = [0, 4, 8].map(
      (row) => (volume.affine[row + 2] ?? 0) * plane + (volume.affine[row + 3] ?? 0),
    );
    const off = Math.hypot(...expected.map((value, axis) => value - (position[axis] ?? Number.NaN)));
    if (plane === -1 || !(off < POSITION_TOLERANCE_MM)) {
      throw new Error(`a frame of ${source} lies at ${position.join(', ')}`);
    }
    const first = plane * nx * ny;
    for (const [start, end] of runs) mask.fill(1, first + start, first + end);
  }
  return mask;
}
