import { type DicomDataset, fromDicomJson, sequence, text } from '../dicom/reading/dataset.ts';

/** What is wrong with a workitem that somebody sends, in plain words. */
export class WorkitemInvalid extends Error {
  override readonly name = 'WorkitemInvalid';
}

/** What is needed of a new workitem (PS3.4 table CC.2.5-3), by keyword; of some, which values there are. */
const NEEDED: Readonly<Record<string, readonly string[] | RegExp>> = {
  ScheduledProcedureStepStartDateTime: /^\d{4}(\d{2}){0,5}(\.\d{1,6})?([+-]\d{4})?$/,
  InputReadinessState: ['READY', 'INCOMPLETE', 'UNAVAILABLE'],
  ScheduledProcedureStepPriority: ['HIGH', 'MEDIUM', 'LOW'],
  ProcedureStepLabel: /^.{1,64}$/su,
  ProcedureStepState: ['SCHEDULED'],
};

/** Kept apart, or made by the worklist: never part of what is stored. */
export const APART = {
  TransactionUID: '00081195',
  ProcedureStepState: '00741000',
  SOPClassUID: '00080016',
  SOPInstanceUID: '00080018',
  ScheduledProcedureStepModificationDateTime: '00404010',
  SpecificCharacterSet: '00080005',
} as const;

/** Attributes of the Patient module that say who somebody is; emptied where the site keeps no names. */
const NAMES = [
  '00100010', // PatientName
  '00100020', // PatientID
  '00100021', // IssuerOfPatientID
  '00100024', // IssuerOfPatientIDQualifiersSequence
  '00100030', // PatientBirthDate
  '00100032', // PatientBirthTime
  '00101000', // OtherPatientIDs
  '00101001', // OtherPatientNames
  '00101002', // OtherPatientIDsSequence
  '00101040', // PatientAddress
  '00102154', // PatientTelephoneNumbers
  '00104000', // PatientComments
] as const;

const TAG = /^[0-9A-F]{8}$/;
const VR = /^[A-Z]{2}$/;

/** What is kept of a data set that came, in the DICOM JSON model; and the same by keywords. */
export interface Received {
  readonly elements: Readonly<Record<string, unknown>>;
  readonly dataset: DicomDataset;
}

/**
 * A data set that somebody sends, alone or as a list of one (PS3.18 F.2.1).
 * @throws WorkitemInvalid
 */
export function received(body: unknown): Received {
  const one: unknown = Array.isArray(body) && body.length === 1 ? body[0] : body;
  if (!isRecord(one)) throw new WorkitemInvalid('the body is no data set in the DICOM JSON model');
  if (isTooDeep(one)) throw new WorkitemInvalid('the data set is nested too deeply');
  for (const [tag, element] of Object.entries(one)) {
    if (!TAG.test(tag)) throw new WorkitemInvalid('the body has a member that is no tag');
    const { vr, Value: values } = isRecord(element) ? element : {};
    if (typeof vr !== 'string' || !VR.test(vr)) throw new WorkitemInvalid(`${tag} has no VR`);
    if (values !== undefined && !Array.isArray(values)) throw new WorkitemInvalid(`${tag}: Value is no list`);
  }
  let dataset: DicomDataset;
  try {
    dataset = fromDicomJson(one);
  } catch (cause) {
    throw new WorkitemInvalid('the body is no data set in the DICOM JSON model', { cause });
  }
  const apart: readonly string[] = Object.values(APART);
  // PostgreSQL takes no NUL in JSON.
  const elements = Object.fromEntries(Object.entries(one).filter(([tag]) => !apart.includes(tag)));
  if (JSON.stringify(elements).includes('\\u0000')) throw new WorkitemInvalid('a value holds a NUL');
  return { elements, dataset };
}

/**
 * What a new workitem lacks.
 * @throws WorkitemInvalid naming the first attribute that is missing or wrong
 */
export function checkNew(dataset: DicomDataset): void {
  if (text(dataset, 'TransactionUID') !== undefined) {
    throw new WorkitemInvalid('TransactionUID: only a performer chooses one, with its claim');
  }
  for (const [keyword, allowed] of Object.entries(NEEDED)) {
    const value = text(dataset, keyword);
    if (value === undefined) throw new WorkitemInvalid(`${keyword} is missing or empty`);
    const isRight = allowed instanceof RegExp ? allowed.test(value) : allowed.includes(value);
    if (!isRight) {
      const wanted = allowed instanceof RegExp ? '' : `; it can be ${allowed.join(', ')}`;
      throw new WorkitemInvalid(`${keyword} has a value that is not allowed${wanted}`);
    }
  }
}

/** An update changes neither the state nor what the workitem is. @throws WorkitemInvalid */
export function checkUpdate(dataset: DicomDataset): void {
  for (const keyword of ['ProcedureStepState', 'SOPClassUID', 'SOPInstanceUID'] as const) {
    if (dataset[keyword] !== undefined) throw new WorkitemInvalid(`${keyword} cannot be updated`);
  }
}

/** Without what says who the patient is. @returns the same where there is nothing to take out */
export function withoutNames(elements: Received['elements']): Received['elements'] {
  const named = NAMES.filter((tag) => {
    const element = elements[tag];
    return isRecord(element) && Array.isArray(element['Value']) && element['Value'].length > 0;
  });
  if (named.length === 0) return elements;
  const emptied = named.map((tag) => {
    const element = elements[tag];
    return [tag, { vr: isRecord(element) ? element['vr'] : 'UN' }];
  });
  return { ...elements, ...Object.fromEntries(emptied) };
}

/** Whose a workitem is does not change: an update of that is not heeded. */
export const withoutPatient = (elements: Received['elements']): Received['elements'] =>
  Object.fromEntries(Object.entries(elements).filter(([tag]) => !NAMES.some((name) => name === tag)));

/** The study that the input is of, for who looks for workitems by it; undefined where it is of several. */
export function studyOf(dataset: DicomDataset): string | undefined {
  const studies = new Set(
    sequence(dataset, 'InputInformationSequence').map((item) => text(item, 'StudyInstanceUID')),
  );
  return studies.size === 1 ? [...studies][0] : undefined;
}

/** Levels of objects and lists; a workitem has a dozen. */
const MOST_LEVELS = 40;

/** Without recursion: what is nested a hundred thousand times would end it. */
function isTooDeep(whole: unknown): boolean {
  let level: unknown[] = [whole];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MOST_LEVELS) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
