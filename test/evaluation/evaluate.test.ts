import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvaluationRequest, evaluate } from '../../src/evaluation/evaluate.ts';
import type { Evaluation } from '../../src/evaluation/summary/evaluation.ts';
import {
  AFFINE,
  block,
  evaluationFolder,
  evaluationRequest,
  SIZE,
  writeVoxels,
} from '../support/evaluation-cases.ts';
import { PATIENCE } from '../support/patience.ts';

const OUTPUTS = ['cases.csv', 'summary.json', 'evaluation.html'] as const;
/** As a hospital may call its files. */
const HOSTILE = `Müller<img src=x onerror=1>&"'`;
const NAMES = ['alpha', 'beta', 'gamma', HOSTILE] as const;

const folders: ((name: string) => string)[] = [];
const folder = (...more: readonly string[]) => {
  const at = evaluationFolder(...more);
  folders.push(at);
  return at;
};
afterAll(() => {
  for (const at of folders) rmSync(at(''), { recursive: true });
});

const read = (at: (name: string) => string, name: string) => readFileSync(at(`output/${name}`), 'utf8');
const image = () => Float32Array.from({ length: SIZE[0] * SIZE[1] * SIZE[2] }, (_, i) => (i * 7) % 200);

async function writeAll(at: (name: string) => string): Promise<void> {
  for (const [i, name] of NAMES.entries()) {
    await writeVoxels(at(`images/${name}_0000.nii.gz`), image());
    await writeVoxels(at(`labels/${name}.nii.gz`), block([4, 4, 2], [14 + i, 12, 8], 7));
    await writeVoxels(at(`predictions/${name}.nii.gz`), block([4, 4, 2], [14, 12, 8 + (i % 2)]));
    await writeVoxels(at(`against/${name}.nii.gz`), block([4, 4, 2], [13, 12, 8]));
    await writeVoxels(at(`reader-miller/${name}.nii.gz`), block([4, 5, 2], [14 + i, 12, 8], 7));
  }
}

describe('an evaluation of given predictions', PATIENCE, () => {
  const at = folder('against', 'reader-miller');
  let found: Evaluation;
  const lines: string[] = [];
  const allFolders = (request: EvaluationRequest): EvaluationRequest['folders'] => ({
    ...request.folders,
    images: at('images'),
    against: at('against'),
    raters: [at('reader-miller')],
  });

  beforeAll(async () => {
    await writeAll(at);
    await writeVoxels(at('labels/broken.nii.gz'), block([0, 0, 0], [2, 2, 2]));
    writeFileSync(at('predictions/broken.nii.gz'), 'no NIfTI');
    await writeVoxels(at('labels/lonely.nii.gz'), block([0, 0, 0], [2, 2, 2]));
    await writeVoxels(at('predictions/stranger.nii.gz'), block([0, 0, 0], [2, 2, 2]));
    await writeVoxels(at('labels/turned.nii.gz'), block([0, 0, 0], [2, 2, 2]));
    const turned = { affine: AFFINE.map((value, i) => (i === 3 ? value + 1 : value)) };
    await writeVoxels(at('predictions/turned.nii.gz'), block([0, 0, 0], [2, 2, 2]), turned);
    writeFileSync(
      at('groups.csv'),
      `\uFEFFCase;Modality;Centre\r\nalpha;ct;"A;1"\r\nbeta;CT;B\r\ngamma;T1-weighted;B\r\n` +
        `"${HOSTILE.replaceAll('"', '""')}";t1;<b>\r\n`,
    );
    writeFileSync(at('repeats.csv'), 'subject,case\nP,alpha\nP,beta\n');
    const request = evaluationRequest(at, (line) => lines.push(line));
    found = await evaluate({
      ...request,
      folders: allFolders(request),
      groups: at('groups.csv'),
      repeats: at('repeats.csv'),
    });
  }, PATIENCE.timeout);

  it('holds the measures of every case, whose places in other orders of axes are the same', () => {
    const [alpha] = found.rows.filter(({ outcome }) => outcome.source.name === 'alpha');
    expect(alpha?.outcome.measures?.agreement).toMatchObject({ dice: 1, hd95Mm: 0, errorMl: 0 });
    const [gamma] = found.rows.filter(({ outcome }) => outcome.source.name === 'gamma');
    // Two columns of 8 x 6 voxels are missing, 1.5 mm wide, 3 mm at most.
    expect(gamma?.outcome.measures?.agreement).toMatchObject({ dice: (2 * 480) / (480 + 576), hd95Mm: 3 });
    expect(gamma?.outcome.measures?.agreement?.labelMl).toBeCloseTo(0.576 * 4.5, 9);
  });

  it('goes on after a broken case, tells it by its code, and by its name only on the terminal', () => {
    const failures = found.rows.flatMap(({ outcome: { source, failure } }) =>
      failure ? [[source.name, failure.code]] : [],
    );
    expect(failures).toEqual([
      ['broken', 'NIFTI_FORMAT'],
      ['lonely', 'CASE_INCOMPLETE'],
      ['turned', 'GRID_DIFFERS'],
    ]);
    expect(lines.filter((line) => line.includes('failed'))).toHaveLength(3);
    expect(lines).toContain('warning: 1 without a label are left out');
    expect(found.groups[0]).toMatchObject({ n: 4, failed: 3 });
  });

  it('groups by each column, modalities as the article calls them, with its figures beside them', () => {
    const groups = found.groups.map(({ by, n, article }) => [by, n, article?.rSquared ?? null]);
    expect(groups).toContainEqual([{ modality: 'CT' }, 2, 0.91]);
    expect(groups).toContainEqual([{ modality: 'T1W' }, 2, 0.84]);
    expect(groups).toContainEqual([{ modality: 'CT', centre: 'A;1' }, 1, 0.91]);
    expect(groups).toContainEqual([{}, 4, null]);
  });

  it('compares raters, other predictions and repeated scans', () => {
    const [all] = found.groups;
    expect(all?.raters?.pairs).toMatchObject([{ first: 'labels', second: 'rater 1', dice: { n: 4 } }]);
    expect(all?.raters?.icc?.subjects).toBe(4);
    expect(all?.comparison?.dice).toMatchObject({ n: 4, df: 3 });
    expect(all?.repeatability).toMatchObject({ subjects: 1, measurements: 2 });
  });

  it('says nothing of names, of cases, files or folders, in what it writes', () => {
    for (const name of OUTPUTS) {
      const text = read(at, name);
      for (const secret of [...NAMES, 'Müller', 'broken', 'reader-miller', at('')])
        expect(text).not.toContain(secret);
    }
  });

  it('is a page that asks nobody for anything, and takes no markup from tables', () => {
    const page = read(at, 'evaluation.html');
    const addresses = [...page.matchAll(/(?:src|href|action)\s*=\s*"([^"]*)"|url\(|@import/g)];
    expect(addresses.length).toBeGreaterThan(0);
    expect(addresses.filter(([, address]) => !address?.startsWith('data:image/png;base64,'))).toEqual([]);
    expect(page).toContain('&#60;b&#62;');
    expect(page).not.toContain('<b>,');
    expect(page).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(page).toContain('For research use only');
  });

  it('writes a table with a line for each case, failed ones too', () => {
    const table = read(at, 'cases.csv').trimEnd().split('\r\n');
    expect(table).toHaveLength(1 + 7);
    expect(table[0]).toMatch(/^case,modality,centre,model,failure,dice,/);
    expect(table[0]).toContain('against dice');
    expect(table[0]).toContain('kappa labels - rater 1');
  });

  it('keeps labelled and predicted volumes of each case for calibration', () => {
    const { cases } = JSON.parse(read(at, 'summary.json'));
    expect(cases).toHaveLength(7);
    expect(cases[1]).toMatchObject({
      labelMl: expect.any(Number),
      predictedMl: expect.any(Number),
      intervalMl: null,
    });
  });

  it('takes nothing again that was done, but what failed and what changed', async () => {
    await writeVoxels(at('predictions/broken.nii.gz'), block([0, 0, 0], [2, 2, 2]));
    await writeVoxels(at('predictions/beta.nii.gz'), block([4, 4, 2], [14, 12, 7]));
    const again: string[] = [];
    const request = evaluationRequest(at, (line) => again.push(line));
    await evaluate({
      ...request,
      folders: allFolders(request),
      showNames: true,
    });
    const kept = again
      .filter((line) => line.endsWith('from the earlier run'))
      .map((line) => line.split(': ')[1]);
    expect(new Set(kept)).toEqual(new Set(['alpha', 'gamma', HOSTILE]));
    expect(again.filter((line) => / (?:beta|broken): Dice/.test(line))).toHaveLength(2);
  });

  it('names cases where that is asked for, without their markup', () => {
    const page = read(at, 'evaluation.html');
    expect(page).toContain('gamma');
    expect(page).not.toContain('<img src=x');
    expect(read(at, 'cases.csv')).toContain('gamma');
  });
});

describe('masks', PATIENCE, () => {
  it('of several labels count by the values that are named', async () => {
    const at = folder();
    const both = block([2, 2, 2], [6, 6, 6], 7);
    for (const [i, value] of block([8, 8, 2], [12, 12, 6], 3).entries()) if (value) both[i] = value;
    await writeVoxels(at('labels/a.nii.gz'), both);
    await writeVoxels(at('predictions/a.nii.gz'), block([2, 2, 2], [6, 6, 6]));
    const request = evaluationRequest(at);
    const dice = async (labelValues: readonly number[] | undefined) => {
      const reading = { ...request.reading, labelValues };
      const { rows } = await evaluate({ ...request, reading });
      return rows[0]?.outcome.measures?.agreement?.dice;
    };
    expect(await dice([7])).toBe(1);
    expect(await dice([3])).toBe(0);
    expect(await dice([3, 7])).toBe(2 / 3);
    expect(await dice(undefined)).toBe(2 / 3);
  });

  it('that hold anything but whole numbers are refused', async () => {
    const at = folder();
    await writeVoxels(
      at('labels/a.nii.gz'),
      Float32Array.from(block([2, 2, 2], [6, 6, 6]), (v) => v * 0.4),
    );
    await writeVoxels(at('predictions/a.nii.gz'), block([2, 2, 2], [6, 6, 6]));
    const { rows } = await evaluate(evaluationRequest(at));
    expect(rows[0]?.outcome.failure?.code).toBe('LABEL_VALUES');
  });

  it('on other grids are laid on the label’s where that is asked for, and it is told', async () => {
    const at = folder();
    await writeVoxels(at('labels/a.nii.gz'), block([4, 4, 2], [14, 12, 8]));
    // The same block, stored with x and y the other way round.
    const [nx, ny, nz] = SIZE;
    const swapped = {
      size: [ny, nx, nz] as const,
      affine: AFFINE.map((value, i) => AFFINE[i % 4 > 1 ? i : i ^ 1] ?? value),
    };
    await writeVoxels(at('predictions/a.nii.gz'), block([4, 4, 2], [12, 14, 8], 1, swapped.size), swapped);
    const request = evaluationRequest(at);
    const { rows } = await evaluate({ ...request, reading: { ...request.reading, resample: true } });
    expect(rows[0]?.outcome.measures).toMatchObject({
      agreement: { dice: 1 },
      resampled: ['the prediction'],
    });
  });

  it('on a sheared grid are refused', async () => {
    const at = folder();
    const sheared = { affine: AFFINE.map((value, i) => (i === 2 ? 1 : value)) };
    for (const name of ['labels', 'predictions'])
      await writeVoxels(at(`${name}/a.nii.gz`), block([4, 4, 2], [14, 12, 8]), sheared);
    const { rows } = await evaluate(evaluationRequest(at));
    expect(rows[0]?.outcome.failure?.code).toBe('GRID_SHEARED');
  });
});

describe('what cannot be evaluated at all is refused', PATIENCE, () => {
  it.each([
    ['a folder without labels', {}, 'CASES_MISSING'],
    ['a table without the column case', { 'groups.csv': 'name,modality\na,CT\n' }, 'CASES_TABLE'],
    ['a table that names a case twice', { 'groups.csv': 'case,modality\na,CT\na,T1W\n' }, 'CASES_TABLE'],
    ['a table with too few values', { 'groups.csv': 'case,modality\na\n' }, 'CASES_TABLE'],
    ['a second channel', { 'images/a_0001.nii.gz': '' }, 'CASES_AMBIGUOUS'],
    ['two files of one case', { 'labels/a.nii': '' }, 'CASES_AMBIGUOUS'],
  ])('%s', async (_, files, code) => {
    const at = folder();
    if (code !== 'CASES_MISSING') await writeVoxels(at('labels/a.nii.gz'), block([0, 0, 0], [2, 2, 2]));
    await writeVoxels(at('images/a_0000.nii.gz'), image());
    for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
    const groups = 'groups.csv' in files ? at('groups.csv') : undefined;
    const request = evaluationRequest(at);
    const all = { ...request.folders, images: at('images') };
    await expect(evaluate({ ...request, folders: all, groups })).rejects.toMatchObject({ code });
  });
});
