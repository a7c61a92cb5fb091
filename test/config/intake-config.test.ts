import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';

const withDimse = (dimse: Record<string, unknown>) =>
  loadConfig({ environment: {}, overrides: { intake: { dimse: { enabled: true, ...dimse } } } }).intake.dimse;

describe('the configuration of C-STORE', () => {
  it('is off by default, and on loopback', () => {
    const { dimse } = loadConfig({ environment: {} }).intake;
    expect(dimse).toMatchObject({ enabled: false, host: '127.0.0.1', callingAeTitles: [] });
  });

  it('names who may send, where others than programs of this machine reach the port', () => {
    expect(() => withDimse({ host: '0.0.0.0' })).toThrow(/intake\.dimse\.callingAeTitles/);
    expect(withDimse({ host: '0.0.0.0', callingAeTitles: ['SCANNER1'] }).callingAeTitles).toEqual([
      'SCANNER1',
    ]);
    expect(withDimse({ host: '127.0.0.1' }).callingAeTitles).toEqual([]);
  });

  it.each(['', '    ', 'X'.repeat(17), 'A\\B', 'Ä'])('refuses the AE title %j', (aeTitle) => {
    expect(() => withDimse({ aeTitle })).toThrow(/intake\.dimse\.aeTitle/);
  });
});
