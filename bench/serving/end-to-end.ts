import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stringify } from 'yaml';
import { z } from 'zod';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startOrthanc } from '../../test/support/orthanc.ts';
import { serve } from '../../test/support/serve-process.ts';
import { smallInstance } from '../../test/support/small-instance.ts';
import { brightNetwork, SIGN_MODEL, writeModel } from '../../test/support/tiny-onnx.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { isBody, isOrgan } from '../drawn-organ.ts';

const STUDIES = ['1.2.826.0.1.78.1', '1.2.826.0.1.78.2'] as const;
/** mm, z y x. */
const SPACING = [1.25, 0.75, 0.75] as const;
const SITE_RULE = {
  when: { words: { matches: '^abdomen portal' } },
  class: 'CT_ABDOMEN',
  reason: 'a drawn abdomen',
};
/** What is brighter, normalized, is the organ: its 250 HU, not the body around it. */
const BRIGHT = 1.5;
/** A promise for 512 x 512 x 300. */
const PROMISED_SECONDS = 10;

/**
 * A drawn CT from Orthanc to its stored results, by a node whose network does three sums a voxel: all that is
 * not the network, as it would be between the passes of a real one of full size. Twice: the second study finds
 * the model in memory.
 */
export async function benchEndToEnd({ quick, folder }: BenchOptions): Promise<BenchRow[]> {
  const [edge, slices] = quick ? [64, 40] : [512, 300];
  const place = path.join(folder, 'end');
  await mkdir(place);
  await using open = new AsyncDisposableStack();
  const orthanc = open.adopt(await startOrthanc(), (it) => it.stop());
  const client = new DicomWebClient({ url: orthanc.url });
  for (const study of STUDIES)
    for (let slice = 0; slice < slices; slice += 20)
      await client.store(study, drawnSlices(study, edge, slices, slice, Math.min(slices, slice + 20)));

  const model = {
    ...SIGN_MODEL,
    spacing: [2.5, 0.8, 0.8] as [number, number, number],
    patchSize: [40, 224, 224] as [number, number, number],
    normalization: { ...SIGN_MODEL.normalization, mean: 80, sd: 70 },
  };
  const models = path.join(place, 'models');
  await writeModel(models, model, { 'fold_0.onnx': brightNetwork(model.patchSize, BRIGHT) });
  const file = path.join(place, 'site.yaml');
  const configuration = {
    dataFolder: place,
    archive: { kind: 'dicomweb', url: orthanc.url },
    watch: { schedule: '0 0 0 29 2 *' },
    selection: { siteRules: [SITE_RULE] },
    models: { folder: models, CT: model.name },
    inference: { mode: 'fast' },
    http: { port: 0 },
  };
  await writeFile(file, stringify(configuration));
  const node = open.adopt(serve(file), (it) => it.kill());
  await node.says(/the node is running/);
  const url = /"url":"([^"]+)"/.exec(node.log())?.[1] ?? '';

  const row = (which: string, value: number): BenchRow => ({
    name: `end to end, archive to archive without the network, ${edge}x${edge}x${slices}, ${which}`,
    value,
    unit: 's',
    peer: { name: 'promised', value: PROMISED_SECONDS },
  });
  const [first, second] = STUDIES;
  const fresh = row('first study', await process(url, first));
  const ofStages = await stages(url);
  return [fresh, row('the next', await process(url, second)), ...ofStages];
}

/** @returns seconds from the request to the end of the work */
async function process(url: string, study: string): Promise<number> {
  const start = performance.now();
  await answerOf(fetch(`${url}/api/studies/${study}/process`, { method: 'POST' }));
  await whenDone(url, study);
  return (performance.now() - start) / 1000;
}

async function answerOf(request: Promise<Response>): Promise<string> {
  const answer = await request;
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status} ${text}`);
  return text;
}

const stateSchema = z.object({ study: z.object({ state: z.string(), reason: z.string().optional() }) });

async function whenDone(url: string, uid: string): Promise<void> {
  for (;;) {
    const answer = await answerOf(fetch(`${url}/api/studies/${uid}`));
    const { study } = stateSchema.parse(JSON.parse(answer));
    if (study.state === 'done') return;
    if (study.state === 'failed' || study.state === 'skipped') throw new Error(study.reason);
    await wait(50);
  }
}

/** What each stage of the first study took, by the node's own metrics. */
async function stages(url: string): Promise<BenchRow[]> {
  const metrics = await answerOf(fetch(`${url}/metrics`));
  const sums = metrics.matchAll(/^pansegnet_stage_duration_seconds_sum\{stage="([^"]+)".*\} ([\d.e+-]+)$/gm);
  return [...sums].map(([, stage, seconds]) => ({
    name: `end to end, first study, stage ${stage}`,
    value: Number(seconds),
    unit: 's',
  }));
}

function drawnSlices(study: string, edge: number, slices: number, first: number, end: number): Uint8Array[] {
  const scale = 512 / edge;
  return Array.from({ length: end - first }, (_, i) => {
    const along = (first + i - slices / 2) * SPACING[0] * (300 / slices);
    const pixels = new Int16Array(edge * edge).map((_value, at) => {
      const [x, y] = [at % edge, Math.floor(at / edge)].map(
        (index) => (index - edge / 2) * SPACING[1] * scale,
      ) as [number, number];
      if (!isBody(y, x)) return -1000;
      return isOrgan(along, y, x) ? 250 : 20 + ((at * 7919) % 13);
    });
    const number = first + i + 1;
    return smallInstance(
      { study, series: `${study}.1`, sop: `${study}.1.${number}` },
      {
        SeriesDescription: 'abdomen portal venous',
        ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'],
        FrameOfReferenceUID: `${study}.9`,
        InstanceNumber: String(number),
        ImageOrientationPatient: ['1', '0', '0', '0', '1', '0'],
        ImagePositionPatient: ['0', '0', String(SPACING[0] * number * (300 / slices))],
        PixelSpacing: [String(SPACING[1] * scale), String(SPACING[2] * scale)],
        SliceThickness: String(SPACING[0] * (300 / slices)),
        RescaleSlope: '1',
        RescaleIntercept: '0',
        Rows: edge,
        Columns: edge,
        PixelData: pixels.buffer,
      },
    );
  });
}
