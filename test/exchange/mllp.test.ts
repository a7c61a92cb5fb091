import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acknowledged } from '../../src/exchange/hl7/acknowledgment.ts';
import { exchangeMllp } from '../../src/exchange/hl7/mllp.ts';
import { createAuthority, type TestAuthority } from '../support/certificates.ts';
import { acknowledgment, type MllpReceiver, startMllpReceiver } from '../support/mllp-receiver.ts';
import { describeWith } from '../support/requires.ts';

const MESSAGE = 'MSH|^~\\&|A||||20260304||ORU^R01^ORU_R01|ID1|P|2.5.1\rPID|1||山田\r';
const NEVER = new AbortController().signal;

describe('MLLP', () => {
  let receiver: MllpReceiver;
  beforeAll(async () => {
    receiver = await startMllpReceiver();
  });
  afterAll(() => receiver.stop());
  const send = (port = receiver.port, timeoutMs = 5_000) =>
    exchangeMllp(MESSAGE, { host: '127.0.0.1', port, tls: undefined, timeoutMs }, NEVER);

  it('carries a message there, and the answer back', async () => {
    expect(acknowledged(await send(), 'ID1')).toBe('AA');
    expect(receiver.received.at(-1)).toBe(MESSAGE);
  });

  it('waits for an answer that comes in pieces, and for no other', async () => {
    receiver.answer = (message) => `${'x'.repeat(70_000)}${acknowledgment(message, 'AA')}`;
    await expect(send()).resolves.toContain('MSA|AA|ID1');
    receiver.answer = (message) => acknowledgment(message, 'AA');
  });

  it('without an answer, without anybody, or stopped, ends as one that is tried later', async () => {
    receiver.answer = () => undefined;
    await expect(send(receiver.port, 200)).rejects.toMatchObject({ failure: 'later' });
    const stopping = new AbortController();
    const to = { host: '127.0.0.1', port: receiver.port, tls: undefined, timeoutMs: 60_000 };
    const stopped = exchangeMllp(MESSAGE, to, stopping.signal);
    const arrived = receiver.next().then(() => stopping.abort());
    await expect(stopped).rejects.toMatchObject({ failure: 'later' });
    await arrived;
    receiver.answer = (message) => acknowledgment(message, 'AA');
    await expect(send(1)).rejects.toMatchObject({ failure: 'later' });
  });
});

describe('an acknowledgment', () => {
  const of = (code: string, text = '') => acknowledgment(MESSAGE, code, text);

  it.each(['AA', 'CA'])('%s: it is taken', (code) => {
    expect(acknowledged(of(code), 'ID1')).toBe(code);
  });

  it.each(['AR', 'CR', 'AE', 'CE', 'XX'])('%s: it was not taken, and is tried again', (code) => {
    const answer = `${of(code, 'no such patient')}ERR|||204^Unknown key|E||||ask the desk\r`;
    expect(() => acknowledged(answer, 'ID1')).toThrow(
      expect.objectContaining({
        failure: 'unwilling',
        message: `${code} no such patient 204^Unknown key ask the desk`,
      }),
    );
  });

  it.each([
    ['a required field is missing', 'ERR|||101^Required field missing^HL70357|E'],
    ['a field has another type, and something else is noted', 'ERR|||207|W\rERR||OBX^1^5|102|F'],
    ['the version is not known', 'ERR|||203'],
    ['the event is not known, as before version 2.5', 'ERR|OBX^1^5^201&Unsupported event code&HL70357'],
  ])('whose error says that %s is a refusal: the message would be no other the next time', (_, error) => {
    for (const code of ['AE', 'AR'])
      expect(() => acknowledged(`${of(code)}${error}\r`, 'ID1')).toThrow(
        expect.objectContaining({ failure: 'refused' }),
      );
  });

  it('says it in MSA-6, as before version 2.5', () => {
    const answer = of('AR').replace(/\|\r$/, '||||103^Table value not found\r');
    expect(answer).toMatch(/MSA\|AR\|ID1\|\|\|\|103/);
    expect(() => acknowledged(answer, 'ID1')).toThrow(expect.objectContaining({ failure: 'refused' }));
  });

  it.each([
    ['an order that is not there yet', 'ERR|||204'],
    ['a record that is locked', 'ERR|||206'],
    ['a failure inside', 'ERR|||207^Application internal error^HL70357'],
    ['a code of the site’s own', 'ERR|||101^try later^L'],
    ['a warning', 'ERR|||101|W'],
  ])('with %s is tried again', (_, error) => {
    expect(() => acknowledged(`${of('AR')}${error}\r`, 'ID1')).toThrow(
      expect.objectContaining({ failure: 'unwilling' }),
    );
  });

  it('that goes on and on is cut off', () => {
    const [taken] = [acknowledged(of('AA', 'x'.repeat(5_000)), 'ID1')];
    expect(taken.length).toBeLessThanOrEqual(201);
  });

  it.each([
    ['of another message', acknowledgment(MESSAGE.replace('ID1', 'ID2'), 'AA')],
    ['that names no message', of('AA').replace('MSA|AA|ID1', 'MSA|AA')],
    ['without MSA', 'MSH|^~\\&|A\r'],
    ['that is no HL7', 'HTTP/1.1 400 Bad Request'],
  ])('%s is none', (_, answer) => {
    expect(() => acknowledged(answer, 'ID1')).toThrow(expect.objectContaining({ failure: 'unwilling' }));
  });

  it('may end its segments with LF, and have separators of its own', () => {
    expect(acknowledged(of('AA').replaceAll('\r', '\r\n').replaceAll('|', '#'), 'ID1')).toBe('AA');
  });
});

describeWith(['openssl'], 'MLLP over TLS', () => {
  let [authority, stranger]: TestAuthority[] = [];
  let receiver: MllpReceiver;
  beforeAll(async () => {
    [authority, stranger] = [createAuthority('hospital'), createAuthority('stranger')];
    const { certificate: cert, key } = authority.issue('ehr', 'IP:127.0.0.1');
    receiver = await startMllpReceiver({
      cert,
      key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
  });
  afterAll(async () => {
    await receiver?.stop();
    authority?.remove();
    stranger?.remove();
  });
  const send = (tls: { ca?: string; cert?: string; key?: string }) =>
    exchangeMllp(MESSAGE, { host: '127.0.0.1', port: receiver.port, tls, timeoutMs: 5_000 }, NEVER);

  it('goes to who has the certificate of the named authority, and shows its own', async () => {
    if (!authority) throw new Error('no authority');
    const { certificate: cert, key } = authority.issue('node', 'DNS:node');
    expect(await send({ ca: authority.certificate, cert, key })).toContain('MSA|AA|ID1');
    await expect(send({ ca: authority.certificate })).rejects.toMatchObject({ failure: 'later' });
    expect(receiver.received).toHaveLength(1);
  });

  it('says nothing to anybody else', async () => {
    if (!stranger || !authority) throw new Error('no authority');
    const { certificate: cert, key } = authority.issue('node', 'DNS:node');
    await expect(send({ ca: stranger.certificate, cert, key })).rejects.toMatchObject({ failure: 'later' });
    await expect(send({ cert, key })).rejects.toMatchObject({ failure: 'later' });
    expect(receiver.received).toHaveLength(1);
  });

  it('and nothing to who does not speak TLS', async () => {
    const plain = await startMllpReceiver();
    const to = { host: '127.0.0.1', port: plain.port, tls: {}, timeoutMs: 500 };
    await expect(exchangeMllp(MESSAGE, to, NEVER)).rejects.toMatchObject({ failure: 'later' });
    expect(plain.received).toEqual([]);
    await plain.stop();
  });
});
