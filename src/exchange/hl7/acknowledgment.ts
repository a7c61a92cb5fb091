import { DeliveryError } from '../outbox/delivery-error.ts';

/** Table 0008: original mode, and the accept acknowledgments of enhanced mode. */
const TAKEN: ReadonlySet<string> = new Set(['AA', 'CA']);

/**
 * Message error condition codes (table 0357) that say that the message itself is wrong, and would be the next
 * time: its segments, fields and types (100 to 104, 198), its kind and version (200 to 203). Others speak of
 * what the receiver has, or of the receiver: an order that is not there yet, a record that is locked, a
 * failure inside (204 to 207).
 */
const MESSAGE_IS_WRONG: ReadonlySet<string> = new Set(
  [100, 101, 102, 103, 104, 198, 200, 201, 202, 203].map(String),
);
/** Table 0516: a warning or a remark is no error. */
const HARMLESS: ReadonlySet<string> = new Set(['W', 'I']);

/** Longest text of an answer that is given on. */
const LONGEST_WORDS = 200;

/**
 * What a receiver says of a message (HL7 2.5.1, 2.9.2): AA and CA have it. AE, AR, CE and CR have not, for a
 * reason that may pass (AR stands for "busy" and "not now" too), unless an error says that the message is
 * wrong.
 * @returns what it said
 * @throws DeliveryError
 */
export function acknowledged(answer: string, messageId: string): string {
  const segments = segmentsOf(answer);
  const [, code = '', of = '', text = '', , , condition = ''] =
    segments.find(([name]) => name === 'MSA') ?? [];
  const errors = segments.filter(([name]) => name === 'ERR');
  // ERR-3: HL7 error code; ERR-7 and ERR-8: diagnostic information and user message.
  const [error] = errors;
  const all = [code, text, error?.[3], error?.[7], error?.[8]].filter(Boolean).join(' ');
  const words = all.length <= LONGEST_WORDS ? all : `${all.slice(0, LONGEST_WORDS)}…`;
  if (code === '') throw new DeliveryError('unwilling', 'the answer is no acknowledgment');
  if (of !== messageId) {
    throw new DeliveryError('unwilling', `the acknowledgment (${words}) is of another message`);
  }
  if (TAKEN.has(code)) return words;
  const separators = /^MSH.(.)..(.)/.exec(answer.trimStart()) ?? [];
  const codes = [condition, ...errors.map((fields) => errorCode(fields, separators))].map((one) =>
    conditionOf(one, separators),
  );
  throw new DeliveryError(codes.some((one) => MESSAGE_IS_WRONG.has(one)) ? 'refused' : 'unwilling', words);
}

/** The fields of each segment, its name first. */
function segmentsOf(answer: string): string[][] {
  const separator = /^MSH(.)/.exec(answer.trimStart())?.[1];
  if (separator === undefined) return [];
  return answer
    .trim()
    .split(/[\r\n]+/)
    .map((segment) => segment.split(separator));
}

type Separators = readonly (string | undefined)[];

/** ERR-3; before version 2.5 the fourth component of ERR-1. */
function errorCode(error: readonly string[], [, component = '^', subcomponent = '&']: Separators): string {
  const [, location = '', , code = '', severity = ''] = error;
  if (HARMLESS.has(severity)) return '';
  if (code !== '') return code;
  return (location.split(component)[3] ?? '').replaceAll(subcomponent, component);
}

/** Its code, where it is one of table 0357 and of no table of the site's. */
function conditionOf(coded: string, [, component = '^']: Separators): string {
  const [code = '', , table = ''] = coded.split(component);
  return table === '' || table.endsWith('0357') ? code.trim() : '';
}
