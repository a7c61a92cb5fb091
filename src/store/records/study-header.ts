import { z } from 'zod';
import { type DicomDataset, text, texts, verbatim } from '../../dicom/reading/dataset.ts';
import { bodySizeOf } from '../../results/body-size.ts';
import { columnsOf, orUndefined, rowsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';
import { type PatientIdentity, patientKeys } from './patient-key.ts';
import type { NameKeys } from './person-name.ts';
import { type IdentityReader, identityReader, namedPatient } from './study-identity.ts';

const optional = orUndefined(z.string());
/**
 * What is shown of a study so that people find it, and whose it is. Undefined: the study has none, or none is
 * kept.
 */
const headerForm = z.object({
  patientKey: z.string(),
  /** As DICOM has it: A=I=P, components separated by ^. */
  patientName: optional,
  patientId: optional,
  issuer: optional,
  /** DA. */
  birthDate: optional,
  /** The same for equal birth dates, and says nothing else of them. */
  birthDateKey: optional,
  sex: optional,
  /** DA and TM; empty where the study has none. */
  studyDate: z.string(),
  studyTime: z.string(),
  description: z.string(),
  accessionNumber: optional,
  /** Manufacturer and model of the scanner; empty where the images do not say. */
  scanner: z.string(),
  /** PatientWeight and PatientSize, where they are plausible; see `bodySizeOf`. */
  weightKg: orUndefined(z.number()),
  sizeM: orUndefined(z.number()),
});
export type StudyHeader = Readonly<z.output<typeof headerForm>>;
/** What else is kept of whose a study is; see study-identity.ts. */
interface RecordedHeader extends StudyHeader {
  readonly nameKeys: NameKeys | undefined;
  readonly identified: boolean;
}
const headerRow = headerForm.extend({ studyInstanceUid: z.string() });

/** Keeps the header of a study, from one of its images. */
export type RecordHeader = (studyInstanceUid: string, image: DicomDataset) => Promise<void>;

/**
 * @param names whether names, ids and birth dates are kept for the pages; what was kept before goes at the
 * next record
 * @param placeholderIds see `placeholderTest`
 */
export async function headerRecorder(
  sql: Sql,
  { names, placeholderIds }: { names: boolean; placeholderIds?: readonly string[] },
): Promise<RecordHeader> {
  const patientKey = await patientKeys(sql, placeholderIds);
  const identities = await identityReader(sql, placeholderIds);
  return async (studyInstanceUid, image) => {
    const header = headerOf(studyInstanceUid, image, patientKey, identities);
    await recordHeader(sql, studyInstanceUid, names ? header : withoutNames(header));
  };
}

function headerOf(
  studyInstanceUid: string,
  image: DicomDataset,
  patientKey: (patient: PatientIdentity) => string,
  identities: IdentityReader,
): RecordedHeader {
  const patient = namedPatient(image);
  const { patientId, issuer, birthDate } = patient;
  const { birthDateKey, nameKeys } = identities.identityOf(patient);
  const size = bodySizeOf(image);
  return {
    nameKeys,
    identified: !identities.namesNobody(patient),
    patientKey: patientKey({ patientId, issuer, studyInstanceUid }),
    patientName: verbatim(image, 'PatientName')[0]?.trim() || undefined,
    patientId,
    issuer,
    birthDate,
    birthDateKey,
    sex: patient.sex,
    studyDate: text(image, 'StudyDate') ?? '',
    studyTime: text(image, 'StudyTime') ?? '',
    description: text(image, 'StudyDescription') ?? '',
    accessionNumber: text(image, 'AccessionNumber'),
    weightKg: size.weightKg,
    sizeM: size.heightM,
    scanner: ['Manufacturer', 'ManufacturerModelName'].flatMap((one) => text(image, one) ?? []).join(' '),
  };
}

const withoutNames = (header: RecordedHeader): RecordedHeader => ({
  ...header,
  patientName: undefined,
  patientId: undefined,
  issuer: undefined,
  birthDate: undefined,
  accessionNumber: undefined,
});

async function recordHeader(sql: Sql, studyInstanceUid: string, header: RecordedHeader): Promise<void> {
  const { patientName, patientId, accessionNumber, description, scanner } = header;
  const words = [patientName, patientId, accessionNumber, description, scanner, studyInstanceUid];
  // PostgreSQL takes no NUL in a text; a broken header may hold one.
  await sql.query(
    `INSERT INTO pansegnet.study_header (patient_key, patient_name, patient_id, issuer, birth_date,
     birth_date_key, sex,
       study_date, study_time, description, accession_number, scanner, words, study_instance_uid, name_keys,
       identified, weight_kg, size_m)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16::boolean,
       $17::float8, $18::float8)
     ON CONFLICT (study_instance_uid) DO UPDATE SET
       patient_key = excluded.patient_key, patient_name = excluded.patient_name, patient_id =
       excluded.patient_id,
       issuer = excluded.issuer, birth_date = excluded.birth_date, birth_date_key = excluded.birth_date_key,
       sex = excluded.sex, study_date = excluded.study_date, study_time = excluded.study_time,
       description = excluded.description, accession_number = excluded.accession_number,
       scanner = CASE WHEN excluded.scanner = '' THEN study_header.scanner ELSE excluded.scanner END,
       words = excluded.words, name_keys = excluded.name_keys, identified = excluded.identified,
       weight_kg = coalesce(excluded.weight_kg, study_header.weight_kg),
       size_m = coalesce(excluded.size_m, study_header.size_m)`,
    [
      header.patientKey,
      patientName,
      patientId,
      header.issuer,
      header.birthDate,
      header.birthDateKey,
      header.sex,
      header.studyDate,
      header.studyTime,
      description,
      accessionNumber,
      scanner,
      words
        .filter((word) => word !== undefined)
        .join('\n')
        .toLowerCase(),
      studyInstanceUid,
      header.nameKeys && JSON.stringify(header.nameKeys),
      String(header.identified),
      header.weightKg?.toString(),
      header.sizeM?.toString(),
    ].map((value) => value?.replaceAll('\0', '') ?? null),
  );
}

const byStudy = (rows: readonly unknown[]): ReadonlyMap<string, StudyHeader> =>
  new Map(rowsOf(headerRow, rows).map(({ studyInstanceUid, ...one }) => [studyInstanceUid, one]));

/** By Study Instance UID; studies without one are left out. */
export async function headersOfStudies(
  sql: Sql,
  studyInstanceUids: readonly string[],
): Promise<ReadonlyMap<string, StudyHeader>> {
  if (studyInstanceUids.length === 0) return new Map();
  const rows = await sql.query(
    `SELECT ${columnsOf(headerRow)} FROM pansegnet.study_header
     WHERE study_instance_uid = ANY($1::text[])`,
    [studyInstanceUids],
  );
  return byStudy(rows);
}

/** The headers of all studies of a patient, by Study Instance UID, oldest first. */
export async function headersOfPatient(
  sql: Sql,
  patientKey: string,
): Promise<ReadonlyMap<string, StudyHeader>> {
  const rows = await sql.query(
    `SELECT ${columnsOf(headerRow)} FROM pansegnet.study_header WHERE patient_key = $1
     ORDER BY study_date, study_time, study_instance_uid`,
    [patientKey],
  );
  return byStudy(rows);
}

/** The image that says most reliably what scanner made the study: one that no workstation derived. */
export function typicalImage(images: readonly DicomDataset[]): DicomDataset | undefined {
  return images.find((image) => texts(image, 'ImageType')[0] === 'ORIGINAL') ?? images[0];
}
