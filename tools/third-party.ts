// What a release consists of beside its own program: a bill of materials in CycloneDX, made from the lock file, and
// the licences of all packages in one text.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const LICENCE_FILE = /^(licen[cs]es?|copying|notice|third.?party.?notices?)([.-].*)?$/i;

const BELOW = 'node_modules/';

const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({ version: z.string(), license: z.string().optional(), dev: z.boolean().default(false) }),
  ),
});
const bomSchema = z.looseObject({
  metadata: z.looseObject({
    timestamp: z.string(),
    component: z.looseObject({ name: z.string(), type: z.string(), 'bom-ref': z.string() }),
  }),
  serialNumber: z.string(),
  components: z.array(z.looseObject({ name: z.string(), version: z.string(), 'bom-ref': z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

/** Packages of a release by the folder that they stand in. */
function usedPackages(root: string): { folder: string; name: string; version: string; license?: string }[] {
  const { packages } = lockSchema.parse(
    JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')),
  );
  return Object.entries(packages)
    .filter(([folder, { dev }]) => folder !== '' && !dev)
    .map(([folder, { version, license }]) => {
      const name = folder.slice(folder.lastIndexOf(BELOW) + BELOW.length);
      return { folder, name, version, ...(license === undefined ? {} : { license }) };
    });
}

/**
 * As npm writes it, without what differs from run to run, and with the program's name for the folder's. What is for
 * development is left out here: `npm sbom --omit=dev` also leaves out what both need.
 */
export function billOfMaterials(root: string): string {
  const npm = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const said = execFileSync('npm', npm, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 });
  const { serialNumber: _, metadata, ...bom } = bomSchema.parse(JSON.parse(said));
  const { timestamp: __, component, ...about } = metadata;
  const program = { ...component, name: 'pansegnet-node', type: 'application' };
  const used = new Set(usedPackages(root).map(({ name, version }) => `${name}@${version}`));
  const components = bom.components.filter(({ name, version }) => used.has(`${name}@${version}`));
  const refs = new Set([component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map((one) => ({ ...one, dependsOn: one.dependsOn.filter((ref) => refs.has(ref)) }));
  const whole = { ...bom, metadata: { ...about, component: program }, components, dependencies };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

/**
 * Name, version, licence and licence files of every package that an installed release holds on this machine, and
 * names and licences of those for other machines.
 */
export function licenceTexts(root: string): string {
  return usedPackages(root)
    .map(({ folder, name, version, license }) => {
      const texts = filesOf(path.join(root, folder)).map((file) => readFileSync(file, 'utf8').trim());
      return [`${name} ${version}: ${license ?? 'as the package says'}`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .concat('\n');
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && LICENCE_FILE.test(entry.name))
      .map(({ name }) => path.join(folder, name))
      .toSorted();
  } catch {
    // A package for another kind of machine.
    return [];
  }
}

export function writeThirdParty(root: string): void {
  writeFileSync(path.join(root, 'sbom.cdx.json'), billOfMaterials(root));
  writeFileSync(path.join(root, 'THIRD-PARTY-LICENSES.txt'), licenceTexts(root));
}
