import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { programPath } from './requires.ts';

export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: string;
  readonly key: string;
}

export interface TestAuthority extends Certificate {
  /** A certificate signed by this authority. @param names DNS:localhost, IP:127.0.0.1 */
  issue(commonName: string, names: string): Certificate;
  remove(): void;
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate authority of its own, made by openssl. */
export function createAuthority(name: string): TestAuthority {
  const folder = mkdtempSync(path.join(tmpdir(), 'authority-'));
  const file = (base: string): string => path.join(folder, base);
  const openssl = (...words: string[]): void => {
    execFileSync(programPath('openssl'), words, { stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const read = (base: string): Certificate => {
    const [certificateFile, keyFile] = [file(`${base}.pem`), file(`${base}.key`)];
    const [certificate, key] = [readFileSync(certificateFile, 'utf8'), readFileSync(keyFile, 'utf8')];
    return { certificateFile, keyFile, certificate, key };
  };
  const made = (base: string): string[] => ['-keyout', file(`${base}.key`), '-out', file(`${base}.pem`)];
  openssl('req', '-x509', ...KEY, '-days', '2', '-subj', `/CN=${name}`, ...made('ca'));
  return {
    ...read('ca'),
    issue: (commonName, names) => {
      const base = `issued-${commonName}`;
      writeFileSync(file(`${base}.ext`), `subjectAltName=${names}\n`);
      const request = ['-keyout', file(`${base}.key`), '-out', file(`${base}.csr`)];
      openssl('req', ...KEY, '-subj', `/CN=${commonName}`, ...request);
      const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
      const paths = [
        '-in',
        file(`${base}.csr`),
        '-out',
        file(`${base}.pem`),
        '-extfile',
        file(`${base}.ext`),
      ];
      openssl('x509', '-req', '-days', '2', ...authority, ...paths);
      return read(base);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
