import { DeliveryError } from '../outbox/delivery-error.ts';
import type { OutgoingResult } from './outgoing-result.ts';

/**
 * What a receiver says of a message, whether it took it or not, may repeat what stands in it: of the patient
 * and the orders nothing of it is kept. The database, the pages and the log hold none for it.
 */
export async function withoutPatient(result: OutgoingResult, send: () => Promise<string>): Promise<string> {
  const hide = (text: string): string => hidden(text, identifying(result));
  try {
    return hide(await send());
  } catch (error) {
    if (!(error instanceof DeliveryError)) throw error;
    const { failure, message, pauseMs, cause } = error;
    throw new DeliveryError(failure, hide(message), { pauseMs, cause });
  }
}

const HIDDEN = '***';
/** Of ideographs one is a whole name; a single letter would take a text apart, and names nobody. */
const NAME_LETTERS = 2;
/** What is shorter stands in other words too: it counts where it is a word of its own. */
const ANYWHERE_LETTERS = 3;
const LATIN = /[\p{Script=Latin}\p{N}]/u;

/** Patterns of what leads to the patient, the longest first, and the plain words among them. */
interface Identifying {
  readonly patterns: readonly RegExp[];
  readonly words: readonly string[];
}

function identifying({ patient, orders }: Pick<OutgoingResult, 'patient' | 'orders'>): Identifying {
  const names = (patient.name ?? '')
    .split(/[\s=^]+/)
    .filter((word) => word.length >= (LATIN.test(word) ? NAME_LETTERS : 1));
  const ids = [
    patient.id.value,
    ...orders.flatMap(({ accession, placer, filler, procedureId }) => [
      accession?.value ?? '',
      placer?.value ?? '',
      filler?.value ?? '',
      procedureId ?? '',
    ]),
  ];
  const words = [...names, ...ids].map(plain).filter((word) => runsOf(word).length > 0);
  const patterns = words.toSorted((a, b) => b.length - a.length).map(wordPattern);
  return { patterns: [...patterns, ...datePatterns(patient.birthDate)], words };
}

/** Without accents and case, which receivers leave out. */
const plain = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase();

const runsOf = (word: string): string[] => word.match(/[\p{L}\p{N}]+/gu) ?? [];

/** The word with any accents, and with other marks between its parts, or none (P-17, P17). */
function wordPattern(word: string): RegExp {
  const letters = (run: string): string => Array.from(run, (letter) => `${letter}\\p{M}*`).join('');
  const parts = runsOf(word);
  const pattern = parts.map(letters).join('[^\\p{L}\\p{N}]{0,3}');
  const isLong = parts.join('').length >= ANYWHERE_LETTERS || !LATIN.test(word);
  return new RegExp(isLong ? pattern : `(?<![\\p{L}\\p{N}])${pattern}(?![\\p{L}\\p{N}])`, 'giu');
}

/** A date of birth, in the orders that people write one. */
function datePatterns(birthDate: string | undefined): RegExp[] {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(birthDate ?? '') ?? [];
  if (year === undefined || month === undefined || day === undefined) return [];
  const optional = (two: string): string => two.replace(/^0/, '0?');
  const written = [
    [year, month, day],
    [day, month, year],
    [month, day, year],
  ];
  return [
    new RegExp(written.map((parts) => parts.join('')).join('|'), 'g'),
    new RegExp(written.map((parts) => parts.map(optional).join('[-./\\s]{1,2}')).join('|'), 'g'),
  ];
}

function hidden(text: string, { patterns, words }: Identifying): string {
  const whole = patterns.reduce((rest, one) => rest.replaceAll(one, HIDDEN), text.normalize('NFD'));
  // Where an answer was cut off, in the middle of a name as it may be.
  const begins = (rest: string) =>
    words.some((word) => rest.length >= (LATIN.test(word) ? NAME_LETTERS : 1) && word.startsWith(rest));
  return whole
    .replaceAll(/([^\s…]+)…/gu, (cut, rest: string) => {
      const at = Array.from(rest, (_, i) => i).find((i) => begins(plain(rest.slice(i))));
      return at === undefined ? cut : `${rest.slice(0, at)}${HIDDEN}…`;
    })
    .normalize('NFC');
}
