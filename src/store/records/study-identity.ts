import { z } from 'zod';
import { type DicomDataset, text, verbatim } from '../../dicom/reading/dataset.ts';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { keyedDigests, nobodyTest } from './patient-key.ts';
import { compareNames, nameKeysForm, nameKeysOf } from './person-name.ts';
import { PLACEHOLDER_IDS, placeholderTest } from './placeholder.ts';
import { type Identity, type Persons, personsOf, relationOf } from './same-person.ts';

/** What images say of their patient, as DICOM has it. */
export interface NamedPatient {
  readonly patientId: string | undefined;
  readonly issuer: string | undefined;
  readonly name: string | undefined;
  readonly birthDate: string | undefined;
  readonly sex: string | undefined;
}

export const namedPatient = (image: DicomDataset): NamedPatient => ({
  patientId: text(image, 'PatientID'),
  issuer: text(image, 'IssuerOfPatientID'),
  // Empty components and groups at the end say nothing.
  name:
    verbatim(image, 'PatientName')[0]
      ?.replaceAll(/[\s^]*(?==|$)/g, '')
      .replace(/[\s=]+$/, '') || undefined,
  birthDate: text(image, 'PatientBirthDate'),
  sex: text(image, 'PatientSex'),
});

/** Birth dates that are written where none is known. */
const PLACEHOLDER_DATES: ReadonlySet<string> = new Set(['19000101', '19700101', '18581117', '19010101']);

/** A birth date that may be one (DA, or with points as before DICOM); undefined for any other text. */
function knownBirthDate(birthDate: string | undefined): string | undefined {
  const date = birthDate?.replace(/^(\d{4})\.(\d\d)\.(\d\d)$/, '$1$2$3').trim() ?? '';
  const iso = date.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3');
  if (iso === date || new Date(iso).toJSON()?.slice(0, 10) !== iso) return undefined;
  return PLACEHOLDER_DATES.has(date) || date < '1800' ? undefined : date;
}

/** How identities are read from what images say. */
export interface IdentityReader {
  readonly identityOf: (patient: NamedPatient) => Identity;
  /** Stands for all that images say of their patient: another one where any of it changes. */
  readonly digestOf: (patient: NamedPatient) => string;
  /** See `nobodyTest`. */
  readonly namesNobody: (patient: Pick<NamedPatient, 'patientId' | 'issuer'>) => boolean;
}

export async function identityReader(
  sql: Sql,
  placeholderIds: readonly string[] = PLACEHOLDER_IDS,
): Promise<IdentityReader> {
  const digest = await keyedDigests(sql);
  const isPlaceholder = placeholderTest(placeholderIds);
  return {
    identityOf: ({ name, birthDate, sex }) => {
      const known = knownBirthDate(birthDate);
      return {
        birthDateKey: known === undefined ? undefined : digest(['birth date', known]),
        sex,
        nameKeys: nameKeysOf(name, digest, isPlaceholder),
      };
    },
    digestOf: ({ patientId = '', issuer = '', name = '', birthDate = '', sex = '' }) =>
      digest(['identity', patientId, issuer, name, birthDate, sex]),
    namesNobody: nobodyTest(placeholderIds),
  };
}

/**
 * Two of them who cannot be one: with another PatientID, issuer, birth date or sex, or with another name
 * where nothing else proves that they are one. What is not said contradicts nobody.
 */
export function differentPatients(
  patients: readonly NamedPatient[],
  { identityOf, namesNobody }: IdentityReader,
): readonly [NamedPatient, NamedPatient] | undefined {
  for (const [at, one] of patients.entries()) {
    for (const other of patients.slice(at + 1)) {
      const isOtherId =
        !namesNobody(one) && !namesNobody(other) && one.patientId?.trim() !== other.patientId?.trim();
      const isOtherIssuer = one.issuer && other.issuer && one.issuer.trim() !== other.issuer.trim();
      const [a, b] = [identityOf(one), identityOf(other)];
      const relation = relationOf(a, b);
      const isOtherName = relation !== 'same' && compareNames(a.nameKeys, b.nameKeys) === 'differ';
      if (isOtherId || isOtherIssuer || relation === 'different' || isOtherName) return [one, other];
    }
  }
  return undefined;
}

const identityRow = z.object({
  studyInstanceUid: z.string(),
  birthDateKey: orUndefined(z.string()),
  sex: orUndefined(z.string()),
  nameKeys: orUndefined(nameKeysForm),
  patientName: orUndefined(z.string()),
});

/**
 * Of all studies known under a patient key, by Study Instance UID and oldest first: also of those whose
 * volumes alone are known, which say nothing of their patient.
 * @param study one that is counted among them in any case
 */
export const identitiesOfPatient = async (
  sql: Sql,
  patientKey: string,
  study = '',
): Promise<ReadonlyMap<string, Identity>> =>
  (await identitiesOfPatients(sql, [patientKey], study)).get(patientKey) ?? new Map();

/** The same of several patients, by their keys. */
export async function identitiesOfPatients(
  sql: Sql,
  patientKeys: readonly string[],
  study = '',
): Promise<ReadonlyMap<string, ReadonlyMap<string, Identity>>> {
  const ofVolumes = `SELECT patient_key AS key, study_instance_uid FROM pansegnet.volume
    WHERE patient_key = ANY ($1::text[])`;
  const rows = await sql.query(
    `SELECT key, ${columnsOf(identityRow)} FROM (
       SELECT patient_key AS key, study_instance_uid FROM pansegnet.study_header
         WHERE patient_key = ANY ($1::text[])
       UNION SELECT unnest($1::text[]), $2 UNION ${ofVolumes}) AS known
     JOIN pansegnet.study_header USING (study_instance_uid)
     ORDER BY study_date, study_time, study_instance_uid`,
    [patientKeys, study],
  );
  const volumes = await sql.query(
    `SELECT DISTINCT key, study_instance_uid AS "studyInstanceUid" FROM (${ofVolumes}) AS measured
     ORDER BY 2`,
    [patientKeys],
  );
  const digest = await keyedDigests(sql);
  const isPlaceholder = placeholderTest(PLACEHOLDER_IDS);
  const identities = new Map(patientKeys.map((key) => [key, new Map<string, Identity>()]));
  for (const { key, studyInstanceUid, patientName, nameKeys, ...one } of rowsOf(keyedIdentity, rows)) {
    // An earlier version kept the name alone.
    identities.get(key)?.set(studyInstanceUid, {
      ...one,
      nameKeys: nameKeys ?? nameKeysOf(patientName, digest, isPlaceholder),
    });
  }
  const unknown = { birthDateKey: undefined, sex: undefined, nameKeys: undefined };
  for (const { key, studyInstanceUid } of rowsOf(
    keyedIdentity.pick({ key: true, studyInstanceUid: true }),
    volumes,
  )) {
    const known = identities.get(key);
    if (!known?.has(studyInstanceUid)) known?.set(studyInstanceUid, unknown);
  }
  return identities;
}
const keyedIdentity = identityRow.extend({ key: z.string() });

/** Whose the studies under a patient key are: see `personsOf`. */
export const personsOfPatient = async (sql: Sql, patientKey: string, study?: string): Promise<Persons> =>
  personsOf(await identitiesOfPatient(sql, patientKey, study));

/** Whether the PatientID of a study names anybody, as far as is known. */
export const isIdentified = async (sql: Sql, studyInstanceUid: string): Promise<boolean> =>
  !(await unidentified(sql, [studyInstanceUid])).has(studyInstanceUid);

/** Those of the studies whose PatientID is known to name nobody. */
export async function unidentified(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.query(
    `SELECT study_instance_uid AS "studyInstanceUid" FROM pansegnet.study_header
     WHERE study_instance_uid = ANY ($1::text[]) AND NOT identified`,
    [studyInstanceUids],
  );
  return new Set(
    rowsOf(identityRow.pick({ studyInstanceUid: true }), rows).map((row) => row.studyInstanceUid),
  );
}

const watchedRow = z.object({
  patientKey: z.string(),
  identityKeys: orUndefined(z.array(z.string())),
  noticedIdentity: orUndefined(z.string()),
});
/** What is kept of a study's identity, to notice that it changes. */
export type WatchedIdentity = Readonly<z.output<typeof watchedRow>>;

export async function watchedIdentity(
  sql: Sql,
  studyInstanceUid: string,
): Promise<WatchedIdentity | undefined> {
  const rows = await sql.query(
    `SELECT ${columnsOf(watchedRow)} FROM pansegnet.study_header WHERE study_instance_uid = $1`,
    [studyInstanceUid],
  );
  return rowsOf(watchedRow, rows)[0];
}

/** What a run found: the digests of all that images of the study say of their patient. */
export async function recordIdentities(
  sql: Sql,
  studyInstanceUid: string,
  digests: readonly string[],
): Promise<void> {
  await sql.query(
    'UPDATE pansegnet.study_header SET identity_keys = $2::jsonb WHERE study_instance_uid = $1',
    [studyInstanceUid, JSON.stringify([...new Set(digests)].sort())],
  );
}

/** What a look found in place of what the last run did; it is acted on once. */
export async function recordNoticed(sql: Sql, studyInstanceUid: string, digest: string): Promise<void> {
  await sql.query('UPDATE pansegnet.study_header SET noticed_identity = $2 WHERE study_instance_uid = $1', [
    studyInstanceUid,
    digest,
  ]);
}

const ignoredRow = z.object({ ignoredIdentities: orUndefined(z.array(z.string())) });

/** Whose a study was when the opt-out list kept it out; undefined: it did not, or nothing was kept. */
export async function ignoredIdentities(
  sql: Sql,
  studyInstanceUid: string,
): Promise<readonly string[] | undefined> {
  const rows = await sql.query(
    `SELECT ${columnsOf(ignoredRow)} FROM pansegnet.study
     WHERE study_instance_uid = $1 AND state = 'skipped'`,
    [studyInstanceUid],
  );
  return rowsOf(ignoredRow, rows)[0]?.ignoredIdentities;
}

/** @param digests null: the list keeps it out no more */
export async function recordIgnoredIdentities(
  sql: Sql,
  studyInstanceUid: string,
  digests: readonly string[] | null,
): Promise<void> {
  await sql.query('UPDATE pansegnet.study SET ignored_identities = $2::jsonb WHERE study_instance_uid = $1', [
    studyInstanceUid,
    digests && JSON.stringify(digests),
  ]);
}

/** The volumes of a study are of the patient with this key. */
export async function moveVolumes(sql: Sql, studyInstanceUid: string, patientKey: string): Promise<void> {
  await sql.query('UPDATE pansegnet.volume SET patient_key = $2 WHERE study_instance_uid = $1', [
    studyInstanceUid,
    patientKey,
  ]);
}

const reissueRow = z.object({ reissue: orUndefined(z.string()) });

/** Why the UIDs of the study's SEGs are others than those of their first writing; undefined: they are not. */
export async function reissueOf(sql: Sql, studyInstanceUid: string): Promise<string | undefined> {
  const rows = await sql.query('SELECT reissue FROM pansegnet.study_header WHERE study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return rowsOf(reissueRow, rows)[0]?.reissue;
}

export async function recordReissue(sql: Sql, studyInstanceUid: string, reissue: string): Promise<void> {
  await sql.query('UPDATE pansegnet.study_header SET reissue = $2 WHERE study_instance_uid = $1', [
    studyInstanceUid,
    reissue,
  ]);
}
