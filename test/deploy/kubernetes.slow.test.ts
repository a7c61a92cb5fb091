import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Deployment, StatefulSet } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, PersistentVolumeClaim, Secret, Service } from 'kubernetes-models/v1';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../../src/config.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FOLDER = path.join(ROOT, 'deploy/kubernetes');
const KINDS = {
  ConfigMap,
  Deployment,
  NetworkPolicy,
  PersistentVolumeClaim,
  PodDisruptionBudget,
  Secret,
  Service,
  StatefulSet,
} as const;
/** Of the Kubernetes API itself; others (KEDA's) bring schemas of their own. */
const isBuiltIn = (kind: string): kind is keyof typeof KINDS => kind in KINDS;

const manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});
type Manifest = z.infer<typeof manifest>;
const pod = z.looseObject({
  terminationGracePeriodSeconds: z.int(),
  initContainers: z.array(z.looseObject({ args: z.array(z.string()) })).default([]),
  containers: z.array(
    z.looseObject({
      args: z.array(z.string()),
      env: z.array(z.object({ name: z.string(), value: z.string() })),
      securityContext: z.unknown(),
    }),
  ),
});
const workload = z.object({ spec: z.object({ template: z.object({ spec: pod }) }) });

const documentsOf = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => manifest.parse(document.toJS()));
const read = (...parts: string[]) => readFileSync(path.join(FOLDER, ...parts), 'utf8');
/** The files that a kustomization names, in this folder. */
const resourcesIn = (folder: string): Manifest[] =>
  readdirSync(path.join(FOLDER, folder))
    .filter((file) => file.endsWith('.yaml') && file !== 'kustomization.yaml' && file !== 'site.yaml')
    .flatMap((file) => documentsOf(read(folder, file)));

/**
 * What the API would refuse, by document: values by the schemas of the API, names of fields by the types, as the
 * schemas let unknown names pass.
 */
function refused(documents: readonly Manifest[]): string[] {
  const builtIn = documents.flatMap((document) =>
    isBuiltIn(document.kind) ? [{ document, kind: document.kind }] : [],
  );
  const wrongValues = builtIn.flatMap(({ document, kind }) => {
    try {
      new KINDS[kind](document).validate();
      return [];
    } catch (error) {
      return [`${kind} ${document.metadata.name}: ${String(error)}`];
    }
  });
  return [...wrongValues, ...wrongNames(builtIn)];
}

function wrongNames(built: readonly { document: Manifest; kind: keyof typeof KINDS }[]): string[] {
  const cache = path.join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  // Below the packages, where their types are found.
  const folder = mkdtempSync(path.join(cache, 'kubernetes-'));
  try {
    const lines = built.flatMap(({ document, kind }, index) => {
      return [
        `import type { I${kind} as Kind${index} } from 'kubernetes-models/${document.apiVersion}';`,
        `export const document${index}: Kind${index} = ${JSON.stringify(document)};`,
      ];
    });
    writeFileSync(path.join(folder, 'check.ts'), lines.join('\n'));
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--ignoreConfig', '--types', ''];
    const { stdout } = spawnSync(
      process.execPath,
      [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '--module', 'nodenext', ...options, 'check.ts'],
      { cwd: folder, encoding: 'utf8' },
    );
    return stdout.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('the manifests for Kubernetes', () => {
  const all = ['base', 'overlays/example', 'overlays/keda'].flatMap(resourcesIn);
  const named = (name: string, kind: string) =>
    all.find((document) => document.metadata.name === name && document.kind === kind);
  const gateway = workload.parse(named('pansegnet-gateway', 'StatefulSet')).spec.template.spec;
  const worker = workload.parse(named('pansegnet-worker', 'Deployment')).spec.template.spec;

  it('are what the API takes; a wrong field is refused', () => {
    expect(all.map(({ kind }) => kind).filter((kind) => !(kind in KINDS))).toEqual(['ScaledObject']);
    expect(refused(all)).toEqual([]);
    const text = read('base/worker.yaml');
    for (const [right, wrong] of [
      ['replicas: 1', 'replica: 1'],
      ['periodSeconds: 30', 'periodSecond: 30'],
      ['replicas: 1', 'replicas: one'],
    ] as const)
      expect(refused(documentsOf(text.replace(right, wrong)))).not.toEqual([]);
  });

  it('name every file that lies beside them', () => {
    for (const folder of ['base', 'overlays/example', 'overlays/keda']) {
      const { resources } = z
        .looseObject({ resources: z.array(z.string()) })
        .parse(parse(read(folder, 'kustomization.yaml')));
      const files = readdirSync(path.join(FOLDER, folder)).filter(
        (file) => file.endsWith('.yaml') && !['kustomization.yaml', 'site.yaml'].includes(file),
      );
      expect(resources.filter((name) => name.endsWith('.yaml')).toSorted()).toEqual(files.toSorted());
    }
  });

  it('give the node a configuration that it takes, and more time to stop than it takes for itself', () => {
    // Secrets are files of a running pod.
    const overrides: Record<string, unknown> = parse(
      read('overlays/example/site.yaml').replaceAll(/file:\/run.*/g, 'secret'),
    );
    for (const { containers, terminationGracePeriodSeconds } of [gateway, worker]) {
      const [container] = containers;
      const environment = Object.fromEntries(
        (container?.env ?? []).map(({ name, value }) => [
          name,
          value.replace(/^file:.*/, 'postgresql://u:p@h/d'),
        ]),
      );
      const config = loadConfig({ overrides, environment });
      expect(config.database.url).toMatch(/^postgresql:/);
      expect(config.log.key).not.toBeNull();
      expect(terminationGracePeriodSeconds).toBeGreaterThan(config.shutdown.graceSeconds);
    }
  });

  it('let no container write to its root, gain rights or be root', () => {
    for (const spec of [gateway, worker]) {
      expect(spec['securityContext']).toMatchObject({ runAsNonRoot: true, runAsUser: 10_001 });
      expect(spec['automountServiceAccountToken']).toBe(false);
      for (const container of [...spec.containers, ...spec.initContainers]) {
        expect(container['securityContext']).toEqual({
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  it('check the model before a worker starts', () => {
    expect(worker.initContainers.map(({ args }) => args.slice(0, 2))).toEqual([['models', 'verify']]);
  });
});

/** Debian's clashes with the vendor's where that is installed, so that CI installs none. */
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
if (!hasKubectl) console.warn('skipped: kubectl kustomize: there is no kubectl');

describe.skipIf(!hasKubectl)('kubectl kustomize', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'kubernetes-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('renders the overlays, and selectors find no other program', () => {
    cpSync(FOLDER, folder, { recursive: true });
    const secrets = path.join(folder, 'overlays/example/secrets');
    mkdirSync(secrets);
    for (const name of ['database-url', 'archive-password', 'log-key', 'tokens.json'])
      writeFileSync(path.join(secrets, name), 'x');
    const rendered = documentsOf(
      execFileSync('kubectl', ['kustomize', path.join(folder, 'overlays/keda')], { encoding: 'utf8' }),
    );
    expect(refused(rendered)).toEqual([]);
    const kinds =
      'ConfigMap Deployment NetworkPolicy NetworkPolicy NetworkPolicy PersistentVolumeClaim ' +
      'PodDisruptionBudget ScaledObject Secret Service StatefulSet';
    expect(rendered.map(({ kind }) => kind).toSorted()).toEqual(kinds.split(' '));
    const selectors = rendered.flatMap((document) => {
      const spec = z.looseObject({}).catch({}).parse(document['spec']);
      return [spec['selector'], spec['podSelector']].filter((selector) => selector !== undefined);
    });
    expect(selectors.length).toBeGreaterThan(4);
    for (const selector of selectors)
      expect(JSON.stringify(selector)).toContain('"app.kubernetes.io/name":"pansegnet-node"');
  });
});
