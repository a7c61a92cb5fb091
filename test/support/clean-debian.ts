import { existsSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from './release.ts';

/** The folder of the npm that runs this test. */
const NPM = path.resolve(run('sh', ['-c', 'readlink -f "$(command -v npm)"']).trim(), '../..');
const NPM_SCRIPT = '#!/bin/sh\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n';
const AUTHORITY = process.env['NODE_EXTRA_CA_CERTS'];

/** Of programs that run in there. */
export const DEBIAN_ENVIRONMENT = {
  ...(AUTHORITY ? { NODE_EXTRA_CA_CERTS: '/release/authority.pem' } : {}),
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  NPM_CONFIG_REGISTRY: run('npm', ['config', 'get', 'registry']).trim(),
  TZ: 'Europe/Berlin',
};

/** Debootstrap's smallest Debian with Node.js and npm in /usr/local, and an empty folder /release. */
export async function cleanDebian(): Promise<{ readonly folder: string; readonly root: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-debian-'));
  await chmod(folder, 0o755);
  const root = path.join(folder, 'root');
  run('debootstrap', ['--variant=minbase', 'bookworm', root]);
  await copyFile('/etc/resolv.conf', path.join(root, 'etc/resolv.conf'));
  if (existsSync('/etc/ssl/certs'))
    await cp('/etc/ssl/certs', path.join(root, 'etc/ssl/certs'), { recursive: true });
  await copyFile(process.execPath, path.join(root, 'usr/local/bin/node'));
  await cp(NPM, path.join(root, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
  await writeFile(path.join(root, 'usr/local/bin/npm'), NPM_SCRIPT, { mode: 0o755 });
  await mkdir(path.join(root, 'release'));
  // Networks that look into TLS have an authority of their own.
  if (AUTHORITY) await copyFile(AUTHORITY, path.join(root, 'release/authority.pem'));
  return { folder, root };
}
