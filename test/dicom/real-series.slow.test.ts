import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { DicomError } from '../../src/dicom/dicom-error.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { decodeFrame } from '../../src/dicom/pixels/pixels.ts';
import { type Instance, readInstance } from '../../src/dicom/reading/dataset.ts';
import { spacingOf } from '../../src/dicom/volume.ts';
import { apply, inverse } from '../support/affine.ts';
import { readNiftiAffine } from '../support/nifti-affine.ts';
import { readNifti } from '../support/npy.ts';
import { describeWith, shared } from '../support/requires.ts';

async function refusal(instances: readonly Instance[]): Promise<DicomError> {
  const outcome = await buildVolume(instances).catch((error: unknown) => error);
  if (outcome instanceof DicomError) return outcome;
  throw outcome instanceof Error ? outcome : new Error('the series was not refused');
}

function readFolder(...parts: string[]): Instance[] {
  const folder = shared('data', ...parts);
  return readdirSync(folder).map((file) => readInstance(readFileSync(path.join(folder, file)), file));
}

describeWith(['shared'], 'real series', () => {
  it('60 slices of JPEG-LS make a 512 x 512 x 60 volume of HU on its grid', async () => {
    const instances = readFolder('ct-abdomen/ct');
    const { volume, slices, lossy, warnings } = await buildVolume(instances);
    expect(volume.size).toEqual([512, 512, 60]);
    expect(volume.voxels).toBeInstanceOf(Int16Array);
    const expected = [0.976562, 0, 0, -250, 0, 0.976562, 0, -250, 0, 0, 3.27, -360.179993, 0, 0, 0, 1];
    volume.affine.forEach((value, i) => expect(value).toBeCloseTo(expected[i] ?? 0, 5));
    const middle = instances.find(({ dataset }) => dataset['SOPInstanceUID'] === slices[30]?.sopInstanceUid);
    const stored = middle && (await decodeFrame(middle, 0));
    const plane = volume.voxels.subarray(30 * 512 * 512, 31 * 512 * 512);
    // Slope 1, intercept 0, padding -2000.
    expect(stored?.every((value, i) => plane[i] === (value === -2000 ? -1024 : value))).toBe(true);
    expect([lossy, warnings]).toEqual([false, []]);
  });

  it.each([
    ['anatomical', '001'],
    ['anatomical', '001_implicit'],
    ['compressed', '001'],
    ['compressed_j2k', '001'],
    ['compressed_jpeg', '001'],
    ['compressed_jpegls', '001'],
    ['compressed_rle', '001'],
    ['siemens_multiframe/anatomical', '001'],
    ['hyperfine/anatomical', '001'],
  ])('volumes/%s/%s has the voxels and the places of its reference', async (name, part) => {
    const { volume, slices } = await buildVolume(readFolder('volumes', name, part));
    const enhanced = !/^(anatomical|compressed)/.test(name);
    expect(slices.map(({ frameNumber }) => frameNumber)).toEqual(
      slices.map((_, k) => (enhanced ? k + 1 : undefined)),
    );
    const file = shared('data/volumes', name, `${part}_ground_truth.nii.gz`);
    const reference = await readNifti(file);
    const toPatient = readNiftiAffine(file);
    const [nx, ny, nz] = reference.size;
    expect(nx * ny * nz).toBe(volume.voxels.length);
    let wrong = 0;
    let furthest = 0;
    const spacing = spacingOf(volume.affine);
    const toIndex = inverse(volume.affine);
    for (let k = 0; k < nz; k += 1) {
      for (let j = 0; j < ny; j += 1) {
        for (let i = 0; i < nx; i += 1) {
          const index = apply(toIndex, apply(toPatient, [i, j, k]));
          const [x = 0, y = 0, z = 0] = index.map(Math.round);
          const off = index.map((value) => value - Math.round(value));
          furthest = Math.max(
            furthest,
            Math.hypot(...off.map((value, axis) => value * (spacing[axis] ?? 0))),
          );
          const found = volume.voxels[x + volume.size[0] * (y + volume.size[1] * z)];
          if (found !== reference.voxels[i + nx * (j + ny * k)]) wrong += 1;
        }
      }
    }
    expect(wrong).toBe(0);
    expect(furthest).toBeLessThan(1e-3);
  });

  it('a scout is refused: one slice', async () => {
    expect((await refusal(readFolder('ct-abdomen/scout'))).message).toContain(
      'a single slice makes no volume',
    );
  });

  it('a tilted gantry is refused with its angle', async () => {
    const { message } = await refusal(readFolder('volumes/failing/gantrytilting/001'));
    expect(message).toContain('(14.0 degrees: a tilted gantry)');
    expect(message).not.toContain('uneven');
  });

  it('uneven and tilted slices are refused with both reasons', async () => {
    const { message } = await refusal(readFolder('volumes/failing/sliceincrement/002'));
    expect(message).toContain('0.75 mm as a rule, but 1.50 mm between IM-0001-0003.dcm and IM-0001-0005.dcm');
    expect(message).toContain('(15.5 degrees: a tilted gantry)');
  });

  it('mixed orientations are refused', async () => {
    const { message } = await refusal(readFolder('volumes/failing/sliceorientation/001'));
    // Two echoes as well: what images are of is asked before where they lie.
    expect(message).toContain('its images differ in EchoTime');
  });

  it('images without UIDs are refused, naming the attributes, and have a volume where no identity is needed', async () => {
    expect(await refusal(readFolder('ct-blank-uids'))).toMatchObject({
      code: 'DICOM_ATTRIBUTE',
      message: expect.stringMatching(
        /^CT\.1\.3.* and 9 more: missing or empty, but needed for identity: SOPClassUID, SOPInstanceUID, StudyInstanceUID, SeriesInstanceUID$/,
      ),
    });
    const { volume, warnings } = await buildVolume(readFolder('ct-blank-uids'), { identity: 'optional' });
    expect(volume.size).toEqual([512, 512, 10]);
    expect(warnings.join()).toContain('needed for identity: SOPClassUID');
  });
});
