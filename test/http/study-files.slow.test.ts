import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance } from '../../src/dicom/reading/dataset.ts';
import { readNifti } from '../../src/nifti/read-nifti.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { type PagesNode, startPagesNode } from '../support/pages-node.ts';
import { smallCtSeries } from '../support/small-series.ts';

const STUDY = '2.25.9501';

describe('the files of a study', () => {
  let pages: PagesNode;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'study-files-'));
    pages = await startPagesNode({ results: { pdf: true } });
    await pages.store(smallCtSeries(STUDY, { PatientBirthDate: '19600102', PatientSex: 'F' }));
    await pages.process(STUDY);
  }, 120_000);
  afterAll(async () => {
    await pages?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const get = (address: string) => fetch(`${pages.node.url}/api${address}`);

  it('come as one zip: image and mask on one grid, SEG, SR, PDF, and result.json that misses nothing', async () => {
    const answer = await get(`/studies/${STUDY}/files.zip`);
    expect(answer.headers.get('Content-Disposition')).toContain(`study-${STUDY}.zip`);
    const files = unzipSync(new Uint8Array(await answer.arrayBuffer()));
    const names = ['image.nii.gz', 'mask.nii.gz', 'report.pdf', 'seg.dcm', 'sr.dcm'];
    expect(Object.keys(files).sort()).toEqual([
      ...names.map((name) => `CT-small-ct-fast/${name}`),
      'result.json',
    ]);
    const file = (name: string) => files[`CT-small-ct-fast/${name}`] ?? new Uint8Array();
    const told = JSON.parse(Buffer.from(files['result.json'] ?? []).toString());
    expect(told).toMatchObject({ studyInstanceUid: STUDY, missing: [] });
    const [{ report, voxelCount }] = told.results;

    const seg = await (await get(`/results/${report.sopInstanceUid}/seg`)).arrayBuffer();
    expect(Buffer.from(file('seg.dcm')).equals(Buffer.from(seg))).toBe(true);
    expect(Buffer.from(file('report.pdf')).toString('latin1')).toMatch(/^%PDF-[\s\S]*%%EOF\s*$/);
    const series = await buildVolume(smallCtSeries(STUDY).map((bytes) => readInstance(bytes, 'slice')));
    const read = async (name: string) => {
      await writeFile(path.join(folder, name), file(name));
      return (await readNifti(path.join(folder, name))).volume;
    };
    const [image, mask] = [await read('image.nii.gz'), await read('mask.nii.gz')];
    expect([...image.voxels]).toEqual([...series.volume.voxels]);
    expect([...mask.voxels]).toEqual([...readSegmentation(file('seg.dcm'), series)]);
    expect(mask.voxels.filter((value) => value === 1)).toHaveLength(voxelCount);
    for (const { size, affine } of [image, mask]) {
      expect(size).toEqual(series.volume.size);
      for (const [index, value] of affine.entries())
        expect(value).toBeCloseTo(series.volume.affine[index] ?? 0, 4);
    }
  });

  it('say what is known of the volume in the table of all volumes', async () => {
    const { volumes } = JSON.parse(await (await get('/volumes.json')).text());
    expect(volumes).toMatchObject([
      {
        study: STUDY,
        ageYears: 66,
        sex: 'F',
        class: 'CT',
        phase: 'portal',
        sliceThicknessMm: 2,
        sliceSpacingMm: 2,
        meanHu: 120,
        sdHu: 0,
        model: 'small-ct',
        software: expect.stringMatching(/^\d/),
      },
    ]);
  });

  it('are not there for a study without a result', async () => {
    expect((await get('/studies/1.2.3/files.zip')).status).toBe(404);
  });
});
