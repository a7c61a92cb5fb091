import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { SOFTWARE_VERSION } from '../../src/version.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { describeWith, shared } from '../support/requires.ts';
import { runCli as cli } from '../support/run-cli.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';
import { validatorFindings } from '../support/validators.ts';

let folder: string;
let model: string;
const inFolder = (name: string): string => path.join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cli-'));
  // Larger windows than in unit tests: a real CT would take thousands of small ones.
  const patchSize: [number, number, number] = [16, 64, 64];
  const info = { ...SIGN_MODEL, patchSize, spacing: [4, 3, 3] as [number, number, number] };
  model = await writeModel(
    folder,
    { ...info, inference: { stepSize: 0.5, mirrorAxes: [] } },
    {
      'fold_0.onnx': signNetwork(patchSize),
    },
  );
});
afterAll(() => rm(folder, { recursive: true }));

describe('the command line', () => {
  it('ends with 2 for wrong usage, and says what is wrong', async () => {
    for (const args of [['nonsense'], ['segment'], ['segment', 'x', '--model', 'y'], ['demo', '--bogus']]) {
      const { code, stderr } = await cli(...args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error: /);
    }
  });

  it('tells its version, and ends with 0', async () => {
    expect(await cli('--version')).toMatchObject({ code: 0, stdout: `${SOFTWARE_VERSION}\n` });
  });

  it('prints a configuration resolved and without secrets; ends with 2 and names the key where it is wrong', async () => {
    await writeFile(inFolder('good.yaml'), 'archive: { password: hidden }\nwatch: { lookBack: all }');
    const good = await cli('config', 'check', inFolder('good.yaml'), '--print');
    expect(good.code).toBe(0);
    expect(good.stdout).toMatch(/lookBack: all/);
    expect(good.stdout).not.toContain('hidden');
    await writeFile(inFolder('bad.yaml'), 'watch: { lookbak: 3 }');
    const bad = await cli('config', 'check', inFolder('bad.yaml'));
    expect(bad).toMatchObject({ code: 2, stdout: '' });
    expect(bad.stderr).toMatch(/bad\.yaml[^]*watch\.lookbak: unknown key/);
  });

  it('lists the models with their notice', async () => {
    const { code, stdout } = await cli('models', 'list');
    expect(code).toBe(0);
    for (const name of ['demo-ct', 'demo-t1w', 'demo-t2w']) {
      expect(stdout).toMatch(new RegExp(`^${name} .*synthetic demo, not for patients`, 'm'));
    }
  });

  it('segments a folder: report and numbers, and a SEG where something was found', async () => {
    const source = inFolder('series');
    await writeSeries(source, smallCtSeries('2.25.901'));
    const output = inFolder('out');
    const { code, stdout, stderr } = await cli(
      'segment',
      source,
      '--model',
      model,
      '--output',
      output,
      '--json',
    );
    expect(code, stderr).toBe(0);
    expect((await readdir(output)).sort()).toEqual(['result.json', 'seg.dcm', 'seg.nii.gz', 'sr.dcm']);
    const result: unknown = JSON.parse(await readFile(path.join(output, 'result.json'), 'utf8'));
    expect(JSON.parse(stdout)).toEqual(result);
    // The ball has a radius of 4 pixels in plane: 0.2 to 0.8 ml whatever the coarse grid makes of it.
    expect(result).toMatchObject({
      researchUseOnly: true,
      files: ['seg.dcm', 'seg.nii.gz', 'sr.dcm', 'result.json'],
    });
  });

  it('writes the SEG in every form that the configuration names, each with the same mask', async () => {
    const source = inFolder('series');
    const config = inFolder('forms.yaml');
    await writeFile(
      config,
      JSON.stringify({ results: { segmentation: ['fractional', 'binary', 'labelmap'] } }),
    );
    const output = inFolder('forms');
    const given = ['segment', source, '--model', model, '--config', config];
    const { code, stderr } = await cli(...given, '--output', output);
    expect(code, stderr).toBe(0);
    const forms = { 'seg.dcm': 'FRACTIONAL', 'seg-binary.dcm': 'BINARY', 'seg-labelmap.dcm': 'LABELMAP' };
    const expected = ['result.json', ...Object.keys(forms), 'seg.nii.gz', 'sr.dcm'];
    expect((await readdir(output)).sort()).toEqual(expected.sort());
    const series = await buildVolume(smallCtSeries('2.25.901').map((bytes) => readInstance(bytes, 'slice')));
    const masks = new Set<string>();
    for (const [name, type] of Object.entries(forms)) {
      const bytes = await readFile(path.join(output, name));
      expect(text(readInstance(bytes, name).dataset, 'SegmentationType')).toBe(type);
      masks.add(Buffer.from(readSegmentation(bytes, series)).toString('hex'));
    }
    expect(masks.size).toBe(1);
  });

  it('leaves no SEG of an earlier run beside a report that found nothing', async () => {
    const source = inFolder('dark');
    await writeSeries(source, smallCtSeries('2.25.902', { RescaleIntercept: '-500' }));
    const { code, stderr } = await cli('segment', source, '--model', model, '--output', inFolder('out'));
    expect(code, stderr).toBe(0);
    expect((await readdir(inFolder('out'))).sort()).toEqual(['result.json', 'seg.nii.gz', 'sr.dcm']);
  });

  it('lets the rules choose among several series, and takes the one that is named', async () => {
    const source = inFolder('two');
    await writeSeries(source, [
      ...smallCtSeries('2.25.903', { SeriesDescription: 'lung', SeriesInstanceUID: '2.25.903.2' }),
      ...smallCtSeries('2.25.904', { StudyInstanceUID: '2.25.903', SeriesInstanceUID: '2.25.903.1' }),
    ]);
    const config = inFolder('small-series.yaml');
    await writeFile(config, JSON.stringify({ selection: { siteRules: SMALL_SERIES_RULES } }));
    const given = ['segment', source, '--model', model, '--json', '--config', config];
    const chosen = await cli(...given, '--output', inFolder('chosen'));
    expect(JSON.parse(chosen.stdout)).toMatchObject({ seriesInstanceUid: '2.25.903.1' });
    const named = ['--series', '2.25.903.2'];
    const other = await cli(...given, '--output', inFolder('named'), ...named);
    expect(JSON.parse(other.stdout)).toMatchObject({
      seriesInstanceUid: '2.25.903.2',
      reason: 'named by the user',
    });
  });

  it.each([
    [
      'a model that is not there',
      () => ['segment', inFolder('series'), '--model', 'absent'],
      /no model 'absent'/,
    ],
    [
      'a folder that is not there',
      () => ['segment', inFolder('nowhere'), '--model', model],
      /nowhere is not a folder/,
    ],
    ['a folder without DICOM', () => ['segment', model, '--model', model], /holds no DICOM file/],
  ])('ends with 1 for %s, names it, and writes nothing', async (_what, args, words) => {
    const { code, stderr } = await cli(...args(), '--output', inFolder('none'));
    expect(code).toBe(1);
    expect(stderr.split('\n').find((line) => line.startsWith('error: '))).toMatch(words);
    await expect(readdir(inFolder('none'))).rejects.toThrow(/ENOENT/);
  });

  it('refuses a cut-off instance, names the file, and writes nothing', async () => {
    const source = inFolder('cut');
    await writeSeries(source, smallCtSeries('2.25.905'));
    const whole = await readFile(path.join(source, '5.dcm'));
    await writeFile(path.join(source, '5.dcm'), whole.subarray(0, -100));
    const { code, stderr } = await cli('segment', source, '--model', model, '--output', inFolder('none'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*5\.dcm/m);
    await expect(readdir(inFolder('none'))).rejects.toThrow(/ENOENT/);
  });

  it('processes one study of an archive now, and a named series whatever the rules say', async () => {
    const archive = await startEmbeddedArchive();
    try {
      const client = new DicomWebClient({ url: archive.url });
      await client.storeVerified('2.25.906', smallCtSeries('2.25.906', { SeriesDescription: 'lung' }));
      const site = [
        `archive: { kind: dicomweb, url: '${archive.url}' }`,
        `models: { folder: '${folder}', CT: sign }`,
        `database: { folder: '${inFolder('database')}' }`,
      ];
      await writeFile(inFolder('site.yaml'), site.join('\n'));
      const process = ['process', '--study', '2.25.906', '--config', inFolder('site.yaml')];
      expect(await cli(...process)).toMatchObject({ code: 1, stderr: expect.stringContaining('no node') });
      await cli('history', 'rebuild', '--new', '--config', inFolder('site.yaml'));
      const byRules = await cli(...process);
      expect(byRules).toMatchObject({ code: 0, stdout: expect.stringMatching(/^left: "lung"/) });
      const named = await cli(...process, '--series', '2.25.906.1');
      expect(named).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/taken: "lung"[^]*pancreas .* ml \(CT\)/),
      });
      expect(await client.searchSeries('2.25.906')).toHaveLength(3);
      expect(await cli('process', '--study', '2.25.999', '--config', inFolder('site.yaml'))).toMatchObject({
        code: 1,
      });
    } finally {
      await archive.stop();
    }
  });
});

describeWith(['shared', 'dciodvfy', 'java', 'python3'], 'segmenting the real CT', () => {
  it('gives results in which the validators find nothing', async () => {
    const source = shared('data/ct-abdomen/ct');
    const { code, stderr } = await cli('segment', source, '--model', model, '--output', inFolder('real'));
    expect(code, stderr).toBe(0);
    for (const name of ['seg', 'sr']) {
      const bytes = await readFile(path.join(inFolder('real'), `${name}.dcm`));
      expect(await validatorFindings({ [name]: bytes })).toEqual([]);
    }
  });
});

async function writeSeries(target: string, instances: readonly Uint8Array[]): Promise<void> {
  await mkdir(target, { recursive: true });
  await Promise.all(instances.map((bytes, index) => writeFile(path.join(target, `${index}.dcm`), bytes)));
}
