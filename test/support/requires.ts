import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe } from 'vitest';

/** Debian packages that bring the programs which tests use. `.ci/run` installs all of them. */
const PACKAGES = {
  Orthanc: 'orthanc orthanc-dicomweb',
  storescu: 'dcmtk',
  storescp: 'dcmtk',
  echoscu: 'dcmtk',
  dcmqrscp: 'dcmtk',
  dcmodify: 'dcmtk',
  dcm2xml: 'dcmtk',
  dcm2json: 'dcmtk',
  dcmdump: 'dcmtk',
  dcmdjpeg: 'dcmtk',
  gdcmdump: 'libgdcm-tools',
  gdcmraw: 'libgdcm-tools',
  dciodvfy: 'dicom3tools',
  dcentvfy: 'dicom3tools',
  pdftotext: 'poppler-utils',
  postgresql: 'postgresql',
  openssl: 'openssl',
  xmllint: 'libxml2-utils',
  java: 'default-jre-headless libpixelmed-java',
  python3: 'python3-pydicom python3-numpy',
  nibabel: 'python3-nibabel',
  torch: 'python3-torch',
  strace: 'strace',
  debootstrap: 'debootstrap',
  buildah: 'buildah',
  nginx: 'nginx-light',
  onnx: 'python3-onnx',
  hl7: 'python3-hl7',
  chromium: 'chromium',
} as const;
export type Program = keyof typeof PACKAGES;

/** Files that a program is of no use without: a machine may well have Java or Python for other reasons. */
const COMPANIONS: Partial<Record<Program, string>> = {
  java: '/usr/share/java/pixelmed.jar',
  python3: '/usr/lib/python3/dist-packages/pydicom',
  nibabel: '/usr/lib/python3/dist-packages/nibabel',
  torch: '/usr/lib/python3/dist-packages/torch',
  onnx: '/usr/lib/python3/dist-packages/onnx',
  hl7: '/usr/lib/python3/dist-packages/hl7',
};

/** What runs that is called otherwise. */
const EXECUTABLES: Partial<Record<Program, string>> = {
  nibabel: 'python3',
  torch: 'python3',
  onnx: 'python3',
  hl7: 'python3',
  postgresql: 'initdb',
};

/** Where Debian keeps PostgreSQL's server programs, newest first: one folder per version, not on the PATH. */
const POSTGRES = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql')
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => `/usr/lib/postgresql/${version}/bin`)
  : [];

/**
 * Where a program lives, or undefined. Debian's own folder comes first: another Python on the PATH doesn't
 * see Debian's pydicom. Orthanc stands in /usr/sbin, which is not on everybody's PATH.
 */
function findProgram(program: Program): string | undefined {
  const companion = COMPANIONS[program];
  if (companion && !existsSync(companion)) return undefined;
  const folders = [
    '/usr/bin',
    ...(process.env['PATH'] ?? '').split(path.delimiter),
    '/usr/sbin',
    ...POSTGRES,
  ];
  const executable = EXECUTABLES[program] ?? program;
  return folders.map((folder) => path.join(folder, executable)).find((file) => existsSync(file));
}

/** The path of a program that an enclosing `describeWith` has checked. */
export function programPath(program: Program): string {
  const found = findProgram(program);
  if (!found) throw new Error(`${program} is missing: apt-get install ${PACKAGES[program]}`);
  return found;
}

/** The folder of real images and reference runs beside the checkout, or a file in it. */
const SHARED = path.resolve(import.meta.dirname, '../../../shared');
export const shared = (...parts: string[]): string => path.join(SHARED, ...parts);

type Need = Program | 'shared';

function missing(needs: readonly Need[]): string[] {
  return needs.flatMap((need) => {
    if (need === 'shared') return existsSync(SHARED) ? [] : ['the shared reference data (../shared)'];
    return findProgram(need) ? [] : [`${need} (apt-get install ${PACKAGES[need]})`];
  });
}

/**
 * `describe` that needs programs or the shared data. What is missing skips the tests and says how to get it;
 * with CI set, a missing program fails instead. The shared data may be absent in CI too.
 */
export function describeWith(needs: readonly Need[], name: string, body: () => void): void {
  const absent = missing(needs);
  if (absent.length === 0) {
    describe(name, body);
    return;
  }
  const programsAbsent = missing(needs.filter((need) => need !== 'shared')).length > 0;
  if (programsAbsent && process.env['CI']) throw new Error(`${name} needs ${absent.join(', ')}`);
  console.warn(`skipped: ${name}: needs ${absent.join(', ')}`);
  describe.skip(`${name} [needs ${absent.join(', ')}]`, body);
}
