import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startEmbeddedArchive } from '../support/archives.ts';
import { cleanDebian, DEBIAN_ENVIRONMENT } from '../support/clean-debian.ts';
import { freePort } from '../support/free-port.ts';
import { type HttpProxy, startHttpProxy } from '../support/http-proxy.ts';
import { packRelease, run } from '../support/release.ts';
import { describeWith } from '../support/requires.ts';
import type { RunningArchive } from '../support/running-archive.ts';

const DOCS = path.resolve(import.meta.dirname, '../../docs');
const VERSION = '0.1.0';

/** The blocks of commands, or of one other language, below a heading. */
function blocksOf(file: string, heading: string, language = 'sh'): string[] {
  const text = readFileSync(path.join(DOCS, file), 'utf8');
  const section = text.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const blocks = section.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\``, 'gms'));
  return [...blocks].map(([, block]) => block ?? '');
}

/**
 * Somebody who follows the documents literally, in a clean Debian: each block of commands runs as it stands.
 * Only addresses, the day of the backup and the new version's number are put in. `systemctl` is a script that takes user and
 * command from the unit.
 */
describeWith(['debootstrap'], 'the documents, followed to the letter', () => {
  let folder: string;
  let root: string;
  let archive: RunningArchive;
  let proxy: HttpProxy;
  let health: string;
  /** As root, in the folder with the release. */
  const follow = async (commands: string | undefined, { network = true } = {}): Promise<string> => {
    expect(commands, 'the document has such a block').toBeTruthy();
    const namespaces = ['--mount', ...(network ? [] : ['--net'])];
    const enter = 'mount -t proc proc "$0/proc"; exec chroot "$0" sh -ec "cd /root/download; $1"';
    const shell = [...namespaces, 'sh', '-ec', enter, root, commands ?? ''];
    const { stdout } = await promisify(execFile)('unshare', shell, { env: DEBIAN_ENVIRONMENT });
    return stdout;
  };
  const asNode = (...words: string[]) =>
    follow(
      `cd /; runuser -u pansegnet -- pansegnet-node ${words.join(' ')} --config /etc/pansegnet-node/site.yaml`,
    );
  const serves = () =>
    vi.waitFor(() => follow(`HEALTH_URL=${health} node /opt/pansegnet-node/current/bin/healthcheck.js`), {
      timeout: 120_000,
      interval: 500,
    });

  beforeAll(async () => {
    ({ folder, root } = await cleanDebian());
    archive = await startEmbeddedArchive();
    proxy = await startHttpProxy();
    await mkdir(path.join(root, 'root/download'));
    await cp(packRelease(folder), path.join(root, `root/download/pansegnet-node-${VERSION}.tgz`));
    await writeFile(path.join(root, 'usr/local/bin/systemctl'), SYSTEMCTL, { mode: 0o755 });
  });
  afterAll(async () => {
    await follow('systemctl stop pansegnet-node');
    await archive.stop();
    await proxy.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('install a node: program, user, configuration, model, doctor, service', async () => {
    const [, install, first] = blocksOf('install.md', 'A packed release');
    expect(await follow(install)).toContain(`${VERSION}\n`);
    await follow('install -d /etc/pansegnet-node');
    const [site = ''] = blocksOf('install.md', 'A packed release', 'yaml');
    const [port, file] = [await freePort(), path.join(root, 'etc/pansegnet-node/site.yaml')];
    await writeFile(file, site.replace('kind: orthanc', 'kind: dicomweb').replace(/http:\S+/, archive.url));
    await appendFile(file, `http:\n  port: ${port}\n`);
    // Ready, not only alive: commands beside it are answered.
    health = `http://127.0.0.1:${port}/readyz`;
    await follow(
      'pansegnet-node models import /opt/pansegnet-node/current/models/demo-src/Task901_DemoCT ' +
        '--name pansegnet-ct --modality CT --output /path/to/pansegnet-ct',
    );
    expect(await follow(first)).toContain('0 problem(s)');

    const [systemd = ''] = blocksOf('install.md', 'systemd');
    await follow(systemd.replace(/^journalctl .*$/m, ''));
    await serves();
  });

  it('back up the database and restore it', async () => {
    const [backup, restore = ''] = blocksOf('operations.md', 'Backup and restore');
    await asNode('opt-out', 'add', '--patient', 'BEFORE');
    const before = await asNode('opt-out', 'list');
    await follow(backup);
    await serves();
    await asNode('opt-out', 'add', '--patient', 'AFTER');
    expect(await asNode('opt-out', 'list')).not.toBe(before);
    await follow(restore.replace('2026-11-30', '$(date +%F)'));
    await serves();
    expect(await asNode('opt-out', 'list')).toBe(before);
  });

  it('upgrade and go back', async () => {
    const unpacked = path.join(folder, 'next');
    await mkdir(unpacked);
    run('tar', ['-xzf', path.join(root, `root/download/pansegnet-node-${VERSION}.tgz`), '-C', unpacked]);
    const description = path.join(unpacked, 'package/package.json');
    const text = await readFile(description, 'utf8');
    await writeFile(description, text.replace(/"version": ".*"/, '"version": "99.0.0"'));
    run('tar', [
      '-czf',
      path.join(root, 'root/download/pansegnet-node-99.0.0.tgz'),
      '-C',
      unpacked,
      'package',
    ]);

    const [upgrade = ''] = blocksOf('operations.md', 'Upgrades');
    await follow(upgrade.replaceAll('VERSION', '99.0.0'));
    await serves();
    expect(await follow('pansegnet-node --version')).toBe('99.0.0\n');
    expect(readFileSync(path.join(DOCS, 'operations.md'), 'utf8')).toContain('`sh install.sh rollback`');
    await follow('sh install.sh rollback');
    await serves();
    expect(await follow('pansegnet-node --version')).toBe(`${VERSION}\n`);
  });

  it('install without internet what was fetched elsewhere, there through a proxy', async () => {
    const [settings = ''] = blocksOf('install.md', 'HTTP proxy');
    await follow(settings.replaceAll('http://proxy.hospital.example:3128', proxy.url));
    // What the installations before have left would spare npm the way through the proxy.
    await follow('rm -rf /root/.npm');
    const [fetching, installing] = blocksOf('install.md', 'Without internet');
    await follow(fetching);
    expect(proxy.asked.length).toBeGreaterThan(0);

    await follow('systemctl stop pansegnet-node');
    await follow('rm -rf /opt/pansegnet-node /usr/local/bin/pansegnet-node /usr/local/bin/npm /root/.npm');
    expect(await follow(installing, { network: false })).toContain(`${VERSION}\n`);
    await follow('systemctl start pansegnet-node');
    await serves();
  });
});

const SYSTEMCTL = `#!/bin/sh
unit=/etc/systemd/system/pansegnet-node.service
value() { sed -n "s/^$1=//p" $unit; }
case $1 in
  cat) [ -f $unit ] ;;
  start | enable)
    cd "$(value WorkingDirectory)"
    setsid setpriv --reuid "$(value User)" --regid "$(value Group)" --init-groups $(value ExecStart) \\
      >>/var/log/pansegnet-node.log 2>&1 </dev/null &
    echo $! >/run/pansegnet-node.pid
    ;;
  stop)
    [ -f /run/pansegnet-node.pid ] || exit 0
    pid=$(cat /run/pansegnet-node.pid)
    rm /run/pansegnet-node.pid
    kill "$pid" 2>/dev/null || exit 0
    while grep -q '^State:.[^Z]' "/proc/$pid/status" 2>/dev/null; do sleep 0.2; done
    ;;
esac
`;
