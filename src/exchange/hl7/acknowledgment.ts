import { DeliveryError } from '../outbox/delivery-error.ts';

/** Table 0008: original mode, and the accept acknowledgments of enhanced mode. */
const TAKEN: ReadonlySet<string> = new Set(['AA', 'CA']);
const REJECTED: ReadonlySet<string> = new Set(['AR', 'CR']);

/**
 * What a receiver says of a message (HL7 2.5.1, 2.9.2): AA has it; AR will never take it; AE could not, for a
 * reason that may pass.
 * @returns what it said
 * @throws DeliveryError
 */
export function acknowledged(answer: string, messageId: string): string {
  const segments = answer.split(/[\r\n]+/);
  const separator = /^MSH(.)/.exec(segments[0] ?? '')?.[1];
  const fieldsOf = (name: string) =>
    separator === undefined
      ? undefined
      : segments.find((one) => one.startsWith(name + separator))?.split(separator);
  const [, code = '', of = '', text = ''] = fieldsOf('MSA') ?? [];
  // ERR-3: HL7 error code; ERR-7 and ERR-8: diagnostic information and user message.
  const error = fieldsOf('ERR');
  const words = [code, text, error?.[3], error?.[7], error?.[8]].filter(Boolean).join(' ');
  if (code === '') throw new DeliveryError('unwilling', 'the answer is no acknowledgment');
  if (of !== messageId) {
    throw new DeliveryError('unwilling', `the acknowledgment (${words}) is of another message`);
  }
  if (TAKEN.has(code)) return words;
  throw new DeliveryError(REJECTED.has(code) ? 'refused' : 'unwilling', words);
}
