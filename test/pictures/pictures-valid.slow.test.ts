import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { createPdf } from '../../src/pictures/encapsulated-pdf.ts';
import type { PictureInput } from '../../src/pictures/picture-input.ts';
import { createPictures } from '../../src/pictures/secondary-capture.ts';
import { picturesOf } from '../../src/pipeline/run/create-pictures.ts';
import { createSegmentation } from '../../src/seg/segmentation-object.ts';
import type { ReportInput } from '../../src/sr/report-input.ts';
import { resultsOfEnhanced } from '../support/enhanced-image.ts';
import { AXIAL, boxMask, boxSeries, pictureInput } from '../support/picture-fixtures.ts';
import { describeWith, programPath } from '../support/requires.ts';
import { context, prior, reportInput } from '../support/result-fixtures.ts';
import { validatorFindings } from '../support/validators.ts';

const run = promisify(execFile);

const inputOf = (
  changes: Readonly<Record<string, unknown>>,
  more: Partial<PictureInput> = {},
): PictureInput =>
  pictureInput({ context: context({ series: boxSeries(AXIAL, changes), mask: boxMask() }), ...more });

/** Pictures, PDF and, where anything was found, the SEG of a result: all that lies in its study. */
function files(input: PictureInput): Record<string, Uint8Array> {
  const segmentation = createSegmentation(input.context);
  const related = segmentation ? [{ ...segmentation, kind: 'segmentation' as const }] : [];
  const all = {
    ...input,
    related: related.map(({ kind, sopClassUid, sopInstanceUid }) => ({ kind, sopClassUid, sopInstanceUid })),
  };
  return {
    ...Object.fromEntries(createPictures(all).map(({ bytes }, index) => [`sc${index}`, bytes])),
    pdf: createPdf(all).bytes,
    ...(segmentation ? { seg: segmentation.bytes } : {}),
  };
}

async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pansegnet-pictures-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describeWith(['dciodvfy', 'dcentvfy', 'java'], 'key images and PDF', () => {
  test('the validators find nothing: CT with all that can be said', async () => {
    const full = inputOf(
      { PatientName: 'Yamada^Tarou=山田^太郎=やまだ^たろう' },
      {
        remarks: ['Slices are thick: the volume is less exact'],
        changes: ['Since the previous study of 2023-01-01 (70.0 ml): +3.5 ml, +5.0 %.'],
        earlier: [{ date: '20230101', volumeMl: 70, comparable: true }],
      },
    );
    expect(await validatorFindings(files(full))).toEqual([]);
  });

  test('the validators find nothing: MR with the least that a source may have, compressed with loss', async () => {
    const least = inputOf({
      Modality: 'MR',
      PatientName: undefined,
      PatientBirthDate: undefined,
      PatientSex: undefined,
      StudyDate: undefined,
      StudyTime: undefined,
      StudyID: undefined,
      AccessionNumber: undefined,
      ReferringPhysicianName: undefined,
      SeriesNumber: undefined,
    });
    const series = { ...least.context.series, lossy: true };
    expect(await validatorFindings(files({ ...least, context: { ...least.context, series } }))).toEqual([]);
  });

  test('the validators find nothing: an enhanced image, and nothing found', async () => {
    const { given } = await resultsOfEnhanced();
    expect(await validatorFindings(files(pictureInput({ context: given })))).toEqual([]);
    const mask = new Uint8Array(boxMask().length);
    const nothing = pictureInput({
      measurement: undefined,
      context: context({ series: boxSeries(AXIAL), mask }),
    });
    expect(await validatorFindings(files(nothing))).toEqual([]);
  });
});

const PYDICOM = `
import hashlib, pydicom, sys
for name in sys.argv[1:]:
    dataset = pydicom.dcmread(name)
    print(*dataset.pixel_array.shape, hashlib.sha256(dataset.pixel_array.tobytes()).hexdigest())
`;

describeWith(['python3'], 'key images', () => {
  test('pydicom reads the pixels that were drawn', async () => {
    await inFolder(async (folder) => {
      const written = await Promise.all(
        createPictures(pictureInput()).map(async ({ bytes }, index) => {
          const file = path.join(folder, `${index}.dcm`);
          await writeFile(file, bytes);
          const { dataset, frames } = readInstance(bytes, file);
          const hash = createHash('sha256')
            .update(frames[0] ?? '')
            .digest('hex');
          return { file, expected: `${String(dataset['Rows'])} ${String(dataset['Columns'])} 3 ${hash}` };
        }),
      );
      const { stdout } = await run(programPath('python3'), [
        '-c',
        PYDICOM,
        ...written.map(({ file }) => file),
      ]);
      expect(stdout.trim().split('\n')).toEqual(written.map(({ expected }) => expected));
    });
  });
});

/**
 * Arabic comes as the shapes that were drawn, each with a code of its own; marks of direction and blanks are
 * layout.
 */
const plain = (text: string): string =>
  text.normalize('NFKC').replaceAll(/[\u200e\u200f\u202a-\u202e\s]/g, '');

async function pdfText({ bytes: object }: { readonly bytes: Uint8Array }): Promise<string> {
  return inFolder(async (folder) => {
    const bytes = Buffer.from(object);
    const file = path.join(folder, 'report.pdf');
    await writeFile(file, bytes.subarray(bytes.indexOf('%PDF')));
    const { stdout } = await run(programPath('pdftotext'), ['-layout', file, '-']);
    return stdout;
  });
}

describeWith(['pdftotext'], 'the PDF', () => {
  test('names the report that it takes the place of, where there is one', async () => {
    const report = reportInput({ context: inputOf({}).context });
    const pdfOf = (input: ReportInput) => picturesOf(input, [], { keyImages: false, pdf: true }).pdf;
    const { report: before } = prior('20240110', 70);
    const [first, later] = [pdfOf(report), pdfOf({ ...report, supersedes: before })];
    if (!first || !later) throw new Error('no PDF was written');
    expect(await pdfText(first)).not.toMatch(/takes the place of/i);
    expect(await pdfText(later)).toContain(`Takes the place of the report ${before.sopInstanceUid}.`);
    expect(later.sopInstanceUid).not.toBe(first.sopInstanceUid);
  });

  const names: Readonly<Record<string, readonly string[]>> = {
    'Wang^XiaoDong=王^小东': ['Wang, XiaoDong', '王 小东'],
    'Yamada^Tarou=山田^太郎=やまだ^たろう': ['Yamada, Tarou', '山田 太郎'],
    'Hong^Gildong=洪^吉洞=홍^길동': ['Hong, Gildong', '洪 吉洞'],
    'قباني^لنزار': ['قباني', 'لنزار'],
    'Παπαδόπουλος^Διονύσιος': ['Παπαδόπουλος, Διονύσιος'],
    'Люксембург^Роза': ['Люксембург, Роза'],
    'Æneas^Rüdiger fi': ['Æneas, Rüdiger fi'],
  };
  for (const [name, lines] of Object.entries(names)) {
    test(`can be searched for the volume and for ${name}`, async () => {
      const text = await pdfText(createPdf(inputOf({ PatientName: name })));
      expect(text).toMatch(/73\.5\s+ml/);
      expect(text).toContain('For research use only.');
      for (const line of lines) expect(plain(text)).toContain(plain(line));
    });
  }
});
