import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../../src/config.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

const service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()),
  networks: z.array(z.string()),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string().regex(/^(127\.0\.0\.1:)?\d+:\d+$/)).default([]),
  read_only: z.boolean().default(false),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
});
const compose = z.looseObject({
  services: z.object({ gateway: service, worker: service, orthanc: service, postgres: service }),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

describe('compose.yaml', () => {
  const { services, networks, volumes, secrets } = compose.parse(
    parse(read('deploy/compose.yaml'), { merge: true }),
  );
  const nodes = [services.gateway, services.worker];
  const all = Object.values(services);

  /** As the node resolves it; what compose fills in is taken as its default. */
  const configOf = ({ environment }: z.infer<typeof service>) => {
    const own = Object.entries(environment)
      .filter(([name]) => name.startsWith('PANSEGNET_'))
      .map(([name, value]) => [
        name,
        value.replace(/\$\{\w+:-([^}]*)\}/g, '$1').replace(/^file:.*/, 'a-secret-of-the-test'),
      ]);
    const database = { PANSEGNET_DATABASE_URL: 'postgresql://u:p@postgres/d' };
    return loadConfig({ environment: { ...Object.fromEntries(own), ...database } });
  };

  it('sets keys that there are, to values that they take', () => {
    for (const node of nodes) expect(configOf(node).archive.url).toBe('http://orthanc:8042/dicom-web');
    expect(configOf(services.gateway).http.hosts).toEqual(['localhost:8080']);
    expect(() => configOf({ ...services.gateway, environment: { PANSEGNET_ARCHIVE_ADDRESS: 'x' } })).toThrow(
      /no such configuration key/,
    );
  });

  it('reads its secrets from files that are declared, and names no secret itself', () => {
    const names = all.flatMap((one) => one.secrets);
    expect(names.filter((name) => !(name in secrets))).toEqual([]);
    expect(Object.keys(secrets).filter((name) => !names.includes(name))).toEqual([]);
    const files = nodes.flatMap((one) =>
      Object.values(one.environment).flatMap((value) => /run\/secrets\/(.*)$/.exec(value)?.[1] ?? []),
    );
    expect(files.filter((name) => !nodes[0]?.secrets.includes(name))).toEqual([]);
    const script = read('deploy/make-secrets.sh');
    const made = Object.values(secrets).map(({ file }) => file.replace('./', ''));
    expect(made.filter((file) => !script.includes(file))).toEqual([]);
  });

  it('has secrets that the users of the containers can read, and nobody else on the machine', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'secrets-'));
    try {
      copyFileSync(path.join(ROOT, 'deploy/make-secrets.sh'), path.join(folder, 'make-secrets.sh'));
      const make = () => execFileSync('sh', [path.join(folder, 'make-secrets.sh')]);
      make();
      const inFolder = (name: string) => path.join(folder, 'secrets', name);
      const key = readFileSync(inFolder('log_key'), 'utf8');
      make();
      expect(readFileSync(inFolder('log_key'), 'utf8')).toBe(key);
      expect(statSync(path.join(folder, 'secrets')).mode & 0o777).toBe(0o700);
      for (const { file } of Object.values(secrets))
        expect(statSync(path.join(folder, file)).mode & 0o777, file).toBe(0o644);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has the networks and volumes that it names; database and images have no way out', () => {
    expect(all.flatMap((one) => one.networks).filter((name) => !(name in networks))).toEqual([]);
    const named = all.flatMap((one) => one.volumes).flatMap((volume) => /^(\w+):/.exec(volume)?.[1] ?? []);
    expect(named.toSorted()).toEqual(Object.keys(volumes).toSorted());
    expect(networks['inside']).toEqual({ internal: true });
    expect(services.postgres.networks).toEqual(['inside']);
    expect(services.worker.networks).toEqual(['inside']);
    expect(services.gateway.ports).toEqual(['127.0.0.1:8080:8080']);
  });

  it('runs the node read-only, in its two roles, and gives it the time that it may take to stop', () => {
    for (const node of nodes) {
      expect(node.read_only).toBe(true);
      expect(Number.parseInt(node.stop_grace_period ?? '', 10)).toBeGreaterThan(
        configOf(node).shutdown.graceSeconds + 10,
      );
    }
    expect(nodes.map(({ command }) => command?.at(-1))).toEqual(['gateway', 'worker']);
  });
});

describe('the image and the service', () => {
  const dockerfile = read('Dockerfile');

  it('run the version of Node that the tests ran on', () => {
    const lock = z
      .object({ packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })) })
      .parse(JSON.parse(read('package-lock.json')));
    expect(/node:([\d.]+)-/.exec(dockerfile)?.[1]).toBe(lock.packages['node_modules/node']?.version);
  });

  it('do not run as root, and install by the script that is tested', () => {
    const script = read('deploy/install.sh');
    const uid = /^uid=(\d+)$/m.exec(script)?.[1];
    expect(dockerfile).toContain(`USER ${uid}:${uid}`);
    for (const step of ['install.sh program', 'install.sh user']) expect(dockerfile).toContain(step);
    const data = /^data=\$\{DATA_FOLDER:-(\S+)\}$/m.exec(script)?.[1];
    expect(dockerfile).toContain(`WORKDIR ${data}`);
    // The line that the script changes.
    expect(read('config/default.yaml')).toMatch(/^dataFolder: null$/m);
    expect(script).toContain('s|^dataFolder: null\\$|dataFolder: $data|');
    const unit = read('deploy/systemd/pansegnet-node.service');
    expect(unit).toContain(`WorkingDirectory=${data}`);
    expect(unit).toContain('ExecStart=/usr/local/bin/pansegnet-node serve');
    expect(script).toContain('LINK_FOLDER:-/usr/local/bin}');
  });

  it('get nothing into the image that is not named', () => {
    const named = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    expect(read('.dockerignore')).toMatch(/^\*$/m);
    for (const line of named) expect(existsSync(path.join(ROOT, line.slice(1))), line).toBe(true);
    // What makes the release in there is whole.
    const script = 'tools/build-release.ts';
    const needed = [...read(script).matchAll(/from '\.\/([^']+)'/g)].map(([, file]) => `!tools/${file}`);
    expect(needed).not.toEqual([]);
    expect([`!${script}`, ...needed].filter((line) => !named.includes(line))).toEqual([]);
  });

  it('the health check of the image is in the release', () => {
    const file = /CMD \["node", "\/opt\/pansegnet-node\/current\/([^"]+)"\]/.exec(dockerfile)?.[1] ?? '';
    expect(existsSync(path.join(ROOT, file))).toBe(true);
  });
});
