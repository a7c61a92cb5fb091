import { createHmac } from 'node:crypto';

/** 64 bits: no two studies of an archive share one by chance, and a line stays readable. */
const HEX_DIGITS = 16;

/**
 * What stands in the log for a UID: tells studies apart and finds all lines of one, but does not lead to the
 * patient.
 */
export function hashedIdentifier(uid: string, key: string): string {
  return `uid:${digits(uid, key)}`;
}

/** What stands in the audit log for words that somebody looked for; the same digits as for a UID. */
export function hashedWords(words: string, key: string): string {
  return `hash:${digits(words, key)}`;
}

const digits = (text: string, key: string): string =>
  createHmac('sha256', key).update(text).digest('hex').slice(0, HEX_DIGITS);
