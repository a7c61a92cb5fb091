import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { syntheticStudies } from '../../src/demo/studies.ts';
import { buildVolume } from '../../src/dicom/geometry/series-volume.ts';
import { readInstance, text } from '../../src/dicom/reading/dataset.ts';
import { DicomWebClient } from '../../src/dicom/web/client.ts';
import { readSegmentation } from '../../src/seg/read-segmentation.ts';
import { dice } from '../../src/segmentation/dice.ts';
import { startEmbeddedArchive } from '../support/archives.ts';
import { type BuiltImage, buildImage } from '../support/built-image.ts';
import { collect } from '../support/collect.ts';
import { freePort } from '../support/free-port.ts';
import { type NpmRegistry, startNpmRegistry } from '../support/npm-registry.ts';
import { runInReadOnlyRoot, startInReadOnlyRoot } from '../support/read-only-root.ts';
import { run } from '../support/release.ts';
import { describeWith } from '../support/requires.ts';
import { allInstances } from '../support/study-files.ts';

const PASSWORD = 'password-of-the-registry';
const STUDY_LIMIT_MS = 300_000;

/**
 * The Dockerfile, built by buildah, and run as a container engine runs it: as its user, with a read-only root,
 * its volume and a /tmp. What an engine adds (namespaces of its own, cgroups, seccomp) is not tried.
 */
describeWith(['debootstrap', 'buildah', 'openssl'], 'the image', () => {
  let secrets: string;
  let registry: NpmRegistry;
  let image: BuiltImage;
  let volume: string;
  const place = (environment: Readonly<Record<string, string>> = {}) => ({
    ...image,
    environment: { ...image.environment, ...environment },
    mounts: [{ from: volume, to: image.folder, writable: true }],
  });

  beforeAll(async () => {
    secrets = await mkdtemp(path.join(tmpdir(), 'image-secrets-'));
    registry = await startNpmRegistry(PASSWORD);
    await writeFile(path.join(secrets, 'npmrc'), registry.settings);
    image = await buildImage([
      `--secret=id=ca,src=${registry.authority}`,
      `--secret=id=npmrc,src=${path.join(secrets, 'npmrc')}`,
    ]);
    volume = await image.newVolume();
  });
  afterAll(async () => {
    registry.stop();
    await image?.remove();
    await rm(secrets, { recursive: true });
  });

  it("is built by a site's own registry, with its authority and its password, and holds none of them", () => {
    expect(registry.fetched()).toBeGreaterThan(100);
    expect(() => run('grep', ['-rlF', PASSWORD, '--', image.root])).toThrow();
    expect(existsSync(path.join(image.root, 'run/secrets'))).toBe(false);
  });

  it('runs as user 10001, holds no npm and no compilers, and writes to its volume alone', () => {
    expect(image).toMatchObject({ user: '10001:10001', volumes: [image.folder] });
    for (const absent of ['usr/local/bin/npm', 'usr/local/lib/node_modules', 'usr/bin/gcc', 'build'])
      expect(existsSync(path.join(image.root, absent)), absent).toBe(false);
    expect(runInReadOnlyRoot(place(), ['id', '-u'])).toBe('10001\n');
    expect(runInReadOnlyRoot(place(), ['sh', '-c', 'echo here > x; cat x; rm x'])).toBe('here\n');
    for (const folder of ['/opt/pansegnet-node', '/usr/local/bin', '/etc', '/'])
      expect(() => runInReadOnlyRoot(place(), ['touch', `${folder}/x`]), folder).toThrow(/Read-only/);
  });

  it('takes a demo study over STOW-RS, stores SEG and report in the archive, and stops when asked', async () => {
    const archive = await startEmbeddedArchive();
    const client = new DicomWebClient({ url: archive.url });
    const [study] = syntheticStudies();
    if (!study) throw new Error('the demo has studies');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const site = place({
      PANSEGNET_ARCHIVE_KIND: 'dicomweb',
      PANSEGNET_ARCHIVE_URL: archive.url,
      PANSEGNET_HTTP_PORT: String(port),
      PANSEGNET_MODELS_CT: 'demo-ct',
      PANSEGNET_WATCH_STABLEFORSECONDS: '1',
      HEALTH_URL: `${url}/healthz`,
    });
    const demoCt = '/opt/pansegnet-node/current/models/demo-src/Task901_DemoCT';
    const asked = [...image.entrypoint, 'models', 'import', demoCt, '--name', 'demo-ct', '--modality', 'CT'];
    runInReadOnlyRoot(site, asked);

    const node = startInReadOnlyRoot(site, [...image.entrypoint, ...image.command]);
    const exited = once(node, 'exit');
    let log = '';
    node.stderr?.setEncoding('utf8').on('data', (more: string) => (log += more));
    try {
      await vi.waitFor(() => runInReadOnlyRoot(site, image.healthCheck), { timeout: 120_000, interval: 500 });
      const instances = allInstances(study);
      const sent = await new DicomWebClient({ url: `${url}/dicom-web` }).store(undefined, instances);
      expect(sent).toMatchObject({ status: 200, failed: [] });
      const results = async () =>
        (await client.searchSeries(study.studyInstanceUid)).filter((series) =>
          ['SEG', 'SR'].includes(text(series, 'Modality') ?? ''),
        );
      await vi.waitFor(async () => expect(await results(), log.slice(-2000)).toHaveLength(2), {
        timeout: STUDY_LIMIT_MS,
        interval: 500,
      });
      const seg = (await results()).find((series) => text(series, 'Modality') === 'SEG');
      const [bytes] = await collect(
        client.retrieveSeries(study.studyInstanceUid, (seg && text(seg, 'SeriesInstanceUID')) ?? ''),
      );
      const source = study.series.find(({ kind }) => kind === 'CT_ABDOMEN');
      const truth = source?.truth?.();
      if (!bytes || !source || !truth) throw new Error('the demo has a CT with its truth');
      const images = await buildVolume([...source.instances()].map((one) => readInstance(one, 'demo')));
      expect(dice(readSegmentation(bytes, images), truth.voxels)).toBeGreaterThan(0.9);
    } finally {
      node.kill('SIGTERM');
      expect(await exited, log.slice(-2000)).toEqual([0, null]);
      await archive.stop();
    }
    expect(() => runInReadOnlyRoot(site, image.healthCheck)).toThrow(/fetch failed/);
    // Nothing of a telemetry's, no core dumps: what the configuration names, and the imported model.
    expect(readdirSync(volume).toSorted()).toEqual(['data', 'models']);
    for (const one of readdirSync(path.join(volume, 'data')))
      expect(statSync(path.join(volume, 'data', one)).uid, one).toBe(10_001);
  });
});
