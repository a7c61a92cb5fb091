import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { TRANSFER_SYNTAX } from '../../src/dicom/reading/transfer-syntaxes.ts';
import { readFolder } from '../../src/segment-input/read-folder.ts';
import { ctAttributes, part10, words } from '../support/part10.ts';
import { describeWith, shared } from '../support/requires.ts';
import { smallCtSeries } from '../support/small-series.ts';

const PREAMBLE = 128;
const SLICES = smallCtSeries('2.25.500');

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'read-folder-'));
});
afterAll(() => rm(root, { recursive: true }));

type Files = Readonly<Record<string, Uint8Array | string>>;

const slices = (all = SLICES): Files =>
  Object.fromEntries(all.map((bytes, k) => [`${String(k).padStart(3, '0')}.dcm`, bytes]));

async function folderOf(files: Files): Promise<string> {
  const folder = path.join(root, String(count++));
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return folder;
}

async function zipOf(files: Files): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name);
  zip.end();
  return buffer(zip.outputStream);
}

/** How many files each series has, and what was said. */
async function read(input: string) {
  const { series, warnings, close } = await readFolder(input);
  close();
  return { files: series.map(({ files }) => files.length), warnings };
}

const wholeMeta = (bytes: Uint8Array): number =>
  PREAMBLE + 4 + 12 + Buffer.from(bytes).readUInt32LE(PREAMBLE + 4 + 8);

describe('a data set without preamble and file meta information', () => {
  it.each([
    ['implicit little endian', TRANSFER_SYNTAX.implicitLittleEndian],
    ['explicit little endian', TRANSFER_SYNTAX.explicitLittleEndian],
  ])('is read in %s', (_, syntax) => {
    const file = part10(ctAttributes(), syntax);
    const bare = file.subarray(wholeMeta(file));
    const [whole, found] = [readInstance(file, 'whole'), readInstance(bare, 'bare')];
    expect(found.dataset).toEqual(whole.dataset);
    expect(found.frames).toEqual(whole.frames);
    expect(found.transferSyntaxUid).toBe(syntax);
  });

  it('is read with its meta information where only the preamble is missing', () => {
    const [file = new Uint8Array()] = SLICES;
    const whole = readInstance(file, 'whole').dataset;
    expect(readInstance(file.subarray(PREAMBLE), 'DICM first').dataset).toEqual(whole);
    expect(readInstance(file.subarray(PREAMBLE + 4), 'meta first').dataset).toEqual(whole);
  });

  it('is a file of its series', async () => {
    const files = SLICES.map((bytes, k) => (k % 3 ? bytes : bytes.subarray(wholeMeta(bytes))));
    expect(await read(await folderOf(slices(files)))).toEqual({ files: [12], warnings: [] });
  });
});

describeWith(['shared'], 'a data set of big endian without meta information', () => {
  it('is read', async () => {
    const name = 'CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm';
    const { readFile } = await import('node:fs/promises');
    const file = await readFile(shared('data', 'transfer-syntaxes', name));
    const bare = readInstance(file.subarray(wholeMeta(file)), 'bare');
    expect(bare.dataset).toEqual(readInstance(file, 'whole').dataset);
    expect(bare.transferSyntaxUid).toBe(TRANSFER_SYNTAX.explicitBigEndian);
  });
});

describe('among the files of a series', () => {
  const [first = new Uint8Array()] = SLICES;
  it.each<[string, string, Uint8Array]>([
    ['an empty file', '900.dcm', new Uint8Array()],
    ['an empty file without an ending', 'IM00012', new Uint8Array()],
    ['a file cut off in the preamble', '900.dcm', first.subarray(0, 100)],
    ['a file cut off in "DICM"', 'IM00012', first.subarray(0, 130)],
    ['a file cut off in the meta information', '900', first.subarray(0, 200)],
    ['a file cut off in the header', '1.2.3.4', first.subarray(0, 600)],
    ['a file cut off in the pixels', '900.dcm', first.subarray(0, first.length - 20)],
    ['a file of zeros', '900.dcm', new Uint8Array(first.length)],
    ['a page that a server sent instead', '900.dcm', Buffer.from('<html>404</html>')],
    // Between two elements: what is left can be read.
    ['a file that ends behind the meta information', '900.dcm', first.subarray(0, wholeMeta(first))],
    ['a file that ends before its pixels', '900.dcm', first.subarray(0, first.length - 512 - 12)],
  ])('%s is named, and nothing is read without it', async (_, name, bytes) => {
    const folder = await folderOf({ ...slices(), [name]: bytes });
    await expect(read(folder)).rejects.toMatchObject({
      code: 'DICOM_UNREADABLE',
      message: expect.stringContaining(`/${name}`),
    });
  });

  it('what people and systems keep beside images is left out, and said', async () => {
    const others = {
      'README.txt': 'text',
      LICENSE: 'text',
      '.DS_Store': '\0\0',
      '._000.dcm': '\0\x05',
      'x.jpg': '',
    };
    const { files, warnings } = await read(await folderOf({ ...slices(), ...others }));
    expect(files).toEqual([12]);
    expect(warnings).toHaveLength(5);
  });

  it('links to files are files', async () => {
    const folder = await folderOf(slices(SLICES.slice(1)));
    const elsewhere = await folderOf({ 'one.dcm': first });
    await symlink(path.join(elsewhere, 'one.dcm'), path.join(folder, 'link.dcm'));
    expect((await read(folder)).files).toEqual([12]);
  });
});

describe('two files of one instance', () => {
  it('count once where they are copies, whatever their meta information says', async () => {
    const copy = SLICES[3]?.subarray(wholeMeta(SLICES[3])) ?? '';
    const { files, warnings } = await read(
      await folderOf({ ...slices(), 'a/1.dcm': copy, 'a/2.dcm': SLICES[5] ?? '' }),
    );
    expect(files).toEqual([12]);
    expect(warnings).toEqual([expect.stringMatching(/2 file\(s\) are copies of others/)]);
  });

  it.each([
    ['pixels', { PixelData: words(Array.from({ length: 256 }, (_, i) => i)) }],
    ['header', { PatientID: 'P-2' }],
  ])('are refused where they differ in their %s', async (_, changes) => {
    const other = smallCtSeries('2.25.500', changes)[4] ?? '';
    await expect(read(await folderOf({ ...slices(), 'z.dcm': other }))).rejects.toThrow(
      /004\.dcm and .*z\.dcm both have SOPInstanceUID 2\.25\.500\.1\.5, and are not the same/,
    );
  });
});

describe('a zip file', () => {
  it('is read like the folder it was made of, as input and in a folder', async () => {
    const zip = await zipOf({
      'study/series/x/000.dcm': SLICES[0] ?? '',
      ...slices(SLICES.slice(1)),
      'notes.txt': 'a',
    });
    const folder = await folderOf({ 'all.zip': zip });
    for (const input of [folder, path.join(folder, 'all.zip')]) {
      const { files, warnings } = await read(input);
      expect(files).toEqual([12]);
      expect(warnings).toEqual([expect.stringContaining('notes.txt')]);
    }
  });

  it('may be without an ending where it is the input', async () => {
    const folder = await folderOf({ export: await zipOf(slices()) });
    expect((await read(path.join(folder, 'export'))).files).toEqual([12]);
  });

  it('that is cut off, holds a zip file, or grows beyond measure is refused by name', async () => {
    const zip = await zipOf(slices());
    const bomb = await zipOf({ '0.dcm': SLICES[0] ?? '', '1.dcm': SLICES[1] ?? '' });
    // The directory claims what the entries do not hold.
    const claims = Buffer.from(bomb);
    for (let at = claims.indexOf('PK\x01\x02'); at !== -1; at = claims.indexOf('PK\x01\x02', at + 4)) {
      claims.writeUInt32LE(2e9, at + 24);
    }
    const folder = await folderOf({
      'cut.zip': zip.subarray(0, zip.length - 100),
      'nested.zip': await zipOf({ 'inner.zip': zip }),
      'claims.zip': claims,
    });
    for (const name of ['cut', 'nested', 'claims']) {
      const refusal = { code: 'INPUT_ZIP', message: expect.stringContaining(`${name}.zip`) };
      await expect(read(path.join(folder, `${name}.zip`))).rejects.toMatchObject(refusal);
    }
  });

  it('whose names lead outside is refused', async () => {
    const zip = await zipOf({ 'aa/0.dcm': SLICES[0] ?? '' });
    const evil = Buffer.from(zip.toString('latin1').replaceAll('aa/0.dcm', '../0.dcm'), 'latin1');
    const folder = await folderOf({ 'evil.zip': evil });
    await expect(read(path.join(folder, 'evil.zip'))).rejects.toMatchObject({ code: 'INPUT_ZIP' });
  });
});

describeWith(['shared'], 'a DICOMDIR', () => {
  const disc = shared('faults', 'dicomdir', '02dicomdir');
  const copy = async (...names: string[]) => {
    const { readFile } = await import('node:fs/promises');
    const bytes = await readFile(path.join(disc, 'DICOMDIR'));
    return Object.fromEntries(names.map((name) => [name, bytes]));
  };

  it('beside the images is passed over, under any name, cut off or damaged', async () => {
    const bytes = (await copy('x'))['x'] ?? Buffer.alloc(0);
    const noMarker = Buffer.from(bytes).fill(0, PREAMBLE, PREAMBLE + 4);
    const variants: Files = {
      DIRFILE: bytes,
      'index.dcm': bytes,
      'a/DICOMDIR': bytes.subarray(0, 900),
      'b/DICOMDIR': '',
      'c/000.dcm': bytes.subarray(0, 500),
      'd/dicomdir': noMarker,
      'e/1.dcm': noMarker,
      'f/2.dcm': bytes.subarray(wholeMeta(bytes)),
    };
    expect(await read(await folderOf({ ...slices(), ...variants }))).toEqual({ files: [12], warnings: [] });
  });

  it('as input stands for the files that it lists', async () => {
    expect((await read(path.join(disc, 'DICOMDIR'))).files).toEqual([20]);
  });

  it('whose images are missing is refused, and they are named', async () => {
    const folder = await folderOf(await copy('DICOMDIR'));
    const images = path.join(folder, 'PT000000/ST000000/SE000000');
    await mkdir(images, { recursive: true });
    await copyFile(path.join(disc, 'PT000000/ST000000/SE000000/IM000003'), path.join(images, 'im000003'));
    await expect(read(path.join(folder, 'DICOMDIR'))).rejects.toMatchObject({
      code: 'INPUT_MISSING',
      message: expect.stringMatching(/^19 of the images .*PT000000\/ST000000\/SE000000\/IM0000/),
    });
  });
});

it('a series in which a structure set stands is the images, under the name they had', async () => {
  const structures = part10(
    ctAttributes({
      SOPClassUID: '1.2.840.10008.5.1.4.1.1.481.3',
      SOPInstanceUID: '2.25.500.7',
      StudyInstanceUID: '2.25.500',
      SeriesInstanceUID: '2.25.500.1',
      Modality: 'RTSTRUCT',
      PatientID: 'P-1',
      ...Object.fromEntries(
        [
          'Rows',
          'Columns',
          'PixelData',
          'ImagePositionPatient',
          'ImageOrientationPatient',
          'PixelSpacing',
        ].map((keyword) => [keyword, undefined]),
      ),
    }),
  );
  const { series, close } = await readFolder(await folderOf({ ...slices(), 'rs.dcm': structures }));
  close();
  expect(series).toHaveLength(1);
  expect(series[0]).toMatchObject({ images: 12, part: { name: 'axial, 16 x 16' } });
  expect(series[0]?.files).toHaveLength(12);
  expect(series[0]?.problem).toBeUndefined();
});
