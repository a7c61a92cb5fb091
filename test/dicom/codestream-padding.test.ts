import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { codestreamEnd } from '../../src/dicom/pixels/codestream-end.ts';
import { decodeFrame } from '../../src/dicom/pixels/pixels.ts';
import { type Instance, readInstance } from '../../src/dicom/reading/dataset.ts';
import { encodeHtj2k } from '../support/htj2k-encoder.ts';
import { encodeJpegLossless } from '../support/jpeg-lossless-encoder.ts';
import { describeWith, shared } from '../support/requires.ts';

/** What archives fill fragments up with: zeros, FF, an end marker once more, rubbish that looks like segments. */
const PADDINGS: readonly (readonly number[])[] = [
  [0],
  [0xff],
  Array.from({ length: 9 }, () => 0),
  Array.from({ length: 9 }, () => 0xff),
  [0x20, 0x20, 0x20],
  [0xff, 0xd9, 0, 0],
  [0xff, 0xd8, 0xff, 0xda, 0, 4],
  [0xab, 0xd9, 0xd9, 0xff, 0x90, 1],
];

const padded = (frame: Uint8Array, padding: readonly number[]) => Uint8Array.from([...frame, ...padding]);
const withFrame = (instance: Instance, frame: Uint8Array): Instance => ({ ...instance, frames: [frame] });

describeWith(['shared'], 'what stands behind the end marker of a compressed image', () => {
  const folder = shared('data', 'transfer-syntaxes');
  const files = readdirSync(folder).filter((name) => /JPEG|RLE/.test(name));

  it.each(files)('is padding: %s', async (name) => {
    const instance = readInstance(await readFile(`${folder}/${name}`), name);
    const [frame = new Uint8Array()] = instance.frames;
    const plain = await decodeFrame(instance, 0);
    for (const padding of PADDINGS) {
      expect(await decodeFrame(withFrame(instance, padded(frame, padding)), 0)).toEqual(plain);
    }
  });

  it.each(files.filter((name) => name.includes('JPEG')))('does not stand in for it: %s', async (name) => {
    const instance = readInstance(await readFile(`${folder}/${name}`), name);
    const [frame = new Uint8Array()] = instance.frames;
    const end = codestreamEnd(frame) ?? 0;
    for (const padding of [[], [0, 0], [0xff, 0xff]]) {
      const cut = withFrame(instance, padded(frame.subarray(0, end >> 1), padding));
      await expect(decodeFrame(cut, 0)).rejects.toMatchObject({ code: 'DICOM_UNREADABLE' });
    }
  });
});

it('is found behind the end of HTJ2K and of lossless JPEG, whatever follows', async () => {
  const values = Array.from({ length: 64 }, (_, i) => (i * 61) % 4096);
  const size = { rows: 8, columns: 8 };
  const streams = [
    await encodeHtj2k(values, { ...size, bits: 12, signed: false }),
    encodeJpegLossless({ ...size, precision: 12, samples: values }, 1),
  ];
  for (const stream of streams) {
    const end = codestreamEnd(stream);
    expect(end).toBeGreaterThan(stream.length - 3);
    for (const padding of PADDINGS) expect(codestreamEnd(padded(stream.subarray(0, end), padding))).toBe(end);
  }
});
