import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cleanDebian, DEBIAN_ENVIRONMENT } from '../support/clean-debian.ts';
import { runInReadOnlyRoot } from '../support/read-only-root.ts';
import { packRelease, run } from '../support/release.ts';
import { describeWith } from '../support/requires.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const UID = '10001';
const DATA = '/var/lib/pansegnet-node';
/**
 * The steps of the Dockerfile in a clean Debian: debootstrap's smallest root with Node.js and npm in
 * /usr/local stands for the base image. Needs root, for chroot, and Debian's packages and npm's from their
 * servers.
 */
describeWith(['debootstrap'], 'installing a release in a clean Debian', () => {
  let folder: string;
  let root: string;
  const inRoot = (...args: string[]) => run('chroot', [root, ...args], { env: DEBIAN_ENVIRONMENT });
  /** As the container runs: not root, everything read-only but the data and /tmp. */
  const asService = (command: string) =>
    runInReadOnlyRoot(
      {
        root,
        user: `${UID}:${UID}`,
        folder: DATA,
        environment: DEBIAN_ENVIRONMENT,
        mounts: [{ from: path.join(root, DATA), to: DATA, writable: true }],
      },
      ['sh', '-c', command],
    );

  beforeAll(async () => {
    ({ folder, root } = await cleanDebian());
    await copyFile(packRelease(folder), path.join(root, 'release/release.tgz'));
    await copyFile(path.join(ROOT, 'deploy/install.sh'), path.join(root, 'release/install.sh'));
    inRoot('sh', '/release/install.sh', 'program', '/release/release.tgz');
    inRoot('sh', '/opt/pansegnet-node/current/deploy/install.sh', 'user');
    // What the image leaves out.
    await rm(path.join(root, 'usr/local/lib/node_modules'), { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('gives a program that knows its version', () => {
    expect(asService('pansegnet-node --version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('makes a user and a folder that is closed to others', () => {
    expect(inRoot('stat', '-c', '%a %u:%g', DATA)).toBe(`700 ${UID}:${UID}\n`);
    expect(() => asService('touch /opt/pansegnet-node/x')).toThrow(/Read-only file system/);
  });

  it('processes the demo as that user, on a read-only system', () => {
    const output = asService('pansegnet-node demo --once --output out');
    expect(output.match(/Dice 0\.\d+/g)?.length).toBeGreaterThanOrEqual(4);
    expect(asService('find out -name "*.dcm" | wc -l')).toMatch(/^[1-9]/);
    expect(asService('pansegnet-node models list')).toMatch(/demo-ct/);
  });

  it('answers the health check of the image while it serves, and stops when asked', () => {
    const serve = [
      'pansegnet-node serve 2>log & pid=$!',
      'until node /opt/pansegnet-node/current/bin/healthcheck.js 2>/dev/null; do kill -0 $pid; sleep 0.2; done',
      'kill -TERM $pid; wait $pid; echo "exit $?"',
    ];
    expect(asService(serve.join('\n'))).toBe('exit 0\n');
    expect(() => asService('node /opt/pansegnet-node/current/bin/healthcheck.js')).toThrow(/fetch failed/);
  });
});
