// What `npm pack` runs first: the program as JavaScript in dist/, the other files that stand between the
// sources, the lock file under the name that npm takes along in a package, so that a release installs
// what was tested, and what it consists of.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeThirdParty } from './third-party.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const inRoot = (...parts: string[]): string => path.join(ROOT, ...parts);

rmSync(inRoot('dist'), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [inRoot('node_modules/typescript/bin/tsc'), '-p', inRoot('tsconfig.build.json')],
  {
    stdio: 'inherit',
  },
);
cpSync(inRoot('src'), inRoot('dist'), { recursive: true, filter: (file) => !/\.(ts|proto)$/.test(file) });
copyFileSync(inRoot('package-lock.json'), inRoot('npm-shrinkwrap.json'));
writeThirdParty(ROOT);
