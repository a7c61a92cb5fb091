import { personNameLines } from '../../pictures/person-name.ts';
import type { StudyHeader } from '../../store/records/study-header.ts';
import { TEXTS } from './texts.ts';

export const ml = (value: number): string => value.toFixed(1);

export const signed = (value: number, digits = 1): string => {
  const text = value.toFixed(digits);
  // A true minus sign is as wide as the plus, and is read out.
  return Number(text) > 0 ? `+${text}` : text.replace('-', '\u2212');
};

/** DA as people write it; what is no date stays as it is. */
export const day = (date: string): string =>
  date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3') || TEXTS.unknown;

/** HH:MM of a TM; empty where it is none. */
export const clock = (time: string): string => time.replace(/^(\d\d)(\d\d).*$/, '$1:$2').slice(0, 5);

/** HH:MM:SS in the node's own time zone. */
export const time = (date: Date): string => date.toLocaleTimeString('sv-SE');

/** In the node's own time zone. */
export const moment = (date: Date): string => date.toLocaleString('sv-SE').slice(0, 16);

/** A name, or what is next best to tell a patient by. */
export function patientName(header: StudyHeader | undefined, patientKey: string | undefined): string {
  const name = personNameLines(header?.patientName ?? '').join(' / ');
  if (name) return name;
  if (header?.patientId) return header.patientId;
  const key = header?.patientKey ?? patientKey;
  return key === undefined ? TEXTS.unknown : `${TEXTS.patient.title} ${key.slice(0, KEY_DIGITS)}`;
}

/** So many digits of a key or a hash tell a few apart for people. */
const KEY_DIGITS = 8;
export const shortHash = (hash: string): string => hash.slice(0, 12);
