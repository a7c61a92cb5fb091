import { describe, expect, it } from 'vitest';
import { hashedIdentifier } from '../../src/logging/identifiers.ts';
import { openLog } from '../../src/logging/logger.ts';

const KEY = 'a key for this test';
const STUDY = '1.3.6.1.4.1.14519.5.2.1.7009.2403';

function logged(write: (log: ReturnType<typeof openLog>) => void): string {
  const lines: string[] = [];
  const log = openLog({
    level: 'trace',
    identifierKey: KEY,
    secrets: ['open sesame', 'with "quotes"'],
    stream: { write: (line) => void lines.push(line) },
  });
  write(log);
  const text = lines.join('');
  for (const line of lines) JSON.parse(line); // whatever is redacted, a line stays JSON
  return text;
}

describe('the log', () => {
  it('holds UIDs hashed, in fields of any depth, in messages, and in errors with their causes', () => {
    const error = new Error(`https://pacs/studies/${STUDY}/series: no`, {
      cause: new Error(`in ${STUDY}.4.`),
    });
    const text = logged((log) => {
      log.info({ studyInstanceUid: STUDY, series: { SeriesInstanceUID: `${STUDY}.1` } }, `study ${STUDY}`);
      log.info(
        { seriesInstanceUids: [STUDY, '1.2'], uid: '1.2.3' },
        'short ones too, by the name of the field',
      );
      log.error({ err: error }, 'failed');
      log.child({ sopInstanceUid: STUDY }).debug('child');
    });
    expect(text).not.toContain('14519');
    expect(logged((log) => log.info('2.25.7: 2.25.338021, 1.2.12345678901234'))).not.toMatch(/2\.25|1\.2/);
    expect(text).not.toContain('"1.2');
    expect(text.split(hashedIdentifier(STUDY, KEY))).toHaveLength(6);
    expect(text).toContain(`in ${hashedIdentifier(`${STUDY}.4`, KEY)}.`);
  });

  it('gives a UID the same hash with the same key alone', () => {
    expect(hashedIdentifier(STUDY, KEY)).toMatch(/^uid:[0-9a-f]{16}$/);
    expect(hashedIdentifier(STUDY, 'another key')).not.toBe(hashedIdentifier(STUDY, KEY));
  });

  it('leaves alone what is no UID of a patient: addresses, versions, times, SOP classes', () => {
    const text = logged((log) => {
      log.info(
        { url: 'http://10.0.0.12:8042', version: '1.12.4', seconds: 1.25 },
        'CT is 1.2.840.10008.5.1.4.1.1.2',
      );
    });
    for (const kept of ['10.0.0.12', '1.12.4', '1.25', '1.2.840.10008.5.1.4.1.1.2'])
      expect(text).toContain(kept);
    expect(text).not.toContain('uid:');
  });

  it('shows UIDs where the site wants them', () => {
    const lines: string[] = [];
    const stream = { write: (line: string) => void lines.push(line) };
    openLog({ level: 'info', identifierKey: undefined, secrets: [], stream }).info({
      studyInstanceUid: STUDY,
    });
    expect(lines.join('')).toContain(STUDY);
  });

  it('holds no secrets: configured ones, credentials in addresses, Authorization headers, tokens', () => {
    const text = logged((log) => {
      log.info({ password: 'open sesame', more: 'with "quotes"' }, 'open sesame');
      log.info('connect to https://ann:hunter2@pacs.example/dicom-web');
      log.info({ headers: { Authorization: 'Bearer abc.def-ghi' } }, 'Basic YW5uOmh1bnRlcjI=');
      log.info(`pansegnet_${'x'.repeat(43)}`);
    });
    expect(text).not.toMatch(/sesame|quotes|hunter2|abc\.def|YW5u|xxx/);
    expect(text).toContain('https://********@pacs.example/dicom-web');
  });

  it('holds of errors what was thrown about them, not what they carry along', () => {
    const database = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (name)=(Mustermann^Erika) already exists',
      params: ['Mustermann^Erika'],
      query: 'INSERT',
    });
    const parse = (): unknown => JSON.parse('Mustermann^Erika');
    const text = logged((log) => {
      log.error({ err: database }, 'failed');
      log.error(database);
      try {
        parse();
      } catch (cause) {
        log.warn({ err: new Error('the answer is not JSON', { cause }) }, 'failed');
      }
    });
    expect(text).not.toContain('Mustermann');
    expect(text).toContain('"code":"23505"');
    const caught = logged((log) => {
      try {
        parse();
      } catch (error) {
        log.warn(
          { reason: `unexpected: ${String(error)}` },
          'name Müller-Lüdenscheidt^Karl Heinz^^Dr.: not readable',
        );
      }
    });
    expect(caught).not.toMatch(/Muster|Müller|Karl|Heinz/);
    expect(caught).toContain(': not readable');
    expect(text).toContain('"type":"SyntaxError"');
    expect(text).toContain('logging.test.ts');
  });
});
