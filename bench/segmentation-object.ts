import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SeriesVolume } from '../src/dicom/geometry/series-volume.ts';
import { nonEmptyPlanes } from '../src/dicom/pixels/bit-packing.ts';
import { readInstance } from '../src/dicom/reading/dataset.ts';
import type { ResultContext } from '../src/results/result-context.ts';
import { readSegmentation } from '../src/seg/read-segmentation.ts';
import { createSegmentation } from '../src/seg/segmentation-object.ts';
import { smallInstance } from '../test/support/small-instance.ts';
import type { BenchOptions, BenchRow } from './bench-row.ts';
import { SAMPLE_MODEL, type Size } from './sample-case.ts';

const PROMISED_SECONDS = 1;
/** The promised size: the bits with a twentieth on top, and room for what stands beside them. */
const promisedBytes = (frames: number, [columns, rows, planes]: Size): number =>
  (1.05 * frames * rows * columns) / 8 + 1000 * frames + 300 * planes + 50_000;

/** UIDs as long as they may be: their length is what the size of a SEG beside its bits depends on most. */
const ROOT = `1.3.6.1.4.1.14519.5.2.1.7009.2403.${'7'.repeat(24)}`;
const UIDS = { study: `${ROOT}.1000`, series: `${ROOT}.2000` };

/**
 * Millimetres between planes, and along half the organ: a pancreas takes a third of an abdomen, or is in
 * every plane.
 */
const SPACING = 1;
const HALF_LENGTHS = [60, Number.POSITIVE_INFINITY];

/**
 * From a mask to the file of a SEG, and from the file to a mask again. The first in the process counts: a
 * worker that has just started must be as good. Throws where another mask comes back.
 */
export async function benchSegmentationObject({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const size: Size = quick ? [64, 64, 40] : [512, 512, 400];
  const series = sampleSeries(size);
  const rows: BenchRow[] = [];
  for (const halfLength of HALF_LENGTHS) {
    const mask = sampleMask(size, quick ? halfLength / 10 : halfLength);
    const frames = nonEmptyPlanes(mask, size[0] * size[1]).length;
    const file = path.join(folder, `${frames}.seg.dcm`);
    const start = performance.now();
    const object = createSegmentation(contextOf(series, mask));
    if (!object) throw new Error('an empty mask has no SEG');
    await writeFile(file, object.bytes);
    const written = performance.now();
    const read = readSegmentation(object.bytes, series);
    const seconds = { writing: (written - start) / 1000, reading: (performance.now() - written) / 1000 };
    if (Buffer.compare(read, mask) !== 0) throw new Error('the SEG holds another mask');
    const name = `SEG of ${size.join('x')}, ${frames} frames`;
    const promised = (value: number) => ({ name: 'promised', value });
    rows.push(
      { name: `${name}, written`, value: seconds.writing, unit: 's', peer: promised(PROMISED_SECONDS) },
      { name: `${name}, read back`, value: seconds.reading, unit: 's' },
      {
        name: `${name}, size`,
        value: (await stat(file)).size / 1e6,
        unit: 'MB',
        peer: promised(promisedBytes(frames, size) / 1e6),
      },
    );
  }
  return rows;
}

function contextOf(series: SeriesVolume, mask: Uint8Array): ResultContext {
  const { name, version, title, modality } = SAMPLE_MODEL;
  return {
    series,
    mask,
    model: { name, version, title, modality, sha256: '0'.repeat(64), mode: 'exact' },
    contentDateTime: new Date(0),
    softwareVersion: '0.0.0',
    contentQualification: 'RESEARCH',
  };
}

/** Slices as they were read from files. Their pixels play no part in a SEG. */
function sampleSeries([columns, rows, planes]: Size): SeriesVolume {
  const slices = Array.from({ length: planes }, (_, plane) => {
    const sop = `${ROOT}.${3000 + plane}`;
    const bytes = smallInstance(
      { ...UIDS, sop },
      {
        FrameOfReferenceUID: `${ROOT}.4000`,
        ImageOrientationPatient: ['0.999999999997', '-1.2345678E-09', '2.3456789E-10', '0', '1', '0'],
        ImagePositionPatient: ['-179.6484375', '-312.1484375', `${SPACING * plane}.123456789`],
        PixelSpacing: ['0.703125', '0.703125'],
        SliceThickness: '1.25',
      },
    );
    const { dataset } = readInstance(bytes, `slice ${plane}`);
    return { sopClassUid: '1.2.840.10008.5.1.4.1.1.2', sopInstanceUid: sop, dataset };
  });
  const affine = [0.703125, 0, 0, -179.6, 0, 0.703125, 0, -312.1, 0, 0, SPACING, 0.1, 0, 0, 0, 1];
  const volume = { voxels: new Int16Array(), size: [columns, rows, planes] as const, affine };
  return { volume, slices, lossy: false, warnings: [] };
}

/** An ellipsoid as wide and deep as a pancreas lies in an abdomen. */
function sampleMask([nx, ny, nz]: Size, halfLength: number): Uint8Array {
  const mask = new Uint8Array(nx * ny * nz);
  for (let z = 0; z < nz; z++) {
    const along = ((z - nz / 2) * SPACING) / halfLength;
    for (let y = 0; y < ny; y++) {
      const down = (y / ny - 0.45) / 0.08;
      for (let x = 0; x < nx; x++) {
        const across = (x / nx - 0.5) / 0.2;
        if (across * across + down * down + along * along < 1) mask[(z * ny + y) * nx + x] = 1;
      }
    }
  }
  return mask;
}
