import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { readExposition } from '../support/prometheus-text.ts';
import type { RunningArchive } from '../support/running-archive.ts';
import { SMALL_SERIES_RULES, smallCtSeries } from '../support/small-series.ts';
import { startTestNode, type TestNode } from '../support/test-node.ts';
import { SIGN_MODEL, signNetwork, writeModel } from '../support/tiny-onnx.ts';

describe('a node seen from outside', () => {
  let folder: string;
  let archive: RunningArchive;
  let testNode: TestNode;
  let client: DicomWebClient;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'observed-node-'));
    await writeModel(folder, SIGN_MODEL, { 'fold_0.onnx': signNetwork(SIGN_MODEL.patchSize) });
    archive = await startEmbeddedArchive();
    client = new DicomWebClient({ url: archive.url });
    testNode = await startTestNode(archive.url, {
      models: { folder, CT: 'sign', T1W: null, T2W: null },
      selection: { rules: null, siteRules: SMALL_SERIES_RULES },
    });
  });
  afterAll(async () => {
    await testNode?.stop();
    await archive?.stop();
    await rm(folder, { recursive: true });
  });

  const scrape = async () => {
    const response = await fetch(`${testNode.node().url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    const { samples } = readExposition(text);
    const value = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
      samples
        .filter((one) => one.name === name && Object.entries(labels).every(([k, v]) => one.labels[k] === v))
        .reduce((sum, one) => sum + one.value, 0);
    return { text, value };
  };
  const process = async (study: string) => {
    const node = testNode.node();
    const ended = node.studyEnded(study);
    await node.watcher.poll();
    await node.watcher.poll();
    await ended;
  };

  it('its figures move with each study, and hold nothing that identifies one', async () => {
    const before = await scrape();
    expect(before.value('pansegnet_studies_total')).toBe(0);
    const [good, bad] = ['2.25.980.1', '2.25.980.2'];
    await client.storeVerified(good, smallCtSeries(good, { PatientID: 'OBSERVED-1' }));
    await process(good);
    await client.storeVerified(bad, smallCtSeries(bad).toSpliced(5, 1));
    await process(bad);
    const { text, value } = await scrape();
    expect(value('pansegnet_studies_total', { outcome: 'done' })).toBe(1);
    expect(value('pansegnet_studies_total', { outcome: 'failed' })).toBe(1);
    expect(value('pansegnet_study_failures_total', { code: 'DICOM_GEOMETRY', retried: 'false' })).toBe(1);
    const result = { model: 'sign', class: 'CT', finding: 'pancreas' };
    expect(value('pansegnet_results_total', result)).toBe(1);
    const segmented = { stage: 'segment', class: 'CT_ABDOMEN' };
    expect(value('pansegnet_stage_duration_seconds_count', segmented)).toBe(1);
    for (const kind of ['search', 'metadata', 'retrieve', 'store']) {
      const answers = { kind, outcome: 'ok' };
      expect(value('pansegnet_archive_request_duration_seconds_count', answers), kind).toBeGreaterThan(0);
    }
    expect(value('pansegnet_archive_request_duration_seconds_count', { outcome: 'error' })).toBe(0);
    expect(value('pansegnet_queue_studies', { state: 'dead' })).toBe(1);
    expect(value('pansegnet_disk_free_bytes', { folder: 'database' })).toBeGreaterThan(0);
    expect(text).not.toMatch(/2\.25\.980|OBSERVED|abdomen portal/);
  });

  it('says which part is missing while the archive is down, and in the metrics too', async () => {
    const ready = async () => {
      const response = await fetch(`${testNode.node().url}/readyz`);
      return { status: response.status, body: (await response.json()) as unknown };
    };
    expect(await ready()).toMatchObject({
      status: 200,
      body: { parts: { database: true, archive: true, models: true, queue: true } },
    });
    await archive.halt();
    expect(await ready()).toMatchObject({
      status: 503,
      body: { reasons: ['archive: DICOM_WEB_UNREACHABLE'], parts: { database: true, archive: false } },
    });
    expect((await scrape()).value('pansegnet_ready', { part: 'archive' })).toBe(0);
    expect((await fetch(`${testNode.node().url}/healthz`)).status).toBe(200);
    await archive.resume();
    expect((await ready()).status).toBe(200);
  });
});
