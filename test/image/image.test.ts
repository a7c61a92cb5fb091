import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
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
    const found = run('sh', ['-c', 'grep -rlF "$0" "$1" || [ $? = 1 ]', PASSWORD, image.root]);
    expect(found).toBe('');
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
    // The run has measured what doctor tells; that the archive is away now is a problem.
    const examined = runInReadOnlyRoot(site, ['sh', '-c', 'pansegnet-node doctor || [ $? = 1 ]']);
    expect(examined).toMatch(/demo-ct takes (less than a minute|about \d+ minutes) for a large abdomen/);
    expect(() => runInReadOnlyRoot(site, image.healthCheck)).toThrow(/fetch failed/);
    // Nothing of a telemetry's, no core dumps: what the configuration names, and the imported model.
    expect(readdirSync(volume).toSorted()).toEqual(['data', 'models']);
    for (const one of readdirSync(path.join(volume, 'data')))
      expect(statSync(path.join(volume, 'data', one)).uid, one).toBe(10_001);
  });

  it("reads compose.yaml's secrets as its own user, and names studies alike in gateway and worker", async () => {
    const deploy = path.join(secrets, 'deploy');
    await cp(DEPLOY, deploy, { recursive: true });
    run('sh', [path.join(deploy, 'make-secrets.sh')]);
    const compose = composeFile.parse(
      parse(await readFile(path.join(deploy, 'compose.yaml'), 'utf8'), { merge: true }),
    );
    const service = (name: 'gateway' | 'worker', environment: Readonly<Record<string, string>> = {}) => {
      const given = compose.services[name];
      // What compose fills in is taken as its default.
      const own = Object.entries(given.environment).map(([key, value]) => [
        key,
        value.replace(/\$\{\w+:-([^}]*)\}/g, '$1'),
      ]);
      const at = place({ ...Object.fromEntries(own), ...environment });
      const secretFiles = given.secrets.map((secret) => ({
        from: path.join(deploy, compose.secrets[secret]?.file ?? ''),
        to: `/run/secrets/${secret}`,
      }));
      return { ...at, mounts: [...at.mounts, ...secretFiles] };
    };
    // docs/install.md, Containers: before the first start, by whoever owns the secrets.
    const token = {
      PANSEGNET_HTTP_HOST: '127.0.0.1',
      PANSEGNET_DATABASE_URL: 'null',
      PANSEGNET_ARCHIVE_PASSWORD: 'null',
      PANSEGNET_AUTH_TOKENSFILE: '/secrets/tokens.json',
    };
    const asked = service('gateway', token);
    const secretsFolder = { from: path.join(deploy, 'secrets'), to: '/secrets', writable: true };
    const made = runInReadOnlyRoot({ ...asked, user: '0:0', mounts: [...asked.mounts, secretsFolder] }, [
      ...image.entrypoint,
      'token',
      'add',
      'me',
      '--role',
      'operator',
    ]);
    expect(made.trim().length).toBeGreaterThan(20);
    await chmod(path.join(deploy, 'secrets/tokens.json'), 0o644);

    const named = (['gateway', 'worker'] as const).map((name) => {
      expect(runInReadOnlyRoot(service(name), [...image.entrypoint, 'token', 'list'])).toContain('me');
      return runInReadOnlyRoot(service(name), [...image.entrypoint, 'log-identifier', '1.2.3']);
    });
    expect(named[0]).toMatch(/\S/);
    expect(named[1]).toBe(named[0]);
  });
});

const DEPLOY = path.resolve(import.meta.dirname, '../../deploy');
const composeService = z.looseObject({
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
});
const composeFile = z.looseObject({
  services: z.looseObject({ gateway: composeService, worker: composeService }),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});
