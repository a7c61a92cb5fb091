import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readInstance, sequence, text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { describeArchives } from '../support/archives.ts';
import { runCli } from '../support/run-cli.ts';
import { smallInstance } from '../support/small-instance.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

const STUDY = '2.25.950';
const SERIES = `${STUDY}.1`;
/** A coarse abdomen: 320 mm wide, 120 mm long. */
const [EDGE, PIXEL_MM, SLICES, STEP_MM] = [16, 20, 24, 5];

/** The pixels within a radius of the middle of an image, in which the model sees a pancreas. */
function ball(radius: number): number[] {
  return Array.from({ length: EDGE * EDGE }, (_, i) => {
    const squared = ((i % EDGE) - EDGE / 2) ** 2 + (Math.floor(i / EDGE) - EDGE / 2) ** 2;
    return squared <= radius ** 2 ? 120 : -20;
  });
}

function image(number: number, attributes: Readonly<Record<string, unknown>>, radius: number): Uint8Array {
  return smallInstance(
    { study: STUDY, series: SERIES, sop: `${SERIES}.${number}` },
    {
      StudyDescription: 'CT Leber',
      SeriesDescription: 'Leber biphasisch 5.0',
      InstanceNumber: String(number),
      FrameOfReferenceUID: `${STUDY}.9`,
      ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
      ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
      Rows: EDGE,
      Columns: EDGE,
      PixelSpacing: [String(PIXEL_MM), String(PIXEL_MM)],
      SliceThickness: String(STEP_MM),
      RescaleSlope: '1',
      RescaleIntercept: '0',
      PixelData: Int16Array.from(ball(radius)).buffer,
      ...attributes,
    },
  );
}

const phase = (acquisition: number, time: string, radius: number): Uint8Array[] =>
  Array.from({ length: SLICES }, (_, k) =>
    image(
      100 * acquisition + k,
      {
        AcquisitionNumber: String(acquisition),
        AcquisitionTime: time,
        ContrastBolusAgent: 'any agent',
        ImagePositionPatient: ['0', '0', String(k * STEP_MM)],
      },
      radius,
    ),
  );

const PORTAL_RADIUS = 4;
const LOCALIZER = image(
  1,
  {
    ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'],
    ImageOrientationPatient: ['1', '0', '0', '0', '0', '-1'],
    ImagePositionPatient: ['0', '0', '0'],
    AcquisitionNumber: '1',
    AcquisitionTime: '101400',
  },
  2,
);

describeArchives('a series that holds a localizer and two phases', (archive) => {
  let folder: string;
  let testNode: TestNode;
  let client: DicomWebClient;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'split-series-'));
    const patchSize: [number, number, number] = [8, EDGE, EDGE];
    const model = {
      ...SIGN_MODEL,
      patchSize,
      spacing: [STEP_MM, PIXEL_MM, PIXEL_MM] as [number, number, number],
    };
    await writeModel(folder, model, { 'fold_0.onnx': signNetwork(patchSize) });
    testNode = await startTestNode(archive.url, { models: { folder, CT: 'sign', T1W: null, T2W: null } });
    client = new DicomWebClient({ url: archive.url });
    // Mixed, as archives give them.
    const portal = phase(3, '101540', PORTAL_RADIUS);
    const mixed = phase(2, '101500', 6).flatMap((arterial, k) => [portal[k] ?? arterial, arterial]);
    await client.storeVerified(STUDY, [LOCALIZER, ...mixed]);
  });
  afterAll(async () => {
    await testNode?.stop();
    await rm(folder, { recursive: true });
  });

  it('gives results of the portal venous phase alone, and names it', async () => {
    const node = testNode.node();
    const ended = node.studyEnded(STUDY);
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
    const details = await node.studyDetails(STUDY);
    expect(details?.study.state, details?.study.reason).toBe('done');
    expect(
      details?.decisions.map(({ class: taken, chosen, description }) => [taken, chosen, description]),
    ).toEqual(
      expect.arrayContaining([
        ['NONE', false, expect.stringMatching(/\(localizer.*\)$/)],
        ['CT_ABDOMEN', false, expect.stringContaining('AcquisitionNumber 2')],
        ['CT_ABDOMEN', true, expect.stringContaining('AcquisitionNumber 3')],
      ]),
    );
    const [volume, ...others] = details?.volumes ?? [];
    expect(others).toEqual([]);
    expect(volume?.part).toContain('AcquisitionNumber 3');
    const voxels = ball(PORTAL_RADIUS).filter((value) => value > 0).length * SLICES;
    expect(volume?.voxelCount).toBe(voxels);
    expect(volume?.volumeMl).toBeCloseTo((voxels * PIXEL_MM * PIXEL_MM * STEP_MM) / 1000, 3);

    const read = async ({
      seriesInstanceUid,
      sopInstanceUid,
    }: {
      seriesInstanceUid: string;
      sopInstanceUid: string;
    }) =>
      readInstance(await client.retrieveInstance(STUDY, seriesInstanceUid, sopInstanceUid), 'a result')
        .dataset;
    if (!volume?.seg) throw new Error('no SEG');
    const [referenced] = sequence(await read(volume.seg), 'ReferencedSeriesSequence');
    const uids = sequence(referenced ?? {}, 'ReferencedInstanceSequence').map((item) =>
      text(item, 'ReferencedSOPInstanceUID'),
    );
    expect(uids).toHaveLength(SLICES);
    expect(uids.every((uid) => uid?.startsWith(`${SERIES}.3`))).toBe(true);
    expect(JSON.stringify(await read(volume.report))).toContain(`this is of: ${volume.part}.`);
  });

  it('is explained by the command line without being processed', async () => {
    const config = path.join(folder, 'site.yaml');
    await writeFile(
      config,
      JSON.stringify({
        archive: { kind: 'dicomweb', url: archive.url },
        models: { folder, CT: 'sign', T1W: null, T2W: null },
      }),
    );
    const before = (await client.searchSeries(STUDY)).length;
    const { code, stdout, stderr } = await runCli('select', '--study', STUDY, '--config', config);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /^yes +CT_ABDOMEN +yes +portal .*"Leber biphasisch 5\.0 \(.*AcquisitionNumber 3\)" .*the second enhanced/m,
    );
    expect(stdout).toMatch(/^no +CT_ABDOMEN +yes +arterial .*AcquisitionNumber 2.*not chosen/m);
    const asJson = await runCli('select', '--study', STUDY, '--config', config, '--json');
    expect(JSON.parse(asJson.stdout)).toContainEqual(
      expect.objectContaining({
        seriesInstanceUid: SERIES,
        chosen: true,
        part: expect.stringContaining('AcquisitionNumber 3'),
      }),
    );
    expect((await client.searchSeries(STUDY)).length).toBe(before);
  });
});
