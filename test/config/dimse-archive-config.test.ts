import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';

const REACHED = { host: 'pacs.hospital.example', calledAeTitle: 'PACS' };
const withDimse = (dimse: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  loadConfig({ environment: {}, overrides: { archive: { kind: 'dimse', dimse, ...more } } }).archive;

describe('the configuration of an archive that speaks DIMSE', () => {
  it('needs a host and an AE title, and nothing else', () => {
    expect(withDimse(REACHED)).toMatchObject({ kind: 'dimse', url: null, dimse: { retrieve: 'auto' } });
    expect(() => withDimse({ calledAeTitle: 'PACS' })).toThrow(/archive\.dimse\.host: is needed/);
    expect(() => withDimse({ host: 'pacs' })).toThrow(/archive\.dimse\.calledAeTitle: is needed/);
    expect(() => withDimse({ ...REACHED, aeTitle: 'X'.repeat(17) })).toThrow(/archive\.dimse\.aeTitle/);
  });

  it('needs a port of its own to move to', () => {
    expect(() => withDimse({ ...REACHED, retrieve: 'move' })).toThrow(
      /archive\.dimse\.listen\.port: is needed/,
    );
    expect(withDimse({ ...REACHED, retrieve: 'move', listen: { port: 11_113 } }).dimse.listen.port).toBe(
      11_113,
    );
  });

  it('needs a certificate for that port where it is to speak TLS, and who signs for whom may connect', () => {
    const secured = { ...REACHED, tls: true, listen: { port: 11_113 } };
    const own = { clientCertificate: 'a.pem', clientKey: 'a.key' };
    expect(() => withDimse(secured, { ca: 'ca.pem' })).toThrow(/archive\.clientCertificate: is needed/);
    expect(() => withDimse(secured, own)).toThrow(/archive\.ca: is needed/);
    expect(withDimse(secured, { ...own, ca: 'ca.pem' }).dimse.tls).toBe(true);
    expect(withDimse({ ...REACHED, tls: true }).dimse.tls).toBe(true);
  });

  it.each([
    { url: 'http://pacs/dicom-web' },
    { user: 'somebody' },
    { token: 'abc' },
    { proxy: 'http://proxy:3128' },
  ])('refuses %j, which DIMSE has no use for', (more) => {
    expect(() => withDimse(REACHED, more)).toThrow(/archive\.kind: is dimse/);
  });
});
