import { createHmac, randomBytes } from 'node:crypto';
import type { Sql } from '../database/sql.ts';
import { PLACEHOLDER_IDS, placeholderTest } from './placeholder.ts';
import { settingMadeOnce } from './settings.ts';

const SETTING = 'patient-key-secret';
const SECRET_BYTES = 32;
/**
 * 128 bits: no two patients of any archive share a key by chance, and the key is short enough for an address.
 */
const KEY_HEX_DIGITS = 32;

export interface PatientIdentity {
  readonly patientId: string | undefined;
  readonly issuer: string | undefined;
  /**
   * Stands for the patient where there is no PatientID, so that nameless patients are never taken for one.
   */
  readonly studyInstanceUid: string;
}

/**
 * Makes opaque patient keys: HMAC-SHA256 of PatientID and issuer, with a secret that stays in the database.
 * An ID that names nobody gives a key of the study's own.
 * @param placeholderIds see `placeholderTest`
 */
export async function patientKeys(
  sql: Sql,
  placeholderIds: readonly string[] = PLACEHOLDER_IDS,
): Promise<(patient: PatientIdentity) => string> {
  const digest = await keyedDigests(sql);
  const partsOf = identifyingParts(placeholderIds);
  return (patient) => digest(partsOf(patient));
}

/**
 * What tells a patient from others: PatientID and issuer, or the study where the ID names nobody.
 * @param placeholderIds see `placeholderTest`
 */
export function identifyingParts(placeholderIds: readonly string[]): (patient: PatientIdentity) => string[] {
  const namesNobody = nobodyTest(placeholderIds);
  return (patient) =>
    namesNobody(patient)
      ? ['study', patient.studyInstanceUid]
      : ['patient', patient.patientId?.trim() ?? '', patient.issuer?.trim() ?? ''];
}

/**
 * Tells whether a PatientID names nobody: it is missing, or a placeholder that no issuer vouches for.
 * @param placeholderIds see `placeholderTest`
 */
export function nobodyTest(
  placeholderIds: readonly string[],
): (patient: Pick<PatientIdentity, 'patientId' | 'issuer'>) => boolean {
  const isPlaceholder = placeholderTest(placeholderIds);
  return ({ patientId = '', issuer = '' }) => {
    if (patientId.trim() === '') return true;
    return isPlaceholder(issuer) && isPlaceholder(patientId);
  };
}

/** Tells texts apart without saying what they are: HMAC-SHA256 with the secret of the patient keys. */
export async function keyedDigests(sql: Sql): Promise<(parts: readonly string[]) => string> {
  const made = randomBytes(SECRET_BYTES).toString('hex');
  return digestsWith(await settingMadeOnce(sql, SETTING, made));
}

/** As `keyedDigests`, with a secret of the site. */
export function digestsWith(secret: string): (parts: readonly string[]) => string {
  // JSON keeps the parts apart: no two lists of parts give the same text.
  return (parts) =>
    createHmac('sha256', secret).update(JSON.stringify(parts)).digest('hex').slice(0, KEY_HEX_DIGITS);
}
