import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const ROOT = path.resolve(import.meta.dirname, '../..');
const entrySchema = z.object({
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  optional: z.boolean().optional(),
  os: z.array(z.string()).optional(),
  cpu: z.array(z.string()).optional(),
  libc: z.array(z.string()).optional(),
});
const lockSchema = z.object({ packages: z.record(z.string(), entrySchema) });

/** What is not for Linux with glibc on these is for machines that the node is not tested on. */
const isForTested = ({ os, cpu, libc }: z.infer<typeof entrySchema>): boolean =>
  (os?.includes('linux') ?? true) &&
  (cpu?.some((one) => one === 'x64' || one === 'arm64') ?? true) &&
  (libc?.includes('glibc') ?? true);

const nameOf = (folder: string): string => folder.split('node_modules/').at(-1) ?? folder;
/** Such as `@oxlint/binding`: what one program has for each platform. */
const familyOf = (name: string): string =>
  name.replace(/[-/](android|darwin|freebsd|linux|openharmony|win32)-.*$/, '');

it('every package that a tested machine installs has a hash, and the docs name the others', () => {
  const lock = lockSchema.parse(JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')));
  const entries = Object.entries(lock.packages).filter(([folder, { link }]) => folder !== '' && !link);
  const unproven = entries.filter(([, { integrity }]) => !/^sha512-.{80,}/.test(integrity ?? ''));
  expect(entries.length).toBeGreaterThan(2 * unproven.length);
  const installed = unproven.filter(([, entry]) => entry.optional !== true || isForTested(entry));
  expect(installed.map(([folder]) => nameOf(folder))).toEqual([]);
  const families = new Set(unproven.map(([folder]) => familyOf(nameOf(folder))));
  const docs = readFileSync(path.join(ROOT, 'docs/install.md'), 'utf8');
  expect([...families].filter((family) => !docs.includes(`\`${family}\``))).toEqual([]);
});
